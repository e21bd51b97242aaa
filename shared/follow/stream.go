package follow

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/wallet"
)

// found is what a batch of records says about one account.
type found struct {
	account  wallet.AccountID
	entries  map[int64]wallet.Entry
	last     int64     // number of its last entry
	newest   time.Time // of its entries
	sequence string    // of its first record: from there on a failure is handed back
	at       int       // place of that record in the batch
}

// Handle consumes a batch of stream records. When it fails with an account, it goes on with the others, and the batch is
// handed back from that account's first record on: what was consumed is passed over when it comes again.
func (c *Consumer[S]) Handle(ctx context.Context, batch events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	accounts, failed := c.sort(batch)
	cursors, err := c.cursors(ctx, accounts)
	if err != nil {
		return events.DynamoDBEventResponse{}, err // all of it comes again
	}
	for _, f := range accounts {
		if c.last(cursors[f.account], f.last) <= cursors[f.account] {
			continue // seen before, or not a whole stride yet
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < reserve {
			failed = earlier(failed, f)
			break
		}
		if _, err := c.advance(ctx, f.account, f.last, f.entries); err != nil && !c.aside(f, err) {
			failed = earlier(failed, f)
		}
	}
	if failed != nil {
		return events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{{ItemIdentifier: failed.sequence}}}, nil
	}
	return events.DynamoDBEventResponse{}, nil
}

// earlier is what comes first in the batch; a may be nil.
func earlier(a, b *found) *found {
	if a == nil || b.at < a.at {
		return b
	}
	return a
}

// sort puts entries to their accounts, in the order in which those first appear. A record that can't be read is where the
// batch fails: what lies before it is consumed.
func (c *Consumer[S]) sort(batch events.DynamoDBEvent) (accounts []*found, failed *found) {
	known := map[wallet.AccountID]*found{}
	for i, record := range batch.Records {
		entry, _, err := dynamo.Committed(record)
		if err != nil {
			c.Log.Error("a record of the stream can't be read", "consumer", c.Name, "sequence_number", record.Change.SequenceNumber, "error", err.Error())
			return accounts, &found{sequence: record.Change.SequenceNumber, at: i}
		}
		if entry == nil || record.EventName != string(events.DynamoDBOperationTypeInsert) {
			continue // a journal is never changed: if it was, the auditor and the outbox tell
		}
		f, seen := known[entry.Account]
		if !seen {
			f = &found{account: entry.Account, entries: map[int64]wallet.Entry{}, sequence: record.Change.SequenceNumber, at: i}
			known[entry.Account] = f
			accounts = append(accounts, f)
		}
		f.entries[entry.Number] = *entry
		if entry.Number > f.last {
			f.last, f.newest = entry.Number, entry.Time
		}
	}
	return accounts, nil
}

// cursors reads where the accounts are, a hundred with one call.
func (c *Consumer[S]) cursors(ctx context.Context, accounts []*found) (map[wallet.AccountID]int64, error) {
	ids := make([]wallet.AccountID, len(accounts))
	for i, f := range accounts {
		ids[i] = f.account
	}
	return numbers(ctx, c.Store, c.Name, ids)
}

// numbers reads the numbers of cursors.
func numbers(ctx context.Context, store ledger.Store, consumer string, accounts []wallet.AccountID) (map[wallet.AccountID]int64, error) {
	at := make(map[wallet.AccountID]int64, len(accounts))
	if len(accounts) == 0 {
		return at, nil
	}
	keys := make([]ledger.DocumentKey, len(accounts))
	for i, account := range accounts {
		keys[i] = CursorKey(consumer, account)
	}
	documents, err := store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for i, account := range accounts {
		document, exists := documents[keys[i]]
		if !exists {
			continue
		}
		cursor, err := ledger.Body[struct {
			Number int64 `json:"number"`
		}](document)
		if err != nil {
			return nil, err
		}
		at[account] = cursor.Number
	}
	return at, nil
}

// aside tells whether an account's failure is one that waiting won't mend. Then the others mustn't wait for it: the
// catch-up tries it again, and an alarm tells of it.
func (c *Consumer[S]) aside(f *found, err error) bool {
	aside := errors.Is(err, ledger.ErrDamaged) || errors.Is(err, errGap) && c.Now().Sub(f.newest) > lag
	c.Log.Error("an account's journal isn't followed", "consumer", c.Name, "account", f.account, "set_aside", aside, "error", err.Error())
	if aside {
		c.Metrics.Count("FollowStands", 1, "Consumer", c.Name)
	}
	return aside
}
