// Command payment-poller is the function that a schedule starts every minute: it asks the provider about every payment
// that may have been made, so that no lost notice loses one, and brings refunds to their end (README rules 1 and 4).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
	"billingcentre/shared/boot/till"
	"billingcentre/shared/counter"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) func(context.Context, counter.Duty) (recharge.Round, error) {
		ledger, metrics := b.Ledger(), &metric.Metrics{}
		channel, keys := till.Alipay(context.Background(), b)
		h := handler{counter.Rounds{
			Desk:       &recharge.Desk{Ledger: ledger, Channel: channel},
			Quarantine: &quarantine.Quarantine{Store: ledger.Store, Now: ledger.Now, Metrics: metrics},
			Metrics:    metrics,
			Log:        b.Log,
		}}
		return till.Fresh(keys, h.handle)
	}))
}
