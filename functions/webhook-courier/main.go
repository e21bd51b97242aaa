// Command webhook-courier is the function that takes events from the bus's queue to customers' webhooks: it makes the
// deliveries of each event, and attempts them one by one from a queue of their own.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
		return newHandler(b).handle
	}))
}
