package recharge

import (
	"context"
	"errors"
	"slices"

	"billingcentre/shared/ledger"
	"billingcentre/shared/payment"
	"billingcentre/shared/wallet"
)

// What Prepare finds out about a payment that isn't to be credited.
var (
	errSecond   = errors.New("recharge: the order was paid by another trade before")
	errReturned = errors.New("recharge: the trade is being sent back")
)

// Credit books a paid trade, verified by its channel, on the order that it names: once, ever, however often and by
// whom it is told (README rule 1). It credits pending, awaiting and closed orders alike, since paid is paid. A second
// payment of a credited order opens a refund instead; that, and a trade that is sent back already, is a repeat without
// an entry. What doesn't fit the order is a *payment.NoticeError; a trade of no order is the refusal NotFound.
func (d *Desk) Credit(ctx context.Context, trade payment.Trade) (ledger.Receipt, error) {
	order, document, err := ledger.Read[Order](ctx, d.Ledger.Store, Key(trade.OrderID))
	if err != nil {
		return ledger.Receipt{}, err
	}
	loaded := true
	receipt, err := d.Ledger.Do(ctx, order.Account, ledger.Intent{
		Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
			if !loaded {
				if order, document, err = ledger.Read[Order](ctx, d.Ledger.Store, document.Key); err != nil {
					return nil, nil, err
				}
			}
			loaded = false
			return d.credit(order, document, trade)
		},
	})
	switch {
	case errors.Is(err, errSecond):
		return ledger.Receipt{Repeated: true}, d.sendBack(ctx, trade, SecondPayment, "paid twice", "")
	case errors.Is(err, errReturned):
		return ledger.Receipt{Repeated: true}, nil
	}
	return receipt, err
}

// Heed does what a verified notice means for its order, and tells whether it credited. Only a payment of which nothing
// was sent back credits. What is genuine but can't be booked is a *payment.NoticeError, for the quarantine.
func (d *Desk) Heed(ctx context.Context, notice payment.Notice) (credited bool, err error) {
	switch notice.State {
	case payment.Paid:
		receipt, err := d.Credit(ctx, notice.Trade)
		return err == nil && !receipt.Repeated, err
	case payment.Waiting:
		return false, nil
	case payment.Closed:
		return false, d.Close(ctx, notice.OrderID)
	case payment.Refunded:
		if ours, err := d.knowsRefund(ctx, notice.Refund); ours || err != nil {
			return false, err // the watchman brings it to its end
		}
		return false, &payment.NoticeError{
			Class: payment.ErrMismatch, Reason: "refunded", Fields: notice.Fields,
			Detail: "Money of this payment was sent back at the provider: an operator has to book it.",
		}
	}
	return false, &payment.NoticeError{Class: payment.ErrUnreadable, Reason: "state", Detail: "The provider used a state that isn't known.", Fields: notice.Fields}
}

// credit decides what a paid trade does to its order.
func (d *Desk) credit(order Order, document ledger.Document, trade payment.Trade) (wallet.Command, []ledger.Document, error) {
	if slices.Contains(order.Returned, trade.Ref) {
		return nil, nil, errReturned
	}
	if err := trade.Proves(order.payment(), ""); err != nil {
		return nil, nil, err
	}
	switch {
	case order.State == Credited && order.Trade == trade.Ref:
		return nil, nil, &ledger.DoneError{Key: wallet.TopUpKey(order.ID)}
	case order.State == Credited:
		return nil, nil, errSecond
	}
	paid := order
	paid.State, paid.Trade, paid.CreditedAt = Credited, trade.Ref, d.Ledger.Now().UTC()
	command := wallet.TopUp{Order: order.ID, Amount: order.Amount(), Channel: order.Channel, Trade: trade.Ref}
	return command, []ledger.Document{paid.document(document), paid.paidOn(trade)}, nil
}

// Close notes that an order ended unpaid. It is no harm to be late: a credited order stays credited.
func (d *Desk) Close(ctx context.Context, id string) error {
	for {
		order, document, err := ledger.Read[Order](ctx, d.Ledger.Store, Key(id))
		if err != nil || order.State == Credited || order.State == Closed {
			return err
		}
		order.State = Closed
		if err := d.Ledger.Store.Put(ctx, order.document(document)); !errors.Is(err, ledger.ErrStale) {
			return err
		}
	}
}
