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
	"billingcentre/shared/quarantine"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) func(context.Context, duty) (charge.Round, error) {
		metrics := new(metric.Metrics)
		store := b.Store()
		h := handler{
			desk: &charge.Desk{
				Store: store, Now: boot.Now, Log: b.Log, Markets: marketplaces.Markets(context.Background(), b), Hands: hands,
				Quarantine: &quarantine.Quarantine{Store: store, Now: boot.Now, Metrics: metrics},
			},
			metrics: metrics, log: b.Log,
		}
		return h.handle
	}))
}
