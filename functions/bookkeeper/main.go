// Command bookkeeper is the function that keeps the books (shared/books): the table's stream tells it what was committed,
// and a schedule starts it every quarter of an hour for what the stream didn't bring. Nobody waits for it: who asks the
// books reads what it hasn't kept yet from the journal.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/books"
	"billingcentre/shared/boot"
	"billingcentre/shared/metric"
)

func main() {
	b := boot.Start()
	lambda.Start(handler{books.NewKeeper(b.Store(), boot.Now, b.Log, &metric.Metrics{})}.handle)
}
