// Command bank-transfer is the function of money that comes by bank: customers announce transfers and get a
// remittance code; operators import the bank's statements, see whose each row may be, and say whose it is.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/boot/till"
	"billingcentre/shared/directory"
	"billingcentre/shared/transfer"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		l := b.Ledger()
		h := handler{
			desk:      &transfer.Desk{Ledger: l, Config: till.BankTransfers(b)},
			directory: &directory.Directory{Store: l.Store, Now: l.Now},
			cursors:   secret.Cursors(context.Background(), b),
		}
		return api.Serve(b.Log, h.routes()...)
	}))
}
