package watch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/preference"
	"billingcentre/shared/wallet"
)

const (
	page     = 100              // accounts that are listed at once
	inFlight = 8                // accounts that are looked at at once
	reserve  = 10 * time.Second // of the function's time, in which no further page is begun
	patience = 15 * time.Minute // with lists and books that are behind an entry
)

// Outcome is what one catch-up did.
type Outcome struct {
	Accounts int  `json:"accounts"`
	Failed   int  `json:"failed"`
	Round    bool `json:"round"` // all accounts with limits were looked at since the round began
}

// round is how far the walk through accounts with limits is, which are more than one run may be able to do.
type round struct {
	Account wallet.AccountID `json:"account_id,omitempty"` // that was looked at last; "" begins a new round
}

// CatchUp looks at accounts that have limits, up to their heads, until the round or the time is over; the next run goes on
// from there. So a crossing is told although its event never came. An account that fails stops no other, but the run is then
// reported as failed.
func (w *Watch) CatchUp(ctx context.Context) (Outcome, error) {
	var out Outcome
	key := ledger.DocumentKey{Kind: consumer + "-round", ID: "watched"}
	err := ledger.Resume(ctx, w.Store, key, func(at *round) error { return w.walk(ctx, at, &out) })
	w.Log.InfoContext(ctx, "watches", "accounts", out.Accounts, "failed", out.Failed, "round", out.Round)
	if err == nil && out.Failed > 0 {
		err = fmt.Errorf("%d of %d accounts couldn't be watched", out.Failed, out.Accounts)
	}
	return out, err
}

func (w *Watch) walk(ctx context.Context, at *round, out *Outcome) error {
	for {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < reserve {
			return nil
		}
		listed, err := preference.Watched(ctx, w.Store, at.Account, page)
		if err != nil {
			return err
		}
		w.all(ctx, listed, out)
		if len(listed) < page {
			at.Account, out.Round = "", true
			return nil
		}
		at.Account = listed[len(listed)-1]
	}
}

// all looks at some accounts, several at once.
func (w *Watch) all(ctx context.Context, accounts []wallet.AccountID, out *Outcome) {
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(inFlight)
	for _, account := range accounts {
		group.Go(func() error {
			err := w.present(ctx, account)
			mu.Lock()
			defer mu.Unlock()
			if out.Accounts++; err != nil {
				out.Failed++
				w.Log.ErrorContext(ctx, "an account isn't watched", "account", account, "error", err.Error())
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // what failed is counted
}

// present looks at an account up to its head. What lists and books don't tell yet is left to the next run, while that can
// be their lag.
func (w *Watch) present(ctx context.Context, account wallet.AccountID) error {
	cursor, err := follow.Load[state](ctx, w.Store, consumer, account)
	if err != nil {
		return err
	}
	head, err := w.Store.Head(ctx, account)
	if err != nil || head.Version <= cursor.Number {
		return err
	}
	err = w.Look(ctx, account, head.Version)
	if (follow.Unlisted(err) || errors.Is(err, errBooksBehind)) && w.Now().Sub(head.Time) < patience {
		return nil
	}
	return err
}
