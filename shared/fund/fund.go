// Package fund tells what became of vouchers and cards, for ever after they were granted: how much is left, and in which
// state they are, by the one predicate for lists, files and whoever else asks (domain: "statuses").
package fund

import (
	"context"
	"iter"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// Status is the state of a voucher or a card, as people call it. "void" is kept for funds that are taken back, which
// nothing does yet.
type Status string

// The statuses.
const (
	Active  Status = "active"
	UsedUp  Status = "used_up"
	Expired Status = "expired"
)

// Fund is a voucher or a card, for ever after it was granted.
type Fund struct {
	receipt.Lot
	Balance string     `json:"balance"`          // spendable now: nothing once it has expired
	Lapsed  string     `json:"lapsed,omitempty"` // what was left when its breakage was booked
	Status  Status     `json:"status"`
	Entry   wallet.Key `json:"entry"` // the entry that granted it
}

// Granted is a lot and the entry that granted it.
type Granted struct {
	Lot   wallet.Lot
	Entry wallet.Key
}

// Of tells what became of lots: by the head for those with something left, by the journal for the others. The head must
// have been read after the lots.
func Of(ctx context.Context, store ledger.Store, head wallet.Head, lots []Granted, now time.Time) ([]Fund, error) {
	var gone []wallet.Key
	for _, g := range lots {
		if _, held := head.Lot(g.Lot.ID); !held {
			gone = append(gone, wallet.ExpireKey(g.Lot.ID))
		}
	}
	var lapses map[wallet.Key]wallet.Entry
	if len(gone) > 0 {
		var err error
		if lapses, err = store.Entries(ctx, gone...); err != nil {
			return nil, err
		}
	}
	funds := make([]Fund, 0, len(lots))
	now = wallet.Effective(head, now)
	for _, g := range lots {
		lapse, lapsed := lapses[wallet.ExpireKey(g.Lot.ID)]
		f := of(head, g, lapsed, now)
		if lapsed {
			f.Lapsed = lapse.Sum(wallet.AtBreakage).String()
		}
		funds = append(funds, f)
	}
	return funds, nil
}

// of is the one predicate of a fund's status.
func of(head wallet.Head, g Granted, lapsed bool, now time.Time) Fund {
	lot, held := head.Lot(g.Lot.ID)
	f := Fund{Lot: receipt.LotOf(g.Lot), Balance: g.Lot.Remaining.String(), Status: UsedUp, Entry: g.Entry}
	switch {
	case held && lot.UsableAt(now):
		f.Status, f.Balance = Active, lot.Remaining.String()
	case held, lapsed:
		f.Status = Expired
	}
	return f
}

// Listed is a fund and the number of the entry that granted it.
type Listed struct {
	Fund
	Number int64
}

// pageSize is how many grants are read at once.
const pageSize = 100

// Each walks through an account's vouchers, or its cards, last granted first, from the entry before a number on (0: the
// last). All funds of an entry come one behind the other. The walk ends with the first error.
func Each(ctx context.Context, store ledger.Store, account wallet.AccountID, before int64, of func(wallet.LotKind) bool, now time.Time) iter.Seq2[Listed, error] {
	return func(yield func(Listed, error) bool) {
		for {
			grants, err := store.Grants(ctx, account, before, pageSize)
			var funds []Listed
			if err == nil {
				funds, err = listed(ctx, store, account, grants, of, now)
			}
			if err != nil {
				yield(Listed{}, err)
				return
			}
			for _, f := range funds {
				if !yield(f, nil) {
					return
				}
			}
			if len(grants) < pageSize {
				return
			}
			before = grants[len(grants)-1].Number
		}
	}
}

func listed(ctx context.Context, store ledger.Store, account wallet.AccountID, grants []wallet.Entry, of func(wallet.LotKind) bool, now time.Time) ([]Listed, error) {
	var lots []Granted
	var numbers []int64
	for _, e := range grants {
		for _, lot := range e.Lots {
			if of(lot.Kind) {
				lots, numbers = append(lots, Granted{lot, e.Key}), append(numbers, e.Number)
			}
		}
	}
	head, err := store.Head(ctx, account) // after the list, so that it knows of all that the list names
	if err != nil {
		return nil, err
	}
	funds, err := Of(ctx, store, head, lots, now)
	if err != nil {
		return nil, err
	}
	all := make([]Listed, len(funds))
	for i, f := range funds {
		all[i] = Listed{f, numbers[i]}
	}
	return all, nil
}
