// Command outbox is the function that reads the table's stream and tells what was committed. For now it tells the log:
// one structured event an entry, from which anything else can be fed.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
	"billingcentre/shared/metric"
	"billingcentre/shared/outbox"
)

func main() {
	b := boot.Start()
	consumer := outbox.Consumer{Name: "log", Consume: teller{b.Log}.tell, Log: b.Log, Metrics: &metric.Metrics{}}
	lambda.Start(consumer.Handle)
}
