package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"

	"github.com/aws/aws-lambda-go/events"
	"golang.org/x/sync/errgroup"

	"billingcentre/shared/batch"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
	"billingcentre/shared/statement"
)

const atOnce = 8 // accounts at the same time

type handler struct {
	wishes  *batch.Consumer
	maker   *statement.Maker
	metrics *metric.Metrics
	log     *slog.Logger
}

func newHandler(b *boot.Boot) handler {
	ledger, metrics := b.Ledger(), new(metric.Metrics)
	return handler{
		wishes: &batch.Consumer{
			Source: "monthly-bills", QueueURL: b.Env("MONTHLY_BILL_QUEUE_URL"), MaxReceives: b.Number("MAX_RECEIVE_COUNT"), Queue: queue.Client(b),
			Quarantine: &quarantine.Quarantine{Store: ledger.Store, Now: boot.Now, Metrics: metrics}, Now: boot.Now, Log: b.Log,
		},
		maker: &statement.Maker{Store: ledger.Store, Policy: ledger.Policy, Now: boot.Now}, metrics: metrics, log: b.Log,
	}
}

// tally counts what became of accounts.
type tally struct {
	mu   sync.Mutex
	made map[statement.Made]int
}

func (t *tally) count(made statement.Made) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made[made]++
}

// handle makes the bills of a batch of wishes. A wish is done when all of its accounts are; until then it comes again, and
// the bills that are there already cost it one read each.
func (h handler) handle(ctx context.Context, event events.SQSEvent) (events.SQSEventResponse, error) {
	done := tally{made: map[statement.Made]int{}}
	out, err := h.wishes.Take(ctx, event, func(ctx context.Context, b *batch.Batch) {
		for _, m := range b.Messages {
			wish, err := statement.ReadWish([]byte(m.Body))
			if err == nil {
				err = h.make(ctx, b, wish, &done)
			}
			if !errors.Is(err, errNoTime) {
				m.Finish(err)
			}
		}
	})
	if err != nil {
		h.log.ErrorContext(ctx, "a batch was refused", "messages", len(event.Records), "error", err.Error())
		return events.SQSEventResponse{}, err
	}
	if n := done.made[statement.New]; n > 0 {
		h.metrics.Count("MonthlyBillsMade", n, "", "")
	}
	h.log.InfoContext(ctx, "monthly bills", "messages", out.Messages, "made", done.made, "refused", out.Refused, "quarantined", out.Quarantined, "retried", out.Retried)
	return out.Response(), nil
}

// errNoTime leaves a message unfinished: it is handed back as one that wasn't begun.
var errNoTime = errors.New("no time left")

// make makes the bills of one wish. What stops one account stops no other, for good or for now.
func (h handler) make(ctx context.Context, b *batch.Batch, wish statement.Wish, done *tally) error {
	errs := make([]error, len(wish.Accounts))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, account := range wish.Accounts {
		group.Go(func() error {
			if !b.Room() {
				errs[i] = errNoTime
				return nil
			}
			made, err := h.maker.Make(ctx, account, wish.Month)
			switch {
			case refusal.Is(err, refusal.NotFound): // a list may name what isn't there yet; the next round finds it
				h.log.WarnContext(ctx, "no such account", "account", account)
			case err != nil:
				errs[i] = err
			default:
				done.count(made)
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // each account has its own outcome
	if slices.Contains(errs, errNoTime) {
		return errNoTime
	}
	return batch.Deciding(errs)
}
