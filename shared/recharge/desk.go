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

const validity = 30 * time.Minute // of an order, for paying it

// Desk takes recharge orders and credits them.
type Desk struct {
	Ledger     *ledger.Ledger
	Channel    payment.Channel // nil for a desk that only credits
	Limits     Limits
	ReturnURLs []string // that a page may send payers back to, and all below them
}

// Wish is what a customer asks for.
type Wish struct {
	Account wallet.AccountID
	Once    string // the client's idempotency key
	Amount  string // a decimal, in the account's currency
	Way     Way    // "" is QR
	Return  string // Page only: where the payer comes back to
}

// Take writes an order first and then has its channel make the payment. It is idempotent by the wish's key: asked
// again, it goes on where it was interrupted. repeated tells that the order was there before.
func (d *Desk) Take(ctx context.Context, wish Wish) (order Order, repeated bool, err error) {
	if err := d.checkWay(&wish); err != nil {
		return Order{}, false, err
	}
	head, err := d.Ledger.Store.Head(ctx, wish.Account)
	if err != nil {
		return Order{}, false, err
	}
	amount, err := d.admit(head, wish)
	if err != nil {
		return Order{}, false, err
	}
	key := Key(idOf(wish.Account, wish.Once))
	order, document, err := ledger.Read[Order](ctx, d.Ledger.Store, key)
	switch {
	case refusal.Is(err, refusal.NotFound):
		order, document, err = d.write(ctx, wish, amount, document)
	case err == nil:
		repeated = true
	}
	if err != nil {
		return Order{}, false, err
	}
	if order.Amount() != amount || order.Way != wish.Way || order.ReturnURL != wish.Return {
		return Order{}, false, refusal.Of(refusal.KeyReused, "The key was used for a top-up of %s before; that one stands.", order.Amount())
	}
	if order.State == Pending && order.open(d.Ledger.Now()) {
		order, err = d.offer(ctx, order, document)
	}
	return order, repeated, err
}

// admit checks a wish against the account and the channel (README rules M3 and 1).
func (d *Desk) admit(head wallet.Head, wish Wish) (money.Amount, error) {
	if head.Version == 0 {
		return money.Amount{}, refusal.Of(refusal.NotFound, "There is no such account.")
	}
	if !slices.Contains(d.Channel.Currencies(), head.Currency) {
		return money.Amount{}, refusal.Of(refusal.NotApplicable, "The channel %s doesn't collect %s.", d.Channel.Name(), head.Currency)
	}
	amount, err := money.Parse("/amount", wish.Amount, head.Currency)
	if err == nil {
		err = d.Ledger.Policy.CheckInflow(amount)
	}
	switch {
	case err != nil:
		return money.Amount{}, err
	case d.Limits.Order > 0 && amount.Cmp(money.Units(head.Currency, d.Limits.Order)) > 0:
		return money.Amount{}, refusal.At("/amount", "must be at most %d.00", d.Limits.Order)
	}
	return amount, nil
}

// write makes the pending order, before anybody outside hears of it.
func (d *Desk) write(ctx context.Context, wish Wish, amount money.Amount, document ledger.Document) (Order, ledger.Document, error) {
	if err := d.mayOpen(ctx, wish.Account, amount); err != nil {
		return Order{}, document, err
	}
	now := d.Ledger.Now().UTC().Truncate(time.Second)
	order := Order{
		ID: document.Key.ID, Account: wish.Account, Channel: d.Channel.Name(), Currency: amount.Currency(), Minor: amount.Minor(),
		State: Pending, CreatedAt: now, ExpiresAt: now.Add(validity), Way: wish.Way, ReturnURL: wish.Return,
	}
	document = order.document(document)
	err := d.Ledger.Store.Put(ctx, document, watchOf(order).document(ledger.Document{Key: watchKey(order.ID)}))
	if errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrUnknown) {
		written, as, found := ledger.Read[Order](ctx, d.Ledger.Store, document.Key) // by a twin of this request, or by us
		if refusal.Is(found, refusal.NotFound) {
			found = err // not written, or not yet: asking again is right, and there is nothing that isn't found
		}
		return written, as, found
	}
	document.Version++
	return order, document, err
}

// offer asks the channel for the payment and notes what the payer needs. A notice may overtake it: then the order
// as it stands is the answer.
func (d *Desk) offer(ctx context.Context, order Order, document ledger.Document) (Order, error) {
	checkout, err := d.checkout(ctx, order)
	var refused *payment.Refused
	var unfit *payment.OrderError
	switch {
	case err == nil:
		order.State = Awaiting
		if order.Way == Page {
			order.PageURL = checkout.Content
		} else {
			order.QRContent, order.QRExpires = checkout.Content, checkout.ExpiresAt
		}
	case errors.Is(err, payment.ErrUnknownOutcome):
		return Order{}, &refusal.Refusal{
			Kind: refusal.Unavailable, RetryAfter: 5, Detail: "The payment provider didn't answer in time; ask again with the same key.",
		}
	case errors.Is(err, payment.ErrAlreadyPaid):
		return order, nil // its notice is on the way
	case errors.As(err, &unfit):
		return Order{}, refusal.At("/"+unfit.Field, "%s", unfit.Rule)
	case errors.As(err, &refused):
		order.State = Closed
	default:
		return Order{}, err
	}
	switch err := d.Ledger.Store.Put(ctx, order.document(document)); {
	case errors.Is(err, ledger.ErrStale), errors.Is(err, ledger.ErrUnknown):
		current, _, err := ledger.Read[Order](ctx, d.Ledger.Store, document.Key)
		if err == nil && current.State == Pending {
			err = ledger.ErrUnknown // nobody can pay what wasn't noted: asking again is offered the same
		}
		return current, err
	case err != nil:
		return Order{}, err
	}
	if refused != nil {
		return Order{}, refusal.Of(refusal.NotApplicable, "The payment provider doesn't take this order.")
	}
	return order, nil
}

// checkout has the payment made, by the order's way.
func (d *Desk) checkout(ctx context.Context, order Order) (payment.Checkout, error) {
	if cashier, can := d.Channel.(payment.Cashier); can && order.Way == Page {
		return cashier.Page(ctx, order.payment(), order.ReturnURL)
	}
	return d.Channel.Create(ctx, order.payment())
}

// Find is an account's order; somebody else's is not found.
func (d *Desk) Find(ctx context.Context, account wallet.AccountID, id string) (Order, error) {
	order, _, err := ledger.Read[Order](ctx, d.Ledger.Store, Key(id))
	if err == nil && order.Account != account {
		err = refusal.Of(refusal.NotFound, "There is no such recharge.")
	}
	return order, err
}

// List is a page of an account's orders, latest first; next is "" at the end.
func (d *Desk) List(ctx context.Context, account wallet.AccountID, before string, limit int) (orders []Order, next string, err error) {
	return ledger.PageOf[Order](ctx, d.Ledger.Store, ListOf(account), before, limit)
}
