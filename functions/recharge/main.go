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
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		ctx := context.Background()
		cursors := boot.Beside(func() api.Cursors { return secret.Cursors(ctx, b) }) // one secret needn't wait for the other
		channel, keys := till.Alipay(ctx, b)
		h := handler{counter.Orders{
			Desk:    till.Recharges(b, recharge.Desk{Ledger: b.Ledger(), Channel: channel}),
			Cursors: cursors.Wait(),
		}}
		return till.Fresh(keys, api.Serve(b.Log, h.routes()...))
	}))
}
