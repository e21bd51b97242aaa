// Package counter is where the recharge desk is met: by customers and operators (Orders), by the provider with its notices
// (Notices), and by the schedule that looks for what was missed (Rounds). The functions recharge, payment-callback and
// payment-poller only wire it and name its routes. It is a package, and not in them, so that a soak can live through days
// with all of them at once, and kill them at any call (infra/local/alipay).
package counter

import (
	"context"
	"errors"
	"fmt"

	"github.com/skip2/go-qrcode"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/recharge"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const qrPixels = 320

// Orders is what the function recharge does: customers take top-ups, look at them, and have their payment looked for;
// operators refund.
type Orders struct {
	Desk    *recharge.Desk
	Cursors api.Cursors
}

// Order is a recharge order as its customer sees it.
type Order struct {
	ID         string           `json:"recharge_id"`
	Account    wallet.AccountID `json:"account_id"`
	Channel    string           `json:"channel"`
	Currency   string           `json:"currency"`
	Amount     string           `json:"amount"`
	State      recharge.State   `json:"state"`
	CreatedAt  string           `json:"created_at"`
	ExpiresAt  string           `json:"expires_at"`
	QRContent  string           `json:"qr_content,omitempty"`
	QRImage    string           `json:"qr_image,omitempty"` // path of the PNG
	PageURL    string           `json:"page_url,omitempty"` // the provider's page to pay at
	Trade      string           `json:"trade,omitempty"`
	CreditedAt string           `json:"credited_at,omitempty"`
	Refunded   string           `json:"refunded,omitempty"` // of the amount: sent back, or about to be
}

func orderOf(o recharge.Order) Order {
	a := Order{
		ID: o.ID, Account: o.Account, Channel: o.Channel, Currency: string(o.Currency), Amount: o.Amount().String(), State: o.State,
		CreatedAt: api.Instant(o.CreatedAt), ExpiresAt: api.Instant(o.ExpiresAt), Trade: o.Trade, CreditedAt: api.Instant(o.CreditedAt),
	}
	if o.Refunded > 0 {
		a.Refunded = money.Of(o.Currency, o.Refunded).String()
	}
	if o.State == recharge.Awaiting && o.Way == recharge.Page {
		a.PageURL = o.PageURL
	} else if o.State == recharge.Awaiting {
		a.QRContent = o.QRContent
		a.QRImage = fmt.Sprintf("/v1/accounts/%s/recharges/%s/qr.png", o.Account, o.ID)
	}
	return a
}

// Take has an order written, and its payment made at the provider.
func (h Orders) Take(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayWrite(account); err != nil {
		return api.Response{}, err
	}
	var body struct {
		Amount    string       `json:"amount"`
		Channel   string       `json:"channel"`
		Way       recharge.Way `json:"way"`
		ReturnURL string       `json:"return_url"`
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	if name := h.Desk.Channel.Name(); body.Channel != "" && body.Channel != name {
		return api.Response{}, refusal.At("/channel", "must be %q", name)
	}
	order, repeated, err := h.Desk.Take(ctx, recharge.Wish{Account: account, Once: once, Amount: body.Amount, Way: body.Way, Return: body.ReturnURL})
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(orderOf(order), repeated)
}

// List shows a page of an account's orders.
func (h Orders) List(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery("limit", "cursor")); err != nil {
		return api.Response{}, err
	}
	list := "recharges#" + string(account)
	before, limit, err := r.Place(h.Cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	orders, next, err := h.Desk.List(ctx, account, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(orders, orderOf, h.Cursors.Encode(list, next)))
}

// Get shows one order.
func (h Orders) Get(ctx context.Context, r *api.Request) (api.Response, error) {
	order, err := h.find(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(orderOf(order))
}

// QR draws what the payer scans. There is nothing to scan before the provider made the payment, and after its end.
func (h Orders) QR(ctx context.Context, r *api.Request) (api.Response, error) {
	order, err := h.find(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	if order.State != recharge.Awaiting || order.Way == recharge.Page || !h.Desk.Ledger.Now().Before(order.ExpiresAt) {
		return api.Response{}, refusal.Of(refusal.Conflict, "The recharge isn't waiting for a payment.")
	}
	png, err := qrcode.Encode(order.QRContent, qrcode.Medium, qrPixels)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.Raw{ContentType: "image/png", Bytes: png})
}

func (h Orders) find(ctx context.Context, r *api.Request) (recharge.Order, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return recharge.Order{}, err
	}
	return h.Desk.Find(ctx, account, r.Path("recharge"))
}
