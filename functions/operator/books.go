package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/ledger"
	"billingcentre/shared/reversal"
	"billingcentre/shared/wallet"
)

// adjust corrects an account's cash, with a reason (README rule 4).
func (h handler) adjust(ctx context.Context, r *api.Request) (api.Response, error) {
	var body struct {
		Direction string `json:"direction"`
		Amount    string `json:"amount"`
		Reason    string `json:"reason"`
	}
	w, err := h.wish(ctx, r, &body, api.Operator)
	if err != nil {
		return api.Response{}, err
	}
	var check api.Check
	check.That(body.Direction == "credit" || body.Direction == "debit", "/direction", `must be "credit" or "debit"`)
	command := wallet.Adjust{
		Account: w.account, Once: w.once, Amount: check.Amount("/amount", body.Amount, w.currency), Debit: body.Direction == "debit",
		Reason: check.Text("/reason", body.Reason), Actor: r.Caller.Subject,
	}
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	return done(h.ledger.Do(ctx, w.account, ledger.Intent{Command: command}))
}

// reverse undoes a settled bill, once (README rule 21).
func (h handler) reverse(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	once, err := once(r)
	if err != nil {
		return api.Response{}, err
	}
	reason, err := r.Reason()
	if err != nil {
		return api.Response{}, err
	}
	bill := r.Path("bill")
	if !api.ValidID(bill) {
		return api.Response{}, reversal.None()
	}
	wish := reversal.Wish{Bill: wallet.BillID(bill), Once: once, Reason: reason, Actor: r.Caller.Subject}
	return done(reversal.Do(ctx, h.ledger, wish))
}
