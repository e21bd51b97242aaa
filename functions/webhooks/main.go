// Command webhooks is the function by which customers say where their account's events go, and see what became of them.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/batch"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/webhook"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		pepper := secret.OfCentre(context.Background(), b)
		h := handler{
			desk: &webhook.Desk{
				Store: b.Store(), Signer: webhook.Signer{Master: pepper.Key("webhooks")}, Addresses: webhook.Addresses(b.Env("WEBHOOK_ADDRESSES")),
				Queue: webhook.Steps{Sender: batch.Sender{Queue: queue.Client(b), QueueURL: b.Env("WEBHOOK_DELIVERY_QUEUE_URL")}, Now: boot.Now}, Now: boot.Now,
			},
			cursors: pepper.Cursors(),
		}
		return api.Serve(b.Log, h.routes()...)
	}))
}
