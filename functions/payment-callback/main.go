// Command payment-callback is the function that a payment provider calls. A notice that it can prove credits its order
// once; one that it can't leaves no trace but a count (README rule 1).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/till"
	"billingcentre/shared/counter"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		ledger, metrics := b.Ledger(), &metric.Metrics{}
		channel, keys := till.Alipay(context.Background(), b)
		h := handler{counter.Notices{
			Channel:    channel,
			Desk:       &recharge.Desk{Ledger: ledger},
			Quarantine: &quarantine.Quarantine{Store: ledger.Store, Now: ledger.Now, Metrics: metrics},
			Metrics:    metrics,
			Log:        b.Log,
		}}
		return till.Fresh(keys, api.Serve(b.Log, h.routes()...))
	}))
}
