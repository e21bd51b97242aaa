package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/fund"
	"billingcentre/shared/wallet"
)

func (h handler) vouchers(ctx context.Context, r *api.Request) (api.Response, error) {
	return h.funds(ctx, r, "vouchers", wallet.LotKind.IsVoucher)
}

func (h handler) cards(ctx context.Context, r *api.Request) (api.Response, error) {
	return h.funds(ctx, r, "cards", func(kind wallet.LotKind) bool { return kind == wallet.Card })
}

// funds is a page of an account's vouchers or cards, last granted first. The list is read first and the head after
// it, so that the head knows of all that the list names.
func (h handler) funds(ctx context.Context, r *api.Request, name string, of func(wallet.LotKind) bool) (api.Response, error) {
	p, err := h.place(r, name)
	if err != nil {
		return api.Response{}, err
	}
	var lots []fund.Granted
	_, next, err := collect(ctx, p, h.ledger.Store.Grants, func(e wallet.Entry) bool {
		before := len(lots)
		for _, lot := range e.Lots {
			if of(lot.Kind) {
				lots = append(lots, fund.Granted{Lot: lot, Entry: e.Key})
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
	page := api.Page[fund.Fund]{Next: h.cursor(p, next)}
	if page.Items, err = fund.Of(ctx, h.ledger.Store, head, lots, h.ledger.Now()); err != nil {
		return api.Response{}, err
	}
	return api.OK(page)
}
