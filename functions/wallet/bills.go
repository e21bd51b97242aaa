package main

import (
	"context"
	"errors"

	"billingcentre/shared/api"
	"billingcentre/shared/bill"
	"billingcentre/shared/receipt"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// settledBill is a settled bill in brief.
type settledBill struct {
	receipt.Bill
	SettledAt  string `json:"settled_at"`
	ReversedAt string `json:"reversed_at,omitempty"`
}

// bills is a page of settled bills, newest first. It reads at most some hundred entries: where bills are rare among
// other entries, a page may be short, though more follow.
func (h handler) bills(ctx context.Context, r *api.Request) (api.Response, error) {
	p, err := h.place(r, "bills")
	if err != nil {
		return api.Response{}, err
	}
	if p.before == 0 { // the first page of an account that isn't open is no empty list
		if _, err := h.ledger.Open(ctx, p.account); err != nil {
			return api.Response{}, err
		}
	}
	settled, next, err := collect(ctx, p, h.ledger.Store.Journal, func(e wallet.Entry) bool { return e.Kind == wallet.Settled })
	if err != nil {
		return api.Response{}, err
	}
	reversals, err := h.reversals(ctx, settled)
	if err != nil {
		return api.Response{}, err
	}
	page := api.Page[settledBill]{Items: make([]settledBill, 0, len(settled)), Next: h.cursor(p, next)}
	for _, e := range settled {
		page.Items = append(page.Items, settledBill{
			Bill: receipt.BillOf(e.Settlement, e.Balances.Cash.Currency()), SettledAt: api.Instant(e.Time),
			ReversedAt: api.Instant(reversals[wallet.ReverseKey(e.Settlement.Bill)].Time),
		})
	}
	return api.OK(page)
}

// reversals are the entries that reversed some of these bills.
func (h handler) reversals(ctx context.Context, settled []wallet.Entry) (map[wallet.Key]wallet.Entry, error) {
	if len(settled) == 0 {
		return nil, nil
	}
	keys := make([]wallet.Key, len(settled))
	for i, e := range settled {
		keys[i] = wallet.ReverseKey(e.Settlement.Bill)
	}
	return h.ledger.Store.Entries(ctx, keys...)
}

// explained is a settled bill with its explanation, and its reversal if there was one.
type explained struct {
	Receipt  receipt.Receipt  `json:"receipt"`
	Reversal *receipt.Receipt `json:"reversal,omitempty"`
}

// bill explains one bill (README rule 22). Another account's bill isn't there.
func (h handler) bill(ctx context.Context, r *api.Request) (api.Response, error) {
	account, id := wallet.AccountID(r.Path("account")), wallet.BillID(r.Path("bill"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	if !api.ValidID(string(id)) {
		return api.Response{}, errNoBill()
	}
	found, err := h.ledger.Store.Entries(ctx, wallet.BillKey(id), wallet.ReverseKey(id))
	if err != nil {
		return api.Response{}, err
	}
	settled, ok := found[wallet.BillKey(id)]
	if !ok || settled.Account != account {
		return api.Response{}, errNoBill()
	}
	answer := explained{Receipt: receipt.Of(settled)}
	if reversed, ok := found[wallet.ReverseKey(id)]; ok {
		reversal := receipt.Of(reversed)
		answer.Reversal = &reversal
	}
	return api.OK(answer)
}

func errNoBill() error { return refusal.Of(refusal.NotFound, "The account has no such bill.") }

// preview answers with the receipt that settling the bill would give now, or gave when it was settled. Settled tells
// which. Nothing is written.
type preview struct {
	Settled bool            `json:"settled"`
	Receipt receipt.Receipt `json:"receipt"`
}

func (h handler) preview(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	body, err := r.JSON()
	if err != nil {
		return api.Response{}, err
	}
	usage, err := bill.Decode(body)
	if err != nil {
		return api.Response{}, err
	}
	payer, settle, err := h.directory.Settle(ctx, usage)
	if err != nil {
		return api.Response{}, err
	}
	if payer != account {
		return api.Response{}, refusal.Of(refusal.NotFound, "The account had no such workspace on that day.")
	}
	answer, err := h.ledger.Preview(ctx, account, settle)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(preview{Settled: answer.Repeated, Receipt: receipt.Of(answer.Entry)})
}
