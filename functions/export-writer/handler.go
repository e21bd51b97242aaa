package main

import (
	"context"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/batch"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/objects"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/export/desk"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
)

// handler makes exports, one message each.
type handler struct {
	maker    *desk.Maker
	messages *batch.Consumer
	metrics  *metric.Metrics
	log      *slog.Logger
}

func newHandler(b *boot.Boot) handler {
	store, metrics := b.Store(), new(metric.Metrics)
	return handler{
		maker: &desk.Maker{
			Store: store, Shelf: objects.Shelf(b, "EXPORT_BUCKET"), Send: queue.Sender(b, "EXPORT_QUEUE_URL"), Now: boot.Now, Log: b.Log,
			Provider: b.Env("PROVIDER_NAME"),
		},
		messages: &batch.Consumer{
			Source: "exports", QueueURL: b.Env("EXPORT_QUEUE_URL"), MaxReceives: b.Number("MAX_RECEIVE_COUNT"), Queue: queue.Client(b),
			Quarantine: &quarantine.Quarantine{Store: store, Now: boot.Now, Metrics: metrics}, Now: boot.Now, Log: b.Log,
		},
		metrics: metrics, log: b.Log,
	}
}

// patience is how often a message is received before its export is told to have failed. Between the tries are pauses
// that grow: that outlasts an outage of a quarter of an hour.
const patience = 8

func (h handler) handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	out, err := h.messages.Take(ctx, event, func(ctx context.Context, b *batch.Batch) {
		for _, m := range b.Messages {
			m.Finish(h.make(ctx, m, b.Room))
		}
	})
	if err != nil {
		h.log.ErrorContext(ctx, "a batch was refused", "messages", len(event.Records), "error", err.Error())
		return events.SQSEventResponse{}, err
	}
	return out.Response(), nil
}

// make goes on with a message's export. Nobody waits for ever for one that can't be made: it is told to have failed.
func (h handler) make(ctx context.Context, m *batch.Message, room func() bool) error {
	id, err := desk.ReadMessage(m.Body)
	if err != nil {
		return err
	}
	err = h.maker.Make(ctx, id, room)
	if err == nil || m.Receives < patience || refusal.Is(err, refusal.Contended) {
		return err
	}
	h.log.ErrorContext(ctx, "an export is given up", "export", id, "error", err.Error())
	h.metrics.Count("ExportsGivenUp", 1, "", "")
	return h.maker.Fail(ctx, id)
}
