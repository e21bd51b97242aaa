package follow

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Outcome is what one catch-up did.
type Outcome struct {
	Accounts int  `json:"accounts"`
	Behind   int  `json:"behind"` // accounts that were, and were brought up to date
	Failed   int  `json:"failed"`
	Round    bool `json:"round"` // all accounts were looked at since the round began
}

// round is how far the walk through all accounts is, which are more than one run may be able to do.
type round struct {
	Accounts string `json:"accounts,omitempty"` // rank of the account that was looked at last; "" begins a new round
}

// CatchUp looks at accounts whose head is ahead of the cursor, until the round or the time is over; the next run goes on
// from there. An account that fails stops no other, but the run is then reported as failed.
func (c *Consumer[S]) CatchUp(ctx context.Context) (Outcome, error) {
	var out Outcome
	key := ledger.DocumentKey{Kind: DocumentKind + "-round", ID: c.Name}
	err := ledger.Resume(ctx, c.Store, key, func(at *round) error { return c.walk(ctx, at, &out) })
	c.Log.Info("catch-up", "consumer", c.Name, "accounts", out.Accounts, "behind", out.Behind, "failed", out.Failed, "round", out.Round)
	if err == nil && out.Failed > 0 {
		err = fmt.Errorf("%d of %d accounts couldn't be followed", out.Failed, out.Accounts)
	}
	return out, err
}

const page = 100 // accounts that are listed at once, and whose cursors are read by one call

func (c *Consumer[S]) walk(ctx context.Context, at *round, out *Outcome) error {
	for {
		listed, next, err := c.Directory.Accounts(ctx, at.Accounts, page)
		if err != nil {
			return err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < reserve {
			return nil
		}
		if err := c.page(ctx, listed, out); err != nil {
			return err
		}
		if at.Accounts = next; next == "" {
			out.Round = true
			return nil
		}
	}
}

// page brings some accounts up to date, several at once.
func (c *Consumer[S]) page(ctx context.Context, listed []directory.Account, out *Outcome) error {
	ids := make([]wallet.AccountID, len(listed))
	for i, account := range listed {
		ids[i] = account.ID
	}
	cursors, err := numbers(ctx, c.Store, c.Name, ids)
	if err != nil {
		return err
	}
	out.Accounts += len(ids)
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(inFlight)
	for _, account := range ids {
		group.Go(func() error {
			moved, err := c.look(ctx, account, cursors[account])
			mu.Lock()
			defer mu.Unlock()
			if moved {
				out.Behind++
			}
			if err != nil {
				out.Failed++
				c.Log.Error("an account's journal isn't followed", "consumer", c.Name, "account", account, "error", err.Error())
				c.Metrics.Count("FollowStands", 1, "Consumer", c.Name)
			}
			return nil
		})
	}
	return group.Wait()
}

// look consumes what one account's head is ahead of its cursor. A gap is left to the next run while the list may lag.
func (c *Consumer[S]) look(ctx context.Context, account wallet.AccountID, cursor int64) (moved bool, err error) {
	head, err := c.Store.Head(ctx, account)
	if err != nil || c.last(cursor, head.Version) <= cursor {
		return false, err
	}
	after, err := c.advance(ctx, account, head.Version, nil)
	if errors.Is(err, errGap) && c.Now().Sub(head.Time) < lag {
		err = nil
	}
	return after.Number > cursor, err
}
