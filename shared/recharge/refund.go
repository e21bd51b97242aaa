package recharge

import (
	"context"
	"errors"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Refund is money of a payment that goes back to its payer, as its document keeps it. It is written before anybody
// outside is asked, together with what makes it safe: the hold on the cash, or the order's note that the trade never
// credits. From then on only its state tells what is left to do, so it goes on after any crash.
//
//	pending ── the money has moved ──> paid
//	   └───── refused, twice, and no trace of it at the provider ──> released (cash only)
type Refund struct {
	ID       string           `json:"refund_id"`
	Order    string           `json:"recharge_id"`
	Account  wallet.AccountID `json:"account_id"`
	Cause    Cause            `json:"cause"`
	Trade    string           `json:"trade"`
	Currency money.Currency   `json:"currency"`
	Minor    int64            `json:"minor"`
	Reason   string           `json:"reason"`
	Actor    string           `json:"actor,omitempty"`
	State    RefundState      `json:"state"`
	OpenedAt time.Time        `json:"opened_at"`
	EndedAt  time.Time        `json:"ended_at,omitzero"`
	Asked    int              `json:"asked,omitzero"` // how often the provider was
	AskAt    time.Time        `json:"ask_at"`
	Refusals int              `json:"refusals,omitzero"` // in a row, each with no trace of the refund at the provider
	Answer   string           `json:"answer,omitempty"`  // the provider's last refusal
}

// Cause is why money goes back.
type Cause string

// The causes. Only CashRefund has anything in the wallet.
const (
	CashRefund    Cause = "cash"           // credited, and refunded by an operator
	SecondPayment Cause = "second_payment" // of an order that was credited with another trade
	Uncredited    Cause = "uncredited"     // a payment that fits no order, sent back by an operator
)

// RefundState is where a refund stands.
type RefundState string

// The states.
const (
	RefundPending  RefundState = "pending"
	RefundPaid     RefundState = "paid"
	RefundReleased RefundState = "released" // the provider refused, and the cash is back in the wallet
)

// Amount is what goes back.
func (r Refund) Amount() money.Amount { return money.Of(r.Currency, r.Minor) }

func refundKey(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: "refund", ID: id} }

// document is the refund in its document, listed while it is open, and then under the day on which it went through.
func (r Refund) document(d ledger.Document) ledger.Document {
	switch r.State {
	case RefundPending:
		return d.With(r).In(openRefunds, dueRank(r.AskAt, r.ID))
	case RefundPaid:
		return d.With(r).In(dayList(r.EndedAt.In(providerZone).Format(time.DateOnly)), dayRank(r.EndedAt, r.ID))
	}
	return d.With(r).In("", "")
}

func (r Refund) payment() payment.Refund {
	return payment.Refund{ID: r.ID, OrderID: r.Order, Ref: r.Trade, Amount: r.Amount(), Reason: r.Reason}
}

// RefundWish is what an operator asks for.
type RefundWish struct {
	Order  string
	Once   string // the client's idempotency key
	Trade  string // of a payment that wasn't credited; "" for the one that was
	Amount string // a decimal, in the order's currency
	Reason string
	Actor  string
}

const mostRefunds = 50 // of one order

// Refund opens a refund and holds what it needs; the watchman has it done. It is idempotent by the wish's key.
func (d *Desk) Refund(ctx context.Context, wish RefundWish) (refund Refund, repeated bool, err error) {
	order, _, err := ledger.Read[Order](ctx, d.Ledger.Store, Key(wish.Order))
	if err != nil {
		return Refund{}, false, err
	}
	amount, err := money.Parse("/amount", wish.Amount, order.Currency)
	if err != nil {
		return Refund{}, false, err
	}
	id := "F" + hashed("refund", wish.Order, wish.Once)
	refund, _, err = ledger.Read[Refund](ctx, d.Ledger.Store, refundKey(id))
	switch {
	case err == nil && (refund.Amount() != amount || refund.Reason != wish.Reason || wish.Trade != "" && refund.Trade != wish.Trade):
		return Refund{}, false, refusal.Of(refusal.KeyReused, "The key was used for another refund before; that one stands.")
	case err == nil:
		return refund, true, nil
	case !refusal.Is(err, refusal.NotFound):
		return Refund{}, false, err
	}
	if wish.Trade == "" || order.State == Credited && wish.Trade == order.Trade {
		err = d.reserve(ctx, order.Account, id, amount, wish)
	} else {
		err = d.sendBackTrade(ctx, order, id, amount, wish)
	}
	if err != nil {
		return Refund{}, false, err
	}
	refund, _, err = ledger.Read[Refund](ctx, d.Ledger.Store, refundKey(id))
	return refund, false, err
}

// reserve holds the cash, in the commit that opens the refund.
func (d *Desk) reserve(ctx context.Context, account wallet.AccountID, id string, amount money.Amount, wish RefundWish) error {
	_, err := d.Ledger.Do(ctx, account, ledger.Intent{
		Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
			order, document, err := ledger.Read[Order](ctx, d.Ledger.Store, Key(wish.Order))
			if err != nil {
				return nil, nil, err
			}
			switch left := money.Of(order.Currency, order.Minor-order.Refunded); {
			case slices.Contains(order.Refunds, id):
				return nil, nil, &ledger.DoneError{Key: wallet.ReserveKey(id)}
			case order.State != Credited:
				return nil, nil, refusal.Of(refusal.Conflict, "The recharge isn't credited: there is no cash of it to refund.")
			case amount.Cmp(left) > 0:
				return nil, nil, refusal.Of(refusal.Conflict, "Of this recharge %s can still be refunded.", left)
			case len(order.Refunds) >= mostRefunds:
				return nil, nil, refusal.Of(refusal.Conflict, "The recharge has %d refunds; no more are taken.", mostRefunds)
			}
			refund := d.open(order, id, CashRefund, order.Trade, amount, wish.Reason, wish.Actor)
			order.Refunds, order.Refunded = append(slices.Clone(order.Refunds), id), order.Refunded+amount.Minor()
			command := wallet.Reserve{Refund: id, Amount: amount, Reason: wish.Reason, Actor: wish.Actor}
			return command, []ledger.Document{order.document(document), refund.document(ledger.Document{Key: refundKey(id)})}, nil
		},
	})
	return err
}

func (d *Desk) open(order Order, id string, cause Cause, trade string, amount money.Amount, reason, actor string) Refund {
	now := d.Ledger.Now().UTC()
	return Refund{
		ID: id, Order: order.ID, Account: order.Account, Cause: cause, Trade: trade, Currency: amount.Currency(), Minor: amount.Minor(),
		Reason: reason, Actor: actor, State: RefundPending, OpenedAt: now, AskAt: now,
	}
}

// sendBackTrade sends a payment back that wasn't credited, once the provider has said that there is one of this order.
func (d *Desk) sendBackTrade(ctx context.Context, order Order, id string, amount money.Amount, wish RefundWish) error {
	trade, err := d.query(ctx, order, wish.Trade)
	var refused *payment.Refused
	switch {
	case errors.As(err, &refused):
		return refusal.Of(refusal.Conflict, "The provider knows no such payment of this recharge.")
	case errors.Is(err, payment.ErrUnknownOutcome):
		return &refusal.Refusal{Kind: refusal.Unavailable, RetryAfter: 10, Detail: "The payment provider didn't answer in time; ask again with the same key."}
	case err != nil:
		return err
	case trade.State != payment.Paid || trade.Ref != wish.Trade:
		return refusal.Of(refusal.Conflict, "The provider says that this payment is %s.", trade.State)
	case trade.Received != amount:
		return refusal.At("/amount", "must be all that was paid: %s", trade.Received)
	}
	return d.sendBack(ctx, trade, Uncredited, wish.Reason, wish.Actor, id)
}

// sendBack opens the refund of a whole payment that isn't credited, and sees to it that it never will be. A payment is
// sent back once, so the refund bears its name unless it has one already.
func (d *Desk) sendBack(ctx context.Context, trade payment.Trade, cause Cause, reason, actor string, named ...string) error {
	id := "F" + hashed("return", trade.OrderID, trade.Ref)
	if len(named) > 0 {
		id = named[0]
	}
	for {
		order, document, err := ledger.Read[Order](ctx, d.Ledger.Store, Key(trade.OrderID))
		switch {
		case err != nil:
			return err
		case slices.Contains(order.Refunds, id):
			return nil
		case slices.Contains(order.Returned, trade.Ref) || order.Trade == trade.Ref:
			return refusal.Of(refusal.Conflict, "The payment was credited, or is sent back already.")
		case len(order.Refunds) >= mostRefunds:
			return refusal.Of(refusal.Conflict, "The recharge has %d refunds; no more are taken.", mostRefunds)
		}
		order.Returned = append(slices.Clone(order.Returned), trade.Ref)
		order.Refunds = append(slices.Clone(order.Refunds), id)
		refund := d.open(order, id, cause, trade.Ref, trade.Received, reason, actor)
		err = d.Ledger.Store.Put(ctx, order.document(document), refund.document(ledger.Document{Key: refundKey(id)}))
		if !errors.Is(err, ledger.ErrStale) {
			return err
		}
	}
}

// Refunds are all refunds of an order, first to last.
func (d *Desk) Refunds(ctx context.Context, id string) ([]Refund, error) {
	order, _, err := ledger.Read[Order](ctx, d.Ledger.Store, Key(id))
	if err != nil || len(order.Refunds) == 0 {
		return nil, err
	}
	keys := make([]ledger.DocumentKey, len(order.Refunds))
	for i, id := range order.Refunds {
		keys[i] = refundKey(id)
	}
	found, err := d.Ledger.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var refunds []Refund
	for _, key := range keys {
		refund, err := ledger.Body[Refund](found[key])
		if err != nil {
			return nil, err
		}
		refunds = append(refunds, refund)
	}
	return refunds, nil
}

// knowsRefund tells whether a refund is ours, so that nobody has to look into the provider's notice of it.
func (d *Desk) knowsRefund(ctx context.Context, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	found, err := d.Ledger.Store.Documents(ctx, refundKey(id))
	return len(found) > 0, err
}
