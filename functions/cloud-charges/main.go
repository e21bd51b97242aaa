// Command cloud-charges is the function that a schedule starts every five minutes: it brings what linked cloud accounts
// owe to their clouds' marketplaces, each charge once (README rule 20).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
	"billingcentre/shared/boot/marketplaces"
	"billingcentre/shared/charge"
	"billingcentre/shared/metric"
)

func main() {
	b := boot.Start()
	h := handler{
		desk:    &charge.Desk{Store: b.Store(), Now: boot.Now, Log: b.Log, Markets: marketplaces.Markets(context.Background(), b), Hands: hands},
		metrics: &metric.Metrics{},
		log:     b.Log,
	}
	lambda.Start(h.handle)
}
