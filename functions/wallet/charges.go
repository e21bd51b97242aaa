package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/charge"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// cloudCharges lists what the account's bills owe linked cloud accounts, the last settled first (README rule 20).
func (h handler) cloudCharges(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	if err := r.OnlyQuery("limit", "cursor"); err != nil {
		return api.Response{}, err
	}
	list := "cloud-charges#" + string(account)
	before, limit, err := r.Place(h.cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	if _, err := h.ledger.Open(ctx, account); err != nil {
		return api.Response{}, err
	}
	charges, next, err := h.charges.Charges(ctx, account, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(charges, charge.View.Told, h.cursors.Encode(list, next)))
}

// cloudCharge shows what one bill owes a cloud account, and what became of it.
func (h handler) cloudCharge(ctx context.Context, r *api.Request) (api.Response, error) {
	account, bill := wallet.AccountID(r.Path("account")), r.Path("bill")
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	if !api.ValidID(bill) {
		return api.Response{}, refusal.Of(refusal.NotFound, "The account has no such cloud charge.")
	}
	found, err := h.charges.Of(ctx, account, wallet.BillID(bill))
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(found.Told())
}
