// Command notice-preferences is the function for what the people of an account want to be told by email, and for the list of
// what they were told.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/directory"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		store := b.Store()
		h := handler{
			store: store, directory: &directory.Directory{Store: store, Now: boot.Now}, cursors: secret.Cursors(context.Background(), b), now: boot.Now,
		}
		return api.Serve(b.Log, h.routes()...)
	}))
}
