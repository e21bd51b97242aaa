// Package follow lets a consumer read journals: account by account, entry by entry in the order of their numbers, none
// left out and none counted twice, whatever repeats, races, comes in another order or is lost.
//
//	follow.go   Consumer, and the one step that all is made of
//	stream.go   Handle: what the table's stream brings
//	catchup.go  CatchUp: a schedule's walk through all accounts, for what the stream didn't bring
//
// A document for each consumer and account, the cursor, bears the number of the last entry that was consumed. What the
// consumer makes of some entries, and the cursor that has moved past them, are one conditional write: both happen, or
// neither. So whoever reads an entry again sees it behind the cursor; of two who consume the same one of them fails, and
// looks again; and a process that dies in between has done nothing.
//
// Entries of one account are in different shards of a stream, which gives them in any order, and keeps them for 24 hours.
// So a record is only a hint that there is something, which saves reading it: what lies between the cursor and the
// record and isn't at hand is read from the journal. Where the journal's list lags behind, the batch is handed back to
// be tried again, but only while that can be the reason: a journal that is damaged must not keep the others waiting.
package follow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// DocumentKind is the kind of the cursors' documents.
const DocumentKind = "follow"

const (
	most     = 100             // entries of one step, unless the consumer says otherwise
	tries    = 8               // of one step that others got in the way of
	lag      = 5 * time.Minute // how old an entry behind a gap may be, for the gap to be the list's that lags
	reserve  = 5 * time.Second // of the function's time, in which nothing further is begun
	inFlight = 8               // accounts that a catch-up looks at at once
)

// Consumer reads journals. S is what it wants to remember of an account from step to step: it is kept in the cursor's
// document as JSON, so it must be small. The zero S stands for an account of which nothing was consumed.
type Consumer[S any] struct {
	Name      string // of its cursors: another name begins anew
	Store     ledger.Store
	Directory *directory.Directory // for CatchUp
	Now       func() time.Time
	Log       *slog.Logger
	Metrics   *metric.Metrics
	// Stride makes it wait until it can consume up to a number that is a multiple of it; 0 and 1 wait for nothing. Who
	// needs no haste pays for one write for so many entries.
	Stride int
	// Most is how many entries one step takes at most; 0 is 100. It must not be below Stride.
	Most int
	Wait ledger.Wait // before another try of a step
	// Consume says what becomes of entries, which are those right behind the cursor. It may be asked about the same
	// entries again: what it does itself must be idempotent, what it returns is done once. An error that is
	// ledger.ErrDamaged sets the account aside; others are tried again.
	Consume func(ctx context.Context, at Cursor[S], entries []wallet.Entry) (Step[S], error)
}

// Cursor is how far a consumer is in an account's journal.
type Cursor[S any] struct {
	Account wallet.AccountID `json:"account_id"`
	Number  int64            `json:"number"` // of the last entry that was consumed
	State   S                `json:"state,omitzero"`
}

// Step is what becomes of some entries.
type Step[S any] struct {
	Taken     int // how many of them, from the first; 0 is none, and the account is done for now
	State     S
	Documents []ledger.Document // at the versions at which they were loaded; at most 99
}

// CursorKey is the key of a cursor's document.
func CursorKey(consumer string, account wallet.AccountID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: DocumentKind, ID: consumer + "#" + string(account)}
}

// Load reads a consumer's cursor of an account.
func Load[S any](ctx context.Context, store ledger.Store, consumer string, account wallet.AccountID) (Cursor[S], error) {
	cursor, _, err := load[S](ctx, store, consumer, account)
	return cursor, err
}

func load[S any](ctx context.Context, store ledger.Store, consumer string, account wallet.AccountID) (Cursor[S], ledger.Document, error) {
	cursor, document, err := ledger.Read[Cursor[S]](ctx, store, CursorKey(consumer, account))
	if refusal.Is(err, refusal.NotFound) {
		return Cursor[S]{Account: account}, document, nil
	}
	return cursor, document, err
}

// errGap says that an entry isn't listed yet though one after it is there.
var errGap = errors.New("follow: an entry isn't listed yet")

// Unlisted tells whether an error is of an entry that isn't listed yet: it may be the next time.
func Unlisted(err error) bool { return errors.Is(err, errGap) }

// Account consumes an account's entries up to a number, as far as they go in whole strides. It returns the cursor.
func (c *Consumer[S]) Account(ctx context.Context, account wallet.AccountID, until int64) (Cursor[S], error) {
	return c.advance(ctx, account, until, nil)
}

// advance makes steps until there is no whole stride left before until. given are entries that are at hand.
func (c *Consumer[S]) advance(ctx context.Context, account wallet.AccountID, until int64, given map[int64]wallet.Entry) (Cursor[S], error) {
	for attempt := 0; ; {
		cursor, document, err := load[S](ctx, c.Store, c.Name, account)
		if err != nil {
			return cursor, err
		}
		last := c.last(cursor.Number, until)
		if last <= cursor.Number {
			return cursor, nil
		}
		entries, err := c.between(ctx, account, cursor.Number, last, given)
		if err != nil {
			return cursor, err
		}
		taken, err := c.step(ctx, cursor, document, entries)
		switch {
		case err == nil && taken == 0:
			return cursor, nil
		case err == nil:
			attempt = 0
			continue
		case !passing(err):
			return cursor, err
		}
		if attempt++; attempt == tries {
			return cursor, fmt.Errorf("consumer %s of %s: %w", c.Name, account, err)
		}
		if err := c.pause(ctx, attempt, err); err != nil {
			return cursor, err
		}
	}
}

// step consumes some entries, and moves the cursor past those that were taken.
func (c *Consumer[S]) step(ctx context.Context, cursor Cursor[S], document ledger.Document, entries []wallet.Entry) (int, error) {
	step, err := c.Consume(ctx, cursor, entries)
	if err != nil || step.Taken == 0 {
		return 0, err
	}
	moved := Cursor[S]{cursor.Account, cursor.Number + int64(step.Taken), step.State}
	return step.Taken, c.Store.Put(ctx, append(slices.Clip(step.Documents), document.With(moved))...)
}

// passing tells failures after which the cursor is looked at again: somebody else may have moved it, or we did, and
// never heard of it.
func passing(err error) bool {
	return errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrUnknown) || errors.Is(err, ledger.ErrContended) || errors.Is(err, ledger.ErrThrottled)
}

func (c *Consumer[S]) pause(ctx context.Context, attempt int, err error) error {
	if errors.Is(err, ledger.ErrStale) {
		return ctx.Err()
	}
	return c.Wait.Pause(ctx, attempt)
}

// last is the number up to which a step goes.
func (c *Consumer[S]) last(after, until int64) int64 {
	stride, room := int64(max(c.Stride, 1)), int64(c.Most)
	if room == 0 {
		room = most
	}
	until = min(until, after+max(room, stride))
	return until - until%stride
}

// between gives the entries with after < number <= last, in order.
func (c *Consumer[S]) between(ctx context.Context, account wallet.AccountID, after, last int64, given map[int64]wallet.Entry) ([]wallet.Entry, error) {
	entries := make([]wallet.Entry, 0, last-after)
	for number := after + 1; number <= last; number++ {
		entry, at := given[number]
		if !at {
			break
		}
		entries = append(entries, entry)
	}
	from := after + int64(len(entries))
	if from == last {
		return entries, nil
	}
	listed, err := c.Store.Journal(ctx, account, last+1, int(last-from))
	if err != nil {
		return nil, err
	}
	slices.Reverse(listed)
	for _, entry := range listed {
		if entry.Number == from+1 {
			entries, from = append(entries, entry), entry.Number
		}
	}
	if from < last {
		return nil, fmt.Errorf("%w: %s %d", errGap, account, from+1)
	}
	return entries, nil
}
