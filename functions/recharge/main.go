// Command recharge is the function that takes top-ups: it writes the order, has the payment made at the provider,
// and shows what the payer needs. It never credits: that is payment-callback's, on the provider's word.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/boot/till"
	"billingcentre/shared/recharge"
)

func main() {
	b := boot.Start()
	ctx := context.Background()
	h := handler{
		desk:    &recharge.Desk{Ledger: b.Ledger(), Channel: till.Alipay(ctx, b)},
		cursors: secret.Cursors(ctx, b),
	}
	lambda.Start(api.Serve(b.Log, h.routes()...))
}
