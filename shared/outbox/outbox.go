// Package outbox hands on what was committed, after it was committed: entries, exactly as they are in the journal, and
// notices. It reads the table's stream, so nothing can be told that didn't happen, and nothing that happened is
// forgotten when a function dies between commit and telling.
//
//	outbox.go  Consumer: a batch of the stream's records as events, in order
//	bus.go     Bus: events to EventBridge
//
// A record may come twice. Consumers are idempotent by an event's Key; where order matters they go by an entry's number.
package outbox

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/metric"
	"billingcentre/shared/notice"
)

// Consumer is one reader of the outbox.
type Consumer struct {
	Name string
	// Consume takes events in order, idempotent by their keys, and tells how many it has consumed before it failed.
	Consume func(ctx context.Context, told []event.Event) (consumed int, err error)
	Log     *slog.Logger
	Metrics *metric.Metrics
}

// Handle consumes a batch of stream records in order. From the first that fails on it hands the records back, so that
// none is passed over; some of those may have been consumed.
func (c *Consumer) Handle(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	var told []event.Event
	var numbers []string // of the records that the events are from
	failed, cause := "", error(nil)
	for _, record := range batch.Records {
		e, err := c.read(record)
		if err != nil {
			failed, cause = record.Change.SequenceNumber, err
			break
		}
		if e != nil {
			told, numbers = append(told, *e), append(numbers, record.Change.SequenceNumber)
		}
	}
	if len(told) > 0 {
		if consumed, err := c.Consume(ctx, told); err != nil {
			failed, cause = numbers[consumed], err
		}
	}
	if cause == nil {
		return events.DynamoDBEventResponse{}, nil
	}
	c.Log.Error("outbox", "consumer", c.Name, "sequence_number", failed, "error", cause.Error())
	return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: failed}}}, nil
}

// changed tells operators: the journal is never changed, so somebody went past the ledger.
func (c *Consumer) changed(what string, entry ...any) {
	c.Metrics.Count("EntryChanged", 1, "", "")
	c.Log.Error(what, entry...)
}

// read is the event that a record tells of; nil for none.
func (c *Consumer) read(record events.DynamoDBEventRecord) (*event.Event, error) {
	if key := dynamo.Removed(record); key != "" {
		c.changed("an entry of the journal was removed", "key", key)
		return nil, nil
	}
	entry, document, err := dynamo.Committed(record)
	if err != nil {
		return nil, err
	}
	first := record.EventName == string(events.DynamoDBOperationTypeInsert)
	switch {
	case entry != nil && !first:
		c.changed("an entry of the journal was changed", "key", entry.Key, "account", entry.Account)
	case entry != nil:
		e := event.OfEntry(*entry)
		return &e, nil
	case document != nil && document.Key.Kind == notice.DocumentKind && first:
		told, err := ledger.Body[notice.Notice](*document)
		if err != nil {
			return nil, fmt.Errorf("outbox: %w", err)
		}
		e := event.OfNotice(told)
		return &e, nil
	}
	return nil, nil
}
