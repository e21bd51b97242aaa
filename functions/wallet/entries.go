package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// item is one line of income and expenditure. The whole story of a bill is the bill's own page.
type item struct {
	Key       wallet.Key       `json:"key"`
	Number    int64            `json:"number"`
	Kind      string           `json:"kind"`
	At        string           `json:"at"`
	Actor     string           `json:"actor,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	Reference string           `json:"reference,omitempty"`
	Bill      *receipt.Bill    `json:"bill,omitempty"` // of a settlement
	Changes   changes          `json:"changes"`
	Balances  receipt.Balances `json:"balances"` // after it
}

// changes are signed: "+5.00", "-9.40", or "0.00". Arrears that grow are "+".
type changes struct {
	Cash     string `json:"cash"`
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
	Arrears  string `json:"arrears"`
}

// entries is a page of income and expenditure, newest first.
func (h handler) entries(ctx context.Context, r *api.Request) (api.Response, error) {
	p, err := h.place(r, "entries")
	if err != nil {
		return api.Response{}, err
	}
	if p.before == 0 { // the first page of an account that isn't open is no empty list
		if _, err := h.ledger.Open(ctx, p.account); err != nil {
			return api.Response{}, err
		}
	}
	journal, err := h.ledger.Store.Journal(ctx, p.account, p.before, p.limit+1) // the one more tells what the last one changed
	if err != nil {
		return api.Response{}, err
	}
	items, next := itemsOf(journal, p.limit)
	return api.OK(api.Page[item]{Items: items, Next: h.cursor(p, next)})
}

// itemsOf tells what entries changed, by the entry before each. The list lags behind the journal for a moment, and so
// may lack one: there the page ends, and the next one begins.
func itemsOf(journal []wallet.Entry, limit int) (items []item, next int64) {
	items = []item{}
	for i, entry := range journal[:min(limit, len(journal))] {
		before := wallet.Balances{}
		switch {
		case entry.Number == 1:
			before = nothing(entry.Balances.Cash.Currency())
		case i+1 < len(journal) && journal[i+1].Number == entry.Number-1:
			before = journal[i+1].Balances
		default:
			return items, entry.Number + 1
		}
		items = append(items, itemOf(entry, before))
		next = entry.Number
	}
	return items, next
}

func nothing(currency money.Currency) wallet.Balances {
	zero := money.Zero(currency)
	return wallet.Balances{Cash: zero, Arrears: zero, Regular: zero, Discount: zero, Card: zero}
}

func itemOf(e wallet.Entry, before wallet.Balances) item {
	i := item{
		Key: e.Key, Number: e.Number, Kind: e.Kind.String(), At: api.Instant(e.Time), Actor: e.Actor, Reason: e.Reason,
		Reference: e.Reference, Changes: changesOf(before, e.Balances), Balances: receipt.BalancesOf(e.Balances),
	}
	if e.Settlement != nil {
		bill := receipt.BillOf(e.Settlement, e.Balances.Cash.Currency())
		i.Bill = &bill
	}
	return i
}

func changesOf(before, after wallet.Balances) changes {
	return changes{
		Cash: signed(before.Cash, after.Cash), Regular: signed(before.Regular, after.Regular),
		Discount: signed(before.Discount, after.Discount), Card: signed(before.Card, after.Card),
		Arrears: signed(before.Arrears, after.Arrears),
	}
}

func signed(before, after money.Amount) string {
	change := after.Sub(before)
	if change.IsPositive() {
		return "+" + change.String()
	}
	return change.String()
}
