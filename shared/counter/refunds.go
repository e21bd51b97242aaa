package counter

import (
	"context"
	"errors"

	"billingcentre/shared/api"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// Query looks for the payment that the payer says was made: by the order, or by the provider's number of the payment.
func (h Orders) Query(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayWrite(account); err != nil {
		return api.Response{}, err
	}
	var body struct {
		Trade string `json:"trade"`
	}
	if len(r.Body) > 0 {
		if err := r.Decode(&body); err != nil {
			return api.Response{}, err
		}
	}
	order, err := h.Desk.Ask(ctx, account, r.Path("recharge"), body.Trade)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(orderOf(order))
}

// Refund is a refund as operators see it.
type Refund struct {
	ID       string               `json:"refund_id"`
	Recharge string               `json:"recharge_id"`
	Account  wallet.AccountID     `json:"account_id"`
	Cause    recharge.Cause       `json:"cause"`
	Trade    string               `json:"trade"`
	Amount   string               `json:"amount"`
	Currency string               `json:"currency"`
	Reason   string               `json:"reason"`
	Actor    string               `json:"actor,omitempty"`
	State    recharge.RefundState `json:"state"`
	OpenedAt string               `json:"opened_at"`
	EndedAt  string               `json:"ended_at,omitempty"`
	Answer   string               `json:"answer,omitempty"` // the provider's last refusal
}

func refundOf(r recharge.Refund) Refund {
	return Refund{
		ID: r.ID, Recharge: r.Order, Account: r.Account, Cause: r.Cause, Trade: r.Trade, Amount: r.Amount().String(), Currency: string(r.Currency),
		Reason: r.Reason, Actor: r.Actor, State: r.State, OpenedAt: api.Instant(r.OpenedAt), EndedAt: api.Instant(r.EndedAt), Answer: r.Answer,
	}
}

// Refund holds the cash and opens the refund (README rule 4). payment-poller has it done within a minute or so.
func (h Orders) Refund(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	var body struct {
		Amount string `json:"amount"`
		Reason string `json:"reason"`
		Trade  string `json:"trade"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	wish := recharge.RefundWish{
		Order: r.Path("recharge"), Once: once, Trade: body.Trade, Amount: body.Amount, Reason: check.Text("/reason", body.Reason), Actor: r.Caller.Subject,
	}
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	refund, repeated, err := h.Desk.Refund(ctx, wish)
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(refundOf(refund), repeated)
}

// Refunds are all of an order, first to last: at most fifty, so they fit a page.
func (h Orders) Refunds(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := errors.Join(r.Caller.MustBe(api.Operator), r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	refunds, err := h.Desk.Refunds(ctx, r.Path("recharge"))
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(refunds, refundOf, ""))
}
