package recharge

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"billingcentre/shared/ledger"
	"billingcentre/shared/payment"
	"billingcentre/shared/refusal"
)

// Watchman sees to it that nothing paid is lost and nothing held is forgotten, whatever notices come or don't: on each
// round it asks the provider about the orders and refunds that are due, soonest first.
type Watchman struct {
	Desk *Desk
	Log  *slog.Logger
	// Case keeps for an operator what the provider said and nobody else may decide. Until it has, the order stays due.
	Case func(ctx context.Context, order Order, trade payment.Trade, unfit *payment.NoticeError) error
	// Stuck tells of a refund that isn't through after a day.
	Stuck func(refund Refund)
}

// Round is what one round did.
type Round struct {
	Asked    int `json:"asked"`    // orders that the provider was asked about
	Credited int `json:"credited"` // of them
	Over     int `json:"over"`     // orders that needn't be asked about any more
	Refunds  int `json:"refunds"`  // refunds that were pursued
	Cases    int `json:"cases"`
	Failed   int `json:"failed"` // without an answer; a later round asks again
}

const (
	roundPage  = 50
	roundMost  = 1000 // of each list in one round
	roundHands = 4    // orders asked about at once
	stuckAfter = 24 * time.Hour
)

// Walk makes a round; it begins nothing new after the context's deadline less a reserve.
func (w *Watchman) Walk(ctx context.Context, reserve time.Duration) (Round, error) {
	var sum Round
	inTime := func() bool {
		deadline, bounded := ctx.Deadline()
		return ctx.Err() == nil && (!bounded || time.Until(deadline) > reserve)
	}
	if err := w.list(ctx, openOrders, roundHands, inTime, w.order, &sum); err != nil {
		return sum, err
	}
	// One after the other: refunds of one trade must be seconds apart, and few come together.
	err := w.list(ctx, openRefunds, 1, inTime, w.refund, &sum)
	return sum, err
}

// list visits what is due in one list.
func (w *Watchman) list(ctx context.Context, list string, hands int, inTime func() bool, visit func(context.Context, ledger.Document) Round, sum *Round) error {
	before, seen, due := "", 0, dueRank(w.Desk.Ledger.Now(), "")
	for seen < roundMost && inTime() {
		page, err := w.Desk.Ledger.Store.List(ctx, list, before, roundPage)
		if err != nil || len(page) == 0 {
			return err
		}
		found := make([]Round, len(page))
		var group errgroup.Group
		group.SetLimit(hands)
		for i, document := range page {
			if document.Rank < due {
				break // due ranks above now's; the rest is later
			}
			seen, before = seen+1, document.Rank
			group.Go(func() error {
				if inTime() {
					found[i] = visit(ctx, document)
				}
				return nil
			})
		}
		_ = group.Wait() // visits tell their failures in what they found
		for _, r := range found {
			sum.add(r)
		}
		if before != page[len(page)-1].Rank {
			return nil
		}
	}
	return nil
}

func (r *Round) add(o Round) {
	r.Asked, r.Credited, r.Over = r.Asked+o.Asked, r.Credited+o.Credited, r.Over+o.Over
	r.Refunds, r.Cases, r.Failed = r.Refunds+o.Refunds, r.Cases+o.Cases, r.Failed+o.Failed
}

// order visits one watched order.
func (w *Watchman) order(ctx context.Context, document ledger.Document) Round {
	watch, err := ledger.Body[Watch](document)
	var found Round
	if err == nil {
		found, err = w.look(ctx, watch, document)
	}
	if err != nil {
		found.Failed = 1
		w.Log.Warn("an order's payment isn't known", "recharge", document.Key.ID, "error", err.Error())
	}
	return found
}

// look asks about an order, and says when to ask again. The watch moves on before the question: a crash then costs one
// wait, and two rounds at once ask once.
func (w *Watchman) look(ctx context.Context, watch Watch, document ledger.Document) (found Round, err error) {
	order, _, err := ledger.Read[Order](ctx, w.Desk.Ledger.Store, Key(watch.Order))
	if err != nil {
		return found, err
	}
	store, now := w.Desk.Ledger.Store, w.Desk.Ledger.Now().UTC()
	if order.State == Credited {
		watch.Over = true
		return Round{Over: 1}, ignoreStale(store.Put(ctx, watch.document(document)))
	}
	watch.AskAt, watch.AskedAt = watch.next(order, now), now
	watch.Asked++
	if err := store.Put(ctx, watch.document(document)); err != nil {
		return found, ignoreStale(err)
	}
	document.Version++
	found.Asked = 1
	trade, err := w.Desk.Channel.Query(ctx, order.ID)
	over := false
	if err == nil {
		over, err = w.Desk.learn(ctx, order, trade)
		if over && err == nil && trade.State == payment.Paid {
			found.Credited = 1
		}
	}
	over, err = w.judge(ctx, order, trade, over, err, &found)
	if err != nil || !over {
		return found, err
	}
	watch.Over, found.Over = true, 1
	return found, ignoreStale(store.Put(ctx, watch.document(document)))
}

// judge decides whether an order is over: when the provider said so, or when time has and nothing can be paid.
func (w *Watchman) judge(ctx context.Context, order Order, trade payment.Trade, over bool, err error, found *Round) (bool, error) {
	ended := !w.Desk.Ledger.Now().Before(order.Ends())
	var unfit *payment.NoticeError
	switch {
	case errors.As(err, &unfit):
		if !over && unfit.Reason == "state" && !ended {
			return false, nil // a word that we don't know may become one that we do
		}
		found.Cases = 1
		return true, w.Case(ctx, order, trade, unfit)
	case neverBooked(err):
		found.Cases = 1
		return true, w.Case(ctx, order, trade, &payment.NoticeError{Class: payment.ErrMismatch, Reason: "not_bookable", Detail: refusal.As(err).Detail})
	case errors.Is(err, payment.ErrNoTrade):
		if !ended {
			return false, nil
		}
		return true, w.Desk.Close(ctx, order.ID)
	case err != nil || over || !ended:
		return over, err
	}
	return w.shut(ctx, order)
}

// neverBooked tells the refusals that another try would meet again.
func neverBooked(err error) bool {
	return refusal.As(err) != nil && !refusal.Is(err, refusal.Contended) && !refusal.Is(err, refusal.Throttled) && !refusal.Is(err, refusal.Unavailable)
}

// shut ends a trade that is open past its time, at the provider first.
func (w *Watchman) shut(ctx context.Context, order Order) (bool, error) {
	if closer, can := w.Desk.Channel.(payment.Closer); can {
		err := closer.Close(ctx, order.ID)
		if err != nil && !errors.Is(err, payment.ErrTradeClosed) && !errors.Is(err, payment.ErrNoTrade) {
			return false, err // it may just have been paid: the next round asks
		}
	}
	return true, w.Desk.Close(ctx, order.ID)
}

// refund visits one open refund.
func (w *Watchman) refund(ctx context.Context, document ledger.Document) Round {
	refund, err := ledger.Body[Refund](document)
	if err == nil {
		if w.Stuck != nil && w.Desk.Ledger.Now().Sub(refund.OpenedAt) > stuckAfter {
			w.Stuck(refund)
		}
		err = w.Desk.pursue(ctx, refund, document)
	}
	if err == nil || refusal.Is(err, refusal.Contended) {
		return Round{Refunds: 1}
	}
	w.Log.Warn("a refund's fate isn't known", "refund", document.Key.ID, "error", err.Error())
	return Round{Refunds: 1, Failed: 1}
}
