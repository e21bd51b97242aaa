package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/ledger"
	"billingcentre/shared/receipt"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// activate puts a voucher on an account, without a code.
func (h handler) activate(ctx context.Context, r *api.Request) (api.Response, error) {
	var body struct {
		Kind      string `json:"kind"`
		Face      string `json:"face_value"`
		MinBill   string `json:"min_bill_amount"`
		ValidDays *int   `json:"valid_days"`
		ExpiresAt string `json:"expires_at"`
		Reason    string `json:"reason"`
	}
	w, err := h.wish(ctx, r, &body, api.Operator)
	if err != nil {
		return api.Response{}, err
	}
	var check api.Check
	command := wallet.Activate{Account: w.account, Once: w.once, Source: wallet.FromOperator, Actor: r.Caller.Subject}
	command.Kind, command.MinBill = voucherKind(&check, body.Kind, body.MinBill, w.currency)
	command.Face = faceValue(&check, body.Face, w.currency)
	command.ValidDays, command.ExpiresAt = h.validity(&check, body.ValidDays, body.ExpiresAt)
	command.Reference = check.Text("/reason", body.Reason)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	return done(h.ledger.Do(ctx, w.account, ledger.Intent{Command: command}))
}

// allocation is the answer to an allocated card. It tells nothing else of the wallet: a partner hears it.
type allocation struct {
	Key     wallet.Key       `json:"key"`
	Account wallet.AccountID `json:"account_id"`
	Card    receipt.Lot      `json:"card"`
}

// allocate gives an account a card: an operator as many as there is reason for, a partner within its quota.
func (h handler) allocate(ctx context.Context, r *api.Request) (api.Response, error) {
	var body struct {
		Face      string `json:"face_value"`
		ValidDays *int   `json:"valid_days"`
		ExpiresAt string `json:"expires_at"`
		Reason    string `json:"reason"`
	}
	w, err := h.wish(ctx, r, &body, api.Operator, api.Partner)
	if err != nil {
		return api.Response{}, err
	}
	var check api.Check
	command := wallet.Allocate{
		Account: w.account, Once: w.once, Source: wallet.FromOperator, Face: faceValue(&check, body.Face, w.currency),
		Reason: check.Text("/reason", body.Reason), Actor: r.Caller.Subject,
	}
	command.ValidDays, command.ExpiresAt = h.validity(&check, body.ValidDays, body.ExpiresAt)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	intent := ledger.Intent{Command: command}
	if r.Caller.Role == api.Partner {
		if intent, err = h.fromQuota(r.Caller, command); err != nil {
			return api.Response{}, err
		}
	}
	given, err := h.ledger.Do(ctx, w.account, intent)
	if err != nil {
		return api.Response{}, err
	}
	answer := allocation{Key: given.Entry.Key, Account: given.Entry.Account, Card: receipt.LotOf(given.Entry.Lots[0])}
	return api.Done(answer, given.Repeated)
}

// fromQuota makes an allocation a partner's: its quota shrinks in the same commit.
func (h handler) fromQuota(caller api.Caller, command wallet.Allocate) (ledger.Intent, error) {
	if !api.ValidID(caller.Partner) {
		return ledger.Intent{}, refusal.Of(refusal.Forbidden, "The token names no partner.")
	}
	command.Source, command.Actor = wallet.FromPartner, caller.Partner+"/"+caller.Subject
	return ledger.Intent{Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
		rest, document, err := h.quota(ctx, caller.Partner, command.Face.Currency())
		if err != nil {
			return nil, nil, err
		}
		if command.Face.Cmp(rest.amount()) <= 0 {
			rest.Remaining -= command.Face.Minor()
			return command, []ledger.Document{document.With(rest)}, nil
		}
		// The quota may be short because this very allocation took from it: then the ledger finds its entry.
		found, err := h.ledger.Store.Entries(ctx, command.Key())
		if err == nil && len(found) == 0 {
			err = refusal.Short(command.Face, rest.amount())
		}
		return command, nil, err
	}}, nil
}
