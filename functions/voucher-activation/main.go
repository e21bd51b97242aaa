// Command voucher-activation is the function that turns an activation code into a voucher (README rules 5 to 7).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/metric"
	"billingcentre/shared/voucher"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		h := handler{desk: &voucher.Desk{
			Ledger: b.Ledger(), Key: secret.OfCentre(context.Background(), b).Key(voucher.Purpose), Metrics: new(metric.Metrics), Now: boot.Now,
		}}
		return api.Serve(b.Log, h.routes()...)
	}))
}
