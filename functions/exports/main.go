// Command exports is the function that takes wishes for files: statements as CSV, consumption as FOCUS. It has them made
// by export-writer, and hands out where they can be fetched.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/objects"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/export/desk"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		h := handler{
			desk: &desk.Desk{
				Store: b.Store(), Links: objects.Shelf(b, "EXPORT_BUCKET"), Send: queue.Sender(b, "EXPORT_QUEUE_URL"), Now: boot.Now, Days: b.Number("EXPORT_DAYS"),
			},
			cursors: secret.Cursors(context.Background(), b),
		}
		return api.Serve(b.Log, h.routes()...)
	}))
}
