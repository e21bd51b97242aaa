package arrears

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

const (
	roundPage = 100             // accounts that are listed at once
	hands     = 8               // accounts looked at together
	reserve   = 5 * time.Second // of the function's time, in which no further page is begun
)

// Outcome is what one run did.
type Outcome struct {
	Looked int `json:"looked"` // accounts
	Failed int `json:"failed"` // of them; a later run looks again
}

// Run is what the schedule has done every minute: it takes up accounts that fell into arrears, takes the steps of
// countdowns that are due, and unlocks who has repaid.
func (k *Keeper) Run(ctx context.Context) (Outcome, error) {
	now := k.Ledger.Now()
	return k.rounds(ctx,
		round{markList, time.Time{}, k.takeUp},
		round{list(Counting), now, k.visit},
		round{list(Locked), time.Time{}, k.visit})
}

// Patrol looks at all others with an open case, for who has repaid without the bus having told us. Nothing but the
// lists of open cases waits for it: a countdown's steps look at the wallet first.
func (k *Keeper) Patrol(ctx context.Context) (Outcome, error) {
	return k.rounds(ctx, round{list(Owing), time.Time{}, k.visit}, round{list(Counting), time.Time{}, k.visit})
}

// round is a list and what is done with each of its documents; until, if set, ends a list that is ordered by time.
type round struct {
	list  string
	until time.Time
	visit func(ctx context.Context, document ledger.Document) error
}

func (k *Keeper) rounds(ctx context.Context, rounds ...round) (out Outcome, err error) {
	for _, r := range rounds {
		if err := k.round(ctx, r, &out); err != nil {
			return out, err
		}
	}
	k.Log.Info("arrears", "looked", out.Looked, "failed", out.Failed)
	if out.Failed > 0 {
		return out, fmt.Errorf("%d of %d accounts in arrears failed", out.Failed, out.Looked)
	}
	return out, nil
}

func (k *Keeper) round(ctx context.Context, r round, out *Outcome) error {
	for before := ""; ; {
		page, err := k.Ledger.Store.List(ctx, r.list, before, roundPage)
		if err != nil {
			return err
		}
		last := len(page) < roundPage
		if !r.until.IsZero() {
			due := slices.IndexFunc(page, func(d ledger.Document) bool { return d.Rank < ledger.SoonestFirst(r.until, "") })
			if due >= 0 {
				page, last = page[:due], true // the rest is later
			}
		}
		failed := k.visitAll(ctx, page, r.visit)
		for i, document := range page {
			before = document.Rank
			out.Looked++
			if failed[i] != nil {
				out.Failed++
				k.Log.Error("arrears", "document", document.Key.ID, "error", failed[i].Error())
			}
		}
		if deadline, bounded := ctx.Deadline(); last || ctx.Err() != nil || bounded && time.Until(deadline) < reserve {
			return nil
		}
	}
}

// visitAll visits a page of documents, several accounts together. Those of one account come one after the other, and none
// after one that failed: its marks are taken up in the order in which they were made.
func (k *Keeper) visitAll(ctx context.Context, page []ledger.Document, visit func(context.Context, ledger.Document) error) []error {
	failed := make([]error, len(page))
	of := map[string][]int{}
	var group errgroup.Group
	group.SetLimit(hands)
	for i, document := range page {
		account, _, _ := strings.Cut(document.Key.ID, "#")
		of[account] = append(of[account], i)
	}
	for _, account := range slices.Sorted(maps.Keys(of)) {
		group.Go(func() error {
			for _, i := range of[account] {
				if failed[i] = visit(ctx, page[i]); failed[i] != nil {
					return nil
				}
			}
			return nil
		})
	}
	_ = group.Wait() // visits tell their failures one by one
	return failed
}

func (k *Keeper) visit(ctx context.Context, document ledger.Document) error {
	return k.Look(ctx, wallet.AccountID(document.Key.ID))
}

// takeUp looks at an account that fell into arrears, until its case knows of it.
func (k *Keeper) takeUp(ctx context.Context, document ledger.Document) error {
	m, err := ledger.Body[mark](document)
	if err != nil {
		return err
	}
	s, err := k.look(ctx, m.Account, &m)
	if err != nil || !s.knows(m.Entry) {
		return err
	}
	if err := k.Ledger.Store.Put(ctx, document.In("", "")); !errors.Is(err, ledger.ErrStale) {
		return err
	}
	return nil // another run was faster
}
