package arrears

import (
	"cmp"
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
	roundPage  = 100             // accounts that are listed at once
	mostLocked = 1_000           // locked accounts that one run looks at: beyond that they take turns
	hands      = 8               // accounts looked at together
	reserve    = 5 * time.Second // of the function's time, in which no further page is begun
)

// Outcome is what one run did.
type Outcome struct {
	Looked int `json:"looked"` // accounts
	Failed int `json:"failed"` // of them; a later run looks again
}

// Run is what the schedule has done every minute: it takes up accounts that fell into arrears, takes the steps of
// countdowns that are due, and unlocks who has repaid.
func (k *Keeper) Run(ctx context.Context) (Outcome, error) {
	return k.rounds(ctx,
		round{list: markList, visit: k.takeUp},
		round{list: list(Counting), until: k.Ledger.Now(), visit: k.visit},
		round{list: list(Locked), turns: "locked", most: mostLocked, visit: k.visit})
}

// Patrol looks at all others with an open case, for who has repaid without the bus having told us. Nothing but the
// lists of open cases waits for it: a countdown's steps look at the wallet first.
func (k *Keeper) Patrol(ctx context.Context) (Outcome, error) {
	return k.rounds(ctx,
		round{list: list(Owing), turns: "owing", visit: k.visit},
		round{list: list(Counting), turns: "counting", visit: k.visit})
}

// round is a list and what is done with each of its documents.
type round struct {
	list  string
	until time.Time // if set, ends a list that is ordered by time
	turns string    // the name by which it is kept how far a list was visited that is too long for one run: they take turns
	most  int       // documents that one run visits, up to a page; 0: as many as there is time for
	visit func(ctx context.Context, document ledger.Document) error
}

// turn is before which rank the next run goes on, beyond the first page.
type turn struct {
	Before string `json:"before,omitempty"`
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

// round visits the first page, and then goes on behind it, or where the last run ended: a list that is longer than one run
// can do must not keep its end from being visited.
func (k *Keeper) round(ctx context.Context, r round, out *Outcome) error {
	next, err := k.page(ctx, r, "", out)
	if err != nil || next == "" || !room(ctx) {
		return err
	}
	if r.turns == "" {
		_, err = k.pages(ctx, r, next, out)
		return err
	}
	key := ledger.DocumentKey{Kind: "arrears-turn", ID: r.turns}
	return ledger.Resume(ctx, k.Ledger.Store, key, func(at *turn) error {
		ended, err := k.pages(ctx, r, cmp.Or(at.Before, next), out)
		if err == nil {
			at.Before = ended
		}
		return err
	})
}

// pages visits pages from before a rank on, as many as there is room for. It gives the rank to go on before; "" at the
// list's end.
func (k *Keeper) pages(ctx context.Context, r round, before string, out *Outcome) (next string, err error) {
	next = before
	for seen := roundPage; next != "" && room(ctx) && (r.most == 0 || seen < r.most); seen += roundPage {
		if next, err = k.page(ctx, r, next, out); err != nil {
			return "", err
		}
	}
	return next, nil
}

// room tells whether there is time for another page.
func room(ctx context.Context) bool {
	deadline, bounded := ctx.Deadline()
	return ctx.Err() == nil && (!bounded || time.Until(deadline) >= reserve)
}

// page visits a page of a list, and gives the rank to go on before; "" when there is nothing more to visit.
func (k *Keeper) page(ctx context.Context, r round, before string, out *Outcome) (next string, err error) {
	page, err := k.Ledger.Store.List(ctx, r.list, before, roundPage)
	if err != nil {
		return "", err
	}
	if len(page) == roundPage {
		next = page[roundPage-1].Rank
	}
	if !r.until.IsZero() {
		due := slices.IndexFunc(page, func(d ledger.Document) bool { return d.Rank < ledger.SoonestFirst(r.until, "") })
		if due >= 0 {
			page, next = page[:due], "" // the rest is later
		}
	}
	failed := k.visitAll(ctx, page, r.visit)
	for i, document := range page {
		out.Looked++
		if failed[i] != nil {
			out.Failed++
			k.Log.Error("arrears", "document", document.Key.ID, "error", failed[i].Error())
		}
	}
	return next, nil
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
