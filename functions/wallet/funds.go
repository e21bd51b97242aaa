package main

import (
	"context"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// status is the state of a voucher or a card, as people call it. "void" is kept for funds that are taken back, which
// nothing does yet.
type status string

const (
	active  status = "active"
	usedUp  status = "used_up"
	expired status = "expired"
)

// fund is a voucher or a card, for ever after it was granted.
type fund struct {
	receipt.Lot
	Balance string     `json:"balance"`          // spendable now: nothing once it has expired
	Lapsed  string     `json:"lapsed,omitempty"` // what was left when its breakage was booked
	Status  status     `json:"status"`
	Entry   wallet.Key `json:"entry"` // the entry that granted it
}

func (h handler) vouchers(ctx context.Context, r *api.Request) (api.Response, error) {
	return h.funds(ctx, r, "vouchers", wallet.LotKind.IsVoucher)
}

func (h handler) cards(ctx context.Context, r *api.Request) (api.Response, error) {
	return h.funds(ctx, r, "cards", func(kind wallet.LotKind) bool { return kind == wallet.Card })
}

// granted is a lot and the entry that granted it.
type granted struct {
	lot   wallet.Lot
	entry wallet.Key
}

// funds is a page of an account's vouchers or cards, last granted first. The list is read first and the head after
// it, so that the head knows of all that the list names.
func (h handler) funds(ctx context.Context, r *api.Request, name string, of func(wallet.LotKind) bool) (api.Response, error) {
	p, err := h.place(r, name)
	if err != nil {
		return api.Response{}, err
	}
	var lots []granted
	_, next, err := collect(ctx, p, h.ledger.Store.Grants, func(e wallet.Entry) bool {
		before := len(lots)
		for _, lot := range e.Lots {
			if of(lot.Kind) {
				lots = append(lots, granted{lot, e.Key})
			}
		}
		return len(lots) > before
	})
	if err != nil {
		return api.Response{}, err
	}
	head, err := h.ledger.Open(ctx, p.account)
	if err != nil {
		return api.Response{}, err
	}
	page := api.Page[fund]{Next: h.cursor(p, next)}
	if page.Items, err = h.balances(ctx, head, lots); err != nil {
		return api.Response{}, err
	}
	return api.OK(page)
}

// balances tells what became of lots: by the head for those with something left, by the journal for the others.
func (h handler) balances(ctx context.Context, head wallet.Head, lots []granted) ([]fund, error) {
	var gone []wallet.Key
	for _, g := range lots {
		if _, held := head.Lot(g.lot.ID); !held {
			gone = append(gone, wallet.ExpireKey(g.lot.ID))
		}
	}
	var lapses map[wallet.Key]wallet.Entry
	if len(gone) > 0 {
		var err error
		if lapses, err = h.ledger.Store.Entries(ctx, gone...); err != nil {
			return nil, err
		}
	}
	funds := make([]fund, 0, len(lots))
	now := wallet.Effective(head, h.ledger.Now())
	for _, g := range lots {
		lapse, lapsed := lapses[wallet.ExpireKey(g.lot.ID)]
		f := fundOf(head, g, lapsed, now)
		if lapsed {
			f.Lapsed = lapse.Sum(wallet.AtBreakage).String()
		}
		funds = append(funds, f)
	}
	return funds, nil
}

// fundOf is the one predicate of a fund's status.
func fundOf(head wallet.Head, g granted, lapsed bool, now time.Time) fund {
	lot, held := head.Lot(g.lot.ID)
	f := fund{Lot: receipt.LotOf(g.lot), Balance: g.lot.Remaining.String(), Status: usedUp, Entry: g.entry}
	switch {
	case held && lot.UsableAt(now):
		f.Status, f.Balance = active, lot.Remaining.String()
	case held, lapsed:
		f.Status = expired
	}
	return f
}
