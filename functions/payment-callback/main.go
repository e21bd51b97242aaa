// Command payment-callback is the function that a payment provider calls. A notice that it can prove credits its order
// once; one that it can't leaves no trace but a count (README rule 1).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/till"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
)

func main() {
	b := boot.Start()
	ledger, metrics := b.Ledger(), &metric.Metrics{}
	h := handler{
		channel:    till.Alipay(context.Background(), b),
		desk:       &recharge.Desk{Ledger: ledger},
		quarantine: &quarantine.Quarantine{Store: ledger.Store, Now: ledger.Now, Metrics: metrics},
		metrics:    metrics,
		log:        b.Log,
	}
	lambda.Start(api.Serve(b.Log, h.routes()...))
}
