// Command outbox is the function that reads the table's stream and tells what was committed: to the event bus, from which
// everything else is fed, and to the log. Which events go where is configuration.
package main

import (
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"

	"billingcentre/shared/boot"
	"billingcentre/shared/boot/bus"
	"billingcentre/shared/metric"
	"billingcentre/shared/outbox"
)

func main() {
	b := boot.Start()
	to := outbox.Bus{Client: bus.Client(b), Name: b.Env("EVENT_BUS"), Wanted: strings.Split(os.Getenv("PUBLISHED_EVENTS"), ",")}
	t := teller{publish: to.Publish, logged: strings.Split(os.Getenv("LOGGED_EVENTS"), ","), log: b.Log}
	consumer := outbox.Consumer{Name: "bus", Consume: t.tell, Log: b.Log, Metrics: &metric.Metrics{}}
	lambda.Start(consumer.Handle)
}
