// Command expiry is the function that a schedule starts every minute: it books what lapsed, and announces what is
// about to. Nothing becomes unspendable by it; the rules see to that at the very instant (README rule 24).
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
	"billingcentre/shared/metric"
)

func main() {
	b := boot.Start()
	h := handler{ledger: b.Ledger(), log: b.Log, metrics: &metric.Metrics{}}
	lambda.Start(h.handle)
}
