// Command auditor is the function that a schedule starts every quarter of an hour: it proves that what is stored is what
// was decided. It writes down what it finds, and repairs nothing.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/audit"
	"billingcentre/shared/boot"
	"billingcentre/shared/directory"
	"billingcentre/shared/metric"
)

func main() {
	b := boot.Start()
	l := b.Ledger()
	h := handler{
		auditor:   &audit.Auditor{Store: l.Store, Now: boot.Now, Lag: audit.Lag, Grace: l.Policy.Grace},
		directory: &directory.Directory{Store: l.Store, Now: boot.Now}, log: b.Log, metrics: &metric.Metrics{},
	}
	lambda.Start(h.handle)
}
