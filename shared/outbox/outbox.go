// Package outbox hands on what was committed, after it was committed: entries, exactly as they are in the journal, and
// notices. It reads the table's stream, so nothing can be told that didn't happen, and nothing that happened is
// forgotten when a function dies between commit and telling.
//
// A record may come twice. Consumers are idempotent by an event's Key; where order matters they go by an entry's number.
package outbox

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/metric"
	"billingcentre/shared/notice"
	"billingcentre/shared/wallet"
)

// Event is one thing to hand on: an entry or a notice.
type Event struct {
	Key    string // the same whenever the event comes again
	Entry  *wallet.Entry
	Notice *notice.Notice
}

// Consumer is one reader of the outbox.
type Consumer struct {
	Name    string
	Consume func(ctx context.Context, event Event) error // idempotent by the event's key
	Log     *slog.Logger
	Metrics *metric.Metrics
}

// Handle consumes a batch of stream records in order. At the first that fails it stops and hands back the rest, so that
// no record is passed over.
func (c *Consumer) Handle(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	for _, record := range batch.Records {
		if err := c.one(ctx, record); err != nil {
			c.Log.Error("outbox", "consumer", c.Name, "sequence_number", record.Change.SequenceNumber, "error", err.Error())
			return events.DynamoDBEventResponse{
				BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: record.Change.SequenceNumber}},
			}, nil
		}
	}
	return events.DynamoDBEventResponse{}, nil
}

func (c *Consumer) one(ctx context.Context, record events.DynamoDBEventRecord) error {
	entry, document, err := dynamo.Committed(record)
	if err != nil {
		return err
	}
	first := record.EventName == string(events.DynamoDBOperationTypeInsert)
	switch {
	case entry != nil && !first:
		// The journal is never changed: somebody went past the ledger, and operators must hear of it.
		c.Metrics.Count("EntryChanged", 1, "", "")
		c.Log.Error("an entry of the journal was changed", "key", entry.Key, "account", entry.Account)
		return nil
	case entry != nil:
		return c.Consume(ctx, Event{Key: string(entry.Key), Entry: entry})
	case document != nil && document.Key.Kind == notice.DocumentKind && first:
		return c.notice(ctx, *document)
	}
	return nil
}

func (c *Consumer) notice(ctx context.Context, document ledger.Document) error {
	told, err := ledger.Body[notice.Notice](document)
	if err != nil {
		return fmt.Errorf("outbox: %w", err)
	}
	return c.Consume(ctx, Event{Key: "notice:" + document.Key.ID, Notice: &told})
}
