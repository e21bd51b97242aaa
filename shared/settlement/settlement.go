// Package settlement is the night's work: batches of usage bills from a queue, settled account by account. It joins what
// others know: batch what becomes of a message, bill what it says, directory who pays, ledger how it is booked.
package settlement

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"billingcentre/shared/arrears"
	"billingcentre/shared/batch"
	"billingcentre/shared/charge"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/wallet"
)

const (
	accountsAtOnce = 8
	commit         = ledger.MaxActions - 1 // bills that fit into one commit, beside the head
)

// Settlement settles batches of bills: decode, find who pays, and let the ledger settle account by account, many bills
// of one account in one commit. Accounts are independent: what becomes of one never stops another.
type Settlement struct {
	Ledger    *ledger.Ledger
	Directory *directory.Directory
	Bills     *batch.Consumer
	Metrics   *metric.Metrics
	Log       *slog.Logger
	Now       func() time.Time
}

// errBroken is what bills get whose settling met a bug; the log has more of it.
var errBroken = errors.New("settling broke")

// tally counts bills that are done.
type tally struct {
	settled, repeated atomic.Int64
}

// Handle takes one batch. It fails only when the batch isn't its queue's; every message has its own outcome.
func (s *Settlement) Handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	began := s.Now()
	var done tally
	out, err := s.Bills.Take(ctx, event, func(ctx context.Context, b *batch.Batch) {
		s.settle(ctx, b, s.claims(ctx, b.Messages), &done)
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "a batch was refused", "messages", len(event.Records), "error", err.Error())
		return events.SQSEventResponse{}, err
	}
	s.Log.InfoContext(ctx, "bills",
		"messages", out.Messages, "settled", done.settled.Load(), "repeated", done.repeated.Load(), "refused", out.Refused,
		"quarantined", out.Quarantined, "retried", out.Retried, "took", s.Now().Sub(began))
	s.count("BillsSettled", int(done.settled.Load()))
	s.count("BillsRepeated", int(done.repeated.Load()))
	s.count("BillsRetried", out.Retried)
	return out.Response(), nil
}

func (s *Settlement) count(name string, n int) {
	if n > 0 {
		s.Metrics.Count(name, n, "", "")
	}
}

// settle runs the claims, account by account, while there is time. Those that have been received most often come
// first: they must not be the ones that time runs out for again.
func (s *Settlement) settle(ctx context.Context, b *batch.Batch, claims []*claim, done *tally) {
	var group errgroup.Group
	group.SetLimit(accountsAtOnce)
	for _, account := range byAccount(claims) {
		group.Go(func() error {
			for part := range slices.Chunk(account, commit) {
				if b.Room() {
					s.settlePart(ctx, part, done)
				}
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // each bill has its own outcome
}

// beside is what is committed with a settled bill: what a cloud account owes, and that the account fell into arrears.
func beside(entry wallet.Entry) []ledger.Document {
	return append(charge.Of(entry), arrears.Mark(entry)...)
}

// settlePart settles bills of one account that fit into one commit. A bug that breaks here breaks for this account only.
func (s *Settlement) settlePart(ctx context.Context, part []*claim, done *tally) {
	defer func() {
		if broken := recover(); broken != nil {
			s.Log.ErrorContext(ctx, "settling broke", "account", part[0].Account, "error", fmt.Sprint(broken), "stack", string(debug.Stack()))
			for _, c := range part {
				c.finish(errBroken)
			}
		}
	}()
	intents := make([]ledger.Intent, len(part))
	for i, c := range part {
		intents[i] = ledger.Intent{Command: c.Settle, After: beside, Again: c.receives() > 1}
	}
	for i, outcome := range s.Ledger.DoAll(ctx, part[0].Account, intents) {
		part[i].finish(outcome.Err)
		switch {
		case outcome.Err != nil:
		case outcome.Repeated:
			done.repeated.Add(int64(len(part[i].messages)))
		default:
			done.settled.Add(1)
			done.repeated.Add(int64(len(part[i].messages) - 1))
		}
	}
}

// byAccount groups claims by account, the most often received first.
func byAccount(claims []*claim) [][]*claim {
	slices.SortStableFunc(claims, func(a, b *claim) int { return cmp.Compare(b.receives(), a.receives()) })
	var groups [][]*claim
	at := make(map[wallet.AccountID]int)
	for _, c := range claims {
		i, known := at[c.Account]
		if !known {
			i = len(groups)
			at[c.Account], groups = i, append(groups, nil)
		}
		groups[i] = append(groups[i], c)
	}
	return groups
}
