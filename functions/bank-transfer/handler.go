package main

import (
	"context"
	"errors"

	"billingcentre/shared/api"
	"billingcentre/shared/crockford"
	"billingcentre/shared/directory"
	"billingcentre/shared/money"
	"billingcentre/shared/transfer"
	"billingcentre/shared/wallet"
)

type handler struct {
	desk      *transfer.Desk
	directory *directory.Directory
	cursors   api.Cursors
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "POST /v1/accounts/{account}/transfers", Handle: h.open},
		{Key: "GET /v1/accounts/{account}/transfers", Handle: h.list},
		{Key: "GET /v1/accounts/{account}/transfers/{transfer}", Handle: h.get},
		{Key: "POST /v1/operator/bank-statements", Handle: h.importStatement},
		{Key: "GET /v1/operator/bank-statements", Handle: h.listStatements},
		{Key: "GET /v1/operator/bank-rows", Handle: h.listRows},
		{Key: "GET /v1/operator/bank-rows/{row}", Handle: h.getRow},
		{Key: "POST /v1/operator/bank-rows/{row}/assignments", Handle: h.assign},
		{Key: "POST /v1/operator/bank-rows/{row}/approval", Handle: h.approve},
		{Key: "POST /v1/operator/bank-rows/{row}/rejection", Handle: h.reject},
		{Key: "GET /v1/operator/suspense", Handle: h.suspense},
	}
}

// answer is a transfer as its customer sees it.
type answer struct {
	ID         string            `json:"transfer_id"`
	Account    wallet.AccountID  `json:"account_id"`
	Currency   string            `json:"currency"`
	Amount     string            `json:"amount"`
	Payer      string            `json:"payer_name"`
	Code       string            `json:"remittance_code"`
	Receiver   transfer.Receiver `json:"receiver"`
	State      transfer.State    `json:"state"`
	CreatedAt  string            `json:"created_at"`
	ExpiresAt  string            `json:"expires_at"`
	Credited   string            `json:"credited_amount,omitempty"`
	CreditedAt string            `json:"credited_at,omitempty"`
}

func (h handler) answerOf(o transfer.Order) answer {
	a := answer{
		ID: o.ID, Account: o.Account, Currency: string(o.Currency), Amount: o.Amount().String(), Payer: o.Payer, Code: crockford.Groups(o.Code),
		Receiver: h.desk.Config.Receiver, State: o.State, CreatedAt: api.Instant(o.CreatedAt), ExpiresAt: api.Instant(o.ExpiresAt),
		CreditedAt: api.Instant(o.CreditedAt),
	}
	if o.State == transfer.Credited {
		a.Credited = money.Of(o.Currency, o.Credited).String()
	}
	return a
}

func (h handler) open(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayWrite(account); err != nil {
		return api.Response{}, err
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	var body struct {
		Amount string `json:"amount"`
		Payer  string `json:"payer_name"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	payer := check.OptionalText("/payer_name", body.Payer)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	if payer == "" {
		known, err := h.directory.Account(ctx, account)
		if err != nil {
			return api.Response{}, err
		}
		payer = known.Name
	}
	order, repeated, err := h.desk.Take(ctx, transfer.Wish{Account: account, Once: once, Amount: body.Amount, Payer: payer})
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(h.answerOf(order), repeated)
}

func (h handler) list(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery("limit", "cursor")); err != nil {
		return api.Response{}, err
	}
	list := "transfers#" + string(account)
	before, limit, err := r.Place(h.cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	orders, next, err := h.desk.Orders(ctx, account, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(orders, h.answerOf, h.cursors.Encode(list, next)))
}

func (h handler) get(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	order, err := h.desk.Find(ctx, account, r.Path("transfer"))
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(h.answerOf(order))
}
