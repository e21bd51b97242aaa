// Command proof is the function that a schedule starts every morning, when the provider's bill of yesterday is made: it
// compares the bill, our orders and our journal, and the bank's statements, and opens a case for every row that
// doesn't fit (shared/proof/README.md).
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
	"billingcentre/shared/boot/till"
	"billingcentre/shared/metric"
	"billingcentre/shared/proof"
	"billingcentre/shared/recharge"
	"billingcentre/shared/transfer"
)

func main() {
	lambda.Start(boot.Meanwhile(func(b *boot.Boot) func(context.Context, proof.Duty) (proof.Outcome, error) {
		ledger := b.Ledger()
		channel, keys := till.Alipay(context.Background(), b)
		h := handler{proof.Mornings{
			Auditor: proof.NewAuditor(
				&proof.Book{Store: ledger.Store, Now: ledger.Now},
				proof.Provider{Biller: channel, Desk: &recharge.Desk{Ledger: ledger}},
				proof.Bank{Desk: &transfer.Desk{Ledger: ledger, Config: till.BankTransfers(b)}},
			),
			Log:     b.Log,
			Metrics: &metric.Metrics{},
		}}
		return till.Fresh(keys, h.handle)
	}))
}
