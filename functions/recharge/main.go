// Command recharge is the function that takes top-ups: it writes the order, has the payment made at the provider,
// and shows what the payer needs. It credits only when its payer asks it to look for a payment, on the provider's word;
// refunds it opens only, which payment-poller then brings to their end.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/boot/till"
	"billingcentre/shared/counter"
	"billingcentre/shared/recharge"
)

func main() {
	b := boot.Start()
	ctx := context.Background()
	channel, keys := till.Alipay(ctx, b)
	h := handler{counter.Orders{
		Desk:    till.Recharges(b, recharge.Desk{Ledger: b.Ledger(), Channel: channel}),
		Cursors: secret.Cursors(ctx, b),
	}}
	lambda.Start(till.Fresh(keys, api.Serve(b.Log, h.routes()...)))
}
