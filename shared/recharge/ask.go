package recharge

import (
	"context"
	"errors"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/payment"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// askPause is how long an order isn't asked about again on a payer's wish.
const askPause = 5 * time.Second

// Ask looks for the payment of an account's order because its payer says that there is one: it queries, proves, and
// credits once. ref may name the provider's number of the payment, when the payer has it. Somebody else's order is not
// found. The answer is the order as it stands then.
func (d *Desk) Ask(ctx context.Context, account wallet.AccountID, id, ref string) (Order, error) {
	order, err := d.Find(ctx, account, id)
	if err != nil || order.State == Credited && (ref == "" || ref == order.Trade) {
		return order, err
	}
	if err := d.mayAsk(ctx, order); err != nil {
		return Order{}, err
	}
	trade, err := d.query(ctx, order, ref)
	if err == nil {
		_, err = d.learn(ctx, order, trade)
	}
	var unfit *payment.NoticeError
	var refused *payment.Refused
	switch {
	case errors.Is(err, payment.ErrUnknownOutcome):
		return Order{}, &refusal.Refusal{Kind: refusal.Unavailable, RetryAfter: 10, Detail: "The payment provider didn't answer in time; ask again."}
	case errors.As(err, &unfit), errors.As(err, &refused): // the watchman keeps the case; the order tells how it stands
	case err != nil:
		return Order{}, err
	}
	return d.Find(ctx, account, id)
}

// mayAsk notes that the order is asked about, and bounds how often.
func (d *Desk) mayAsk(ctx context.Context, order Order) error {
	watch, document, err := ledger.Read[Watch](ctx, d.Ledger.Store, watchKey(order.ID))
	now := d.Ledger.Now().UTC()
	switch {
	case refusal.Is(err, refusal.NotFound): // an order from before there were watches
		watch = Watch{Order: order.ID, Over: !now.Before(order.Ends())}
	case err != nil:
		return err
	}
	if now.Before(watch.AskedAt.Add(askPause)) {
		return &refusal.Refusal{Kind: refusal.TooMany, RetryAfter: int(askPause.Seconds()), Detail: "The provider was asked a moment ago."}
	}
	watch.AskedAt = now
	if watch.AskAt.IsZero() {
		watch.AskAt = now
	}
	err = d.Ledger.Store.Put(ctx, watch.document(document))
	if errors.Is(err, ledger.ErrStale) {
		return nil // the watchman asks at this moment; asking twice does no harm
	}
	return err
}

// query asks by the provider's number of the payment, where there is one, or else by the order. A trade of another
// order is as good as none.
func (d *Desk) query(ctx context.Context, order Order, ref string) (payment.Trade, error) {
	finder, can := d.Channel.(payment.Finder)
	if ref == "" || !can {
		return d.Channel.Query(ctx, order.ID)
	}
	trade, err := finder.Find(ctx, ref)
	if err == nil && trade.OrderID != order.ID {
		return payment.Trade{}, &payment.Refused{Channel: order.Channel, Code: "another order's", Meaning: payment.ErrNoTrade}
	}
	return trade, err
}

// learn does what a verified answer about an order means. over tells that there is nothing to wait for any more. What
// nobody may decide but an operator is a *payment.NoticeError.
func (d *Desk) learn(ctx context.Context, order Order, trade payment.Trade) (over bool, err error) {
	switch trade.State {
	case payment.Paid:
		_, err := d.Credit(ctx, trade)
		return err == nil, err
	case payment.Closed:
		return true, d.Close(ctx, order.ID)
	case payment.Waiting:
		return false, nil
	case payment.Refunded:
		if order.Trade == trade.Ref || slices.Contains(order.Returned, trade.Ref) {
			return true, d.Close(ctx, order.ID)
		}
		return true, &payment.NoticeError{
			Class: payment.ErrMismatch, Reason: "refunded", Detail: "Money of this payment was sent back at the provider before it was credited.",
		}
	}
	return false, &payment.NoticeError{Class: payment.ErrUnreadable, Reason: "state", Detail: "The provider used a state that isn't known."}
}
