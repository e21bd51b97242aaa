package recharge

import (
	"context"
	"errors"

	"billingcentre/shared/ledger"
	"billingcentre/shared/payment"
	"billingcentre/shared/wallet"
)

// Credit books a paid trade, verified by its channel, on the order that it names: once, ever, however often and by
// whom it is told (README rule 1). It credits pending, awaiting and closed orders alike, since paid is paid. What
// doesn't fit the order is a *payment.NoticeError; a trade of no order is the refusal NotFound.
func (d *Desk) Credit(ctx context.Context, trade payment.Trade) (ledger.Receipt, error) {
	order, document, err := ledger.Read[Order](ctx, d.Ledger.Store, documentKey(trade.OrderID))
	if err != nil {
		return ledger.Receipt{}, err
	}
	loaded := true
	return d.Ledger.Do(ctx, order.Account, ledger.Intent{
		Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
			if !loaded {
				if order, document, err = ledger.Read[Order](ctx, d.Ledger.Store, document.Key); err != nil {
					return nil, nil, err
				}
			}
			loaded = false
			if err := trade.Proves(order.payment(), order.Trade); err != nil {
				return nil, nil, err
			}
			if order.State == Credited {
				return nil, nil, &ledger.DoneError{Key: wallet.TopUpKey(order.ID)}
			}
			paid := order
			paid.State, paid.Trade, paid.CreditedAt = Credited, trade.Ref, d.Ledger.Now().UTC()
			command := wallet.TopUp{Order: order.ID, Amount: order.Amount(), Channel: order.Channel, Trade: trade.Ref}
			return command, []ledger.Document{paid.document(document)}, nil
		},
	})
}

// Close notes that an order ended unpaid. It is no harm to be late: a credited order stays credited.
func (d *Desk) Close(ctx context.Context, id string) error {
	for {
		order, document, err := ledger.Read[Order](ctx, d.Ledger.Store, documentKey(id))
		if err != nil || order.State == Credited || order.State == Closed {
			return err
		}
		order.State = Closed
		if err := d.Ledger.Store.Put(ctx, order.document(document)); !errors.Is(err, ledger.ErrStale) {
			return err
		}
	}
}
