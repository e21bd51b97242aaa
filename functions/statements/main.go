// Command statements is the function that shows what people read about their money: monthly bills, consumption, income and
// expenditure, vouchers and cards in detail, balances of any instant, a forecast. It changes nothing.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/api"
	"billingcentre/shared/books"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/statement"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) api.Handler {
		l := b.Ledger()
		h := handler{
			books: &books.Books{Store: l.Store}, bills: statement.Bills{Store: l.Store}, policy: l.Policy, now: boot.Now,
			cursors: secret.Cursors(context.Background(), b),
		}
		return api.Serve(b.Log, h.routes()...)
	}))
}
