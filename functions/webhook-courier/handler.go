package main

import (
	"context"
	"math"
	"path"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/batch"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/boot/secret"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/webhook"
)

// handler serves two queues: what the bus sends, and deliveries.
type handler struct {
	events, deliveries *batch.Consumer
	fanout             *webhook.Fanout
	courier            *webhook.Courier
}

func newHandler(b *boot.Boot) handler {
	client, store, metrics := queue.Client(b), b.Store(), new(metric.Metrics)
	// What keeps failing goes to the queue's own dead letters, from where it can be redriven; what can't be read goes
	// into quarantine at once.
	consumer := func(source, variable string) *batch.Consumer {
		return &batch.Consumer{
			Source: source, QueueURL: b.Env(variable), MaxReceives: math.MaxInt, Queue: client, Now: boot.Now, Log: b.Log,
			Quarantine: &quarantine.Quarantine{Store: store, Now: boot.Now, Metrics: metrics},
		}
	}
	h := handler{events: consumer("webhook-events", "WEBHOOK_EVENT_QUEUE_URL"), deliveries: consumer("webhook-deliveries", "WEBHOOK_DELIVERY_QUEUE_URL")}
	steps := webhook.Steps{Sender: batch.Sender{Queue: client, QueueURL: h.deliveries.QueueURL}, Now: boot.Now}
	h.fanout = &webhook.Fanout{Store: store, Queue: steps, Now: boot.Now}
	h.courier = &webhook.Courier{
		Store: store, Queue: steps, Client: webhook.Addresses(b.Env("WEBHOOK_ADDRESSES")).Client(),
		Signer:  webhook.Signer{Master: secret.OfCentre(context.Background(), b).Key("webhooks")},
		Metrics: metrics, Log: b.Log, Now: boot.Now,
	}
	return h
}

// handle takes a batch of one of the two queues; of any other the consumer refuses it.
func (h handler) handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	consumer, work := h.deliveries, h.courier.Work
	if len(in.Records) > 0 && strings.HasSuffix(in.Records[0].EventSourceARN, ":"+path.Base(h.events.QueueURL)) {
		consumer, work = h.events, h.fanout.Work
	}
	out, err := consumer.Take(ctx, in, work)
	return out.Response(), err
}
