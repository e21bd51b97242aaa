package main

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

type handler struct {
	ledger  *ledger.Ledger
	log     *slog.Logger
	metrics *metric.Metrics
}

// duty is what the schedule sends. What is due is told by the heads and our own clock, never by an event.
type duty struct {
	Duty string `json:"duty"`
}

// outcome is what one run did.
type outcome struct {
	Accounts  int `json:"accounts"`
	Lapsed    int `json:"lapsed"`
	Announced int `json:"announced"`
	Failed    int `json:"failed"`
}

// handle goes through the wallets that are due, shard by shard. One that fails stops no other, but the run is then
// reported as failed; the next run finds it again.
func (h handler) handle(ctx context.Context, event duty) (outcome, error) {
	if event.Duty != "expiry" {
		return outcome{}, fmt.Errorf("the event isn't the expiry schedule's: it must be {\"duty\":\"expiry\"}")
	}
	var out outcome
	for shard := range ledger.DueShards {
		if err := h.shard(ctx, shard, &out); err != nil {
			return out, err
		}
	}
	h.log.Info("expiry", "accounts", out.Accounts, "lapsed", out.Lapsed, "announced", out.Announced, "failed", out.Failed)
	if out.Failed > 0 {
		return out, fmt.Errorf("%d of %d wallets failed", out.Failed, out.Accounts)
	}
	return out, nil
}

func (h handler) shard(ctx context.Context, shard int, out *outcome) error {
	seen := map[wallet.AccountID]bool{}
	for {
		due, err := h.ledger.Store.Due(ctx, shard, h.ledger.Now(), page)
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
			if err := h.account(ctx, account, out); err != nil {
				out.Failed++
				h.log.Error("expiry of a wallet", "account", account, "error", err.Error())
			}
		}
		if !fresh {
			return nil
		}
	}
}

// account announces and books what has come due in one wallet, and says when to look again.
func (h handler) account(ctx context.Context, account wallet.AccountID, out *outcome) error {
	head, err := h.ledger.Store.Head(ctx, account)
	if err != nil {
		return err
	}
	now := h.ledger.Now()
	var lapsed []ledger.Intent
	for _, lot := range head.Lots {
		switch {
		case lot.LapsedAt(now, h.ledger.Policy.Grace):
			lapsed = append(lapsed, ledger.Intent{Command: wallet.Expire{Lot: lot.ID}})
		case lot.UsableAt(now) && !now.Before(lot.ExpiresAt.Add(-h.ledger.Policy.ExpiryNotice)):
			first, err := notice.Expiring(account, lot).Put(ctx, h.ledger.Store, now)
			if err != nil {
				return err
			}
			if first {
				out.Announced++
			}
		}
	}
	if err := h.book(ctx, account, lapsed, out); err != nil {
		return err
	}
	return h.postpone(ctx, head, now)
}

func (h handler) book(ctx context.Context, account wallet.AccountID, lapsed []ledger.Intent, out *outcome) error {
	var failed []error
	for _, o := range h.ledger.DoAll(ctx, account, lapsed) {
		switch {
		case refusal.Is(o.Err, refusal.NotFound): // a bill used it up in between
		case o.Err != nil:
			failed = append(failed, o.Err)
		case !o.Repeated:
			out.Lapsed++
			h.metrics.Count("Lapsed", 1, "", "")
		}
	}
	return errors.Join(failed...)
}

// postpone moves the wallet's due on. If the head moves meanwhile, or holds a lot that wasn't looked at, the wallet
// stays due, and the next run looks again.
func (h handler) postpone(ctx context.Context, looked wallet.Head, now time.Time) error {
	head, err := h.ledger.Store.Head(ctx, looked.Account)
	if err != nil {
		return err
	}
	for _, lot := range head.Lots {
		if _, known := looked.Lot(lot.ID); !known {
			return nil
		}
	}
	if err := h.ledger.Store.Defer(ctx, head, head.NextDue(now, h.ledger.Policy)); !errors.Is(err, ledger.ErrMoved) {
		return err
	}
	return nil
}
