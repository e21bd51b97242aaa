// Command wallet is the function that shows a wallet: what is in it, its vouchers and cards, its entries and bills,
// and what a bill would cost. It changes nothing.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/charge"
	"billingcentre/shared/directory"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		l := b.Ledger()
		h := handler{
			ledger: l, directory: &directory.Directory{Store: l.Store, Now: boot.Now}, cursors: secret.Cursors(context.Background(), b),
			charges: &charge.Desk{Store: l.Store, Now: boot.Now, Log: b.Log},
		}
		return api.Serve(b.Log, h.routes()...)
	}))
}
