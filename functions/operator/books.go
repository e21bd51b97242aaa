package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
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
	var body struct {
		Reason string `json:"reason"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	reason := check.Text("/reason", body.Reason)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	settled, err := h.settled(ctx, wallet.BillID(r.Path("bill")))
	if err != nil {
		return api.Response{}, err
	}
	command := wallet.Reverse{Settled: settled, Once: once, Reason: reason, Actor: r.Caller.Subject}
	return done(h.ledger.Do(ctx, settled.Account, h.reversal(command)))
}

// settled is the entry that settled a bill, of whatever account.
func (h handler) settled(ctx context.Context, bill wallet.BillID) (wallet.Entry, error) {
	key := wallet.BillKey(bill)
	if api.ValidID(string(bill)) {
		found, err := h.ledger.Store.Entries(ctx, key)
		if entry, ok := found[key]; ok || err != nil {
			return entry, err
		}
	}
	return wallet.Entry{}, refusal.Of(refusal.NotFound, "No such bill is settled.")
}

// reversal brings what a reversal depends on besides the head: the terms of lots that are used up, and the cloud's
// charge, which becomes void in the same commit. A second wish to reverse isn't answered with the first one's
// receipt, since whoever has it didn't know of the first.
func (h handler) reversal(command wallet.Reverse) ledger.Intent {
	return ledger.Intent{
		Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
			documents, err := charge.Reverse(ctx, h.ledger.Store, command.Settled.Settlement.Bill)
			if err != nil {
				return nil, nil, err
			}
			prepared := command
			prepared.Granted, err = h.ledger.Terms(ctx, command.Settled)
			return prepared, documents, err
		},
		Clash: func(prior wallet.Entry) error {
			sameKey := command
			if sameKey.Reason = prior.Reason; sameKey.Fingerprint() == prior.Fingerprint {
				return refusal.Of(refusal.KeyReused, "The key came before with another reason; the first stands.")
			}
			return refusal.Of(refusal.Conflict, "The bill was reversed at %s.", api.Instant(prior.Time))
		},
	}
}
