package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/receipt"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

type handler struct {
	desk *voucher.Desk
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "POST /v1/accounts/{account}/voucher-activations", Handle: h.activate},
	}
}

// activate answers with the receipt, whose lots tell the voucher.
func (h handler) activate(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayWrite(account); err != nil {
		return api.Response{}, err
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	var body struct {
		Code string `json:"code"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	code, err := voucher.ParseCode("/code", body.Code)
	if err != nil {
		return api.Response{}, err
	}
	done, err := h.desk.Activate(ctx, voucher.Activation{Account: account, Code: code, Once: once, Actor: r.Caller.Subject})
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(receipt.Of(done.Entry), done.Repeated)
}
