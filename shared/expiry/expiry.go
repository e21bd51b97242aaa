// Package expiry is what a schedule has done every minute: it books what lapsed, and announces what is about to. Nothing
// becomes unspendable by it; the rules see to that at the very instant (README rule 24). It is a package of its own, so
// that the simulation can run what the function runs.
package expiry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	page    = 100             // accounts that are looked up at once
	reserve = 5 * time.Second // of the function's time, in which no further account is begun
)

// Expiry goes through the wallets that are due.
type Expiry struct {
	Ledger  *ledger.Ledger
	Log     *slog.Logger
	Metrics *metric.Metrics
}

// Duty is what the schedule sends. What is due is told by the heads and our own clock, never by an event.
type Duty struct {
	Duty string `json:"duty"`
}

// Outcome is what one run did.
type Outcome struct {
	Accounts  int `json:"accounts"`
	Lapsed    int `json:"lapsed"`
	Announced int `json:"announced"`
	Failed    int `json:"failed"`
}

// Handle goes through the wallets that are due, shard by shard. One that fails stops no other, but the run is then
// reported as failed; the next run finds it again.
func (x *Expiry) Handle(ctx context.Context, event Duty) (Outcome, error) {
	if event.Duty != "expiry" {
		return Outcome{}, fmt.Errorf("the event isn't the expiry schedule's: it must be {\"duty\":\"expiry\"}")
	}
	var out Outcome
	for shard := range ledger.DueShards {
		if err := x.shard(ctx, shard, &out); err != nil {
			return out, err
		}
	}
	x.Log.Info("expiry", "accounts", out.Accounts, "lapsed", out.Lapsed, "announced", out.Announced, "failed", out.Failed)
	if out.Failed > 0 {
		return out, fmt.Errorf("%d of %d wallets failed", out.Failed, out.Accounts)
	}
	return out, nil
}

func (x *Expiry) shard(ctx context.Context, shard int, out *Outcome) error {
	seen := map[wallet.AccountID]bool{}
	for {
		due, err := x.Ledger.Store.Due(ctx, shard, x.Ledger.Now(), page)
		if err != nil {
			return err
		}
		fresh := false
		for _, account := range due {
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < reserve {
				return nil // the next run goes on
			}
			if seen[account] {
				continue // the index lags behind
			}
			seen[account], fresh = true, true
			out.Accounts++
			if err := x.account(ctx, account, out); err != nil {
				out.Failed++
				x.Log.Error("expiry of a wallet", "account", account, "error", err.Error())
			}
		}
		if !fresh {
			return nil
		}
	}
}

// account announces and books what has come due in one wallet, and says when to look again.
func (x *Expiry) account(ctx context.Context, account wallet.AccountID, out *Outcome) error {
	head, err := x.Ledger.Store.Head(ctx, account)
	if err != nil {
		return err
	}
	now := x.Ledger.Now()
	var lapsed []ledger.Intent
	for _, lot := range head.Lots {
		switch {
		case lot.LapsedAt(now, x.Ledger.Policy.Grace):
			lapsed = append(lapsed, ledger.Intent{Command: wallet.Expire{Lot: lot.ID}})
		case lot.UsableAt(now) && !now.Before(lot.ExpiresAt.Add(-x.Ledger.Policy.ExpiryNotice)):
			first, err := notice.Expiring(account, lot).Put(ctx, x.Ledger.Store, now)
			if err != nil {
				return err
			}
			if first {
				out.Announced++
			}
		}
	}
	if err := x.book(ctx, account, lapsed, out); err != nil {
		return err
	}
	return x.postpone(ctx, head, now)
}

func (x *Expiry) book(ctx context.Context, account wallet.AccountID, lapsed []ledger.Intent, out *Outcome) error {
	var failed []error
	for _, o := range x.Ledger.DoAll(ctx, account, lapsed) {
		switch {
		case refusal.Is(o.Err, refusal.NotFound): // a bill used it up in between
		case o.Err != nil:
			failed = append(failed, o.Err)
		case !o.Repeated:
			out.Lapsed++
			x.Metrics.Count("Lapsed", 1, "", "")
		}
	}
	return errors.Join(failed...)
}

// postpone moves the wallet's due on. If the head moves meanwhile, or holds a lot that wasn't looked at, the wallet
// stays due, and the next run looks again.
func (x *Expiry) postpone(ctx context.Context, looked wallet.Head, now time.Time) error {
	head, err := x.Ledger.Store.Head(ctx, looked.Account)
	if err != nil {
		return err
	}
	for _, lot := range head.Lots {
		if _, known := looked.Lot(lot.ID); !known {
			return nil
		}
	}
	if err := x.Ledger.Store.Defer(ctx, head, head.NextDue(now, x.Ledger.Policy)); !errors.Is(err, ledger.ErrMoved) {
		return err
	}
	return nil
}
