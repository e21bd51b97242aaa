// Command webhook-courier is the function that takes events from the bus's queue to customers' webhooks: it makes the
// deliveries of each event, and attempts them one by one from a queue of their own.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
)

func main() {
	lambda.Start(newHandler(boot.Start()).handle)
}
