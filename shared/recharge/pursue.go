package recharge

import (
	"context"
	"errors"

	"billingcentre/shared/ledger"
	"billingcentre/shared/payment"
	"billingcentre/shared/wallet"
)

// enoughRefusals in a row, a minute or more apart, each with no trace of the refund at the provider, end a hold: an
// earlier try whose answer was lost can't be under way any more by then.
const enoughRefusals = 2

// pursue asks the provider once more for a refund, always with the same id, and ends it when its fate is certain.
func (d *Desk) pursue(ctx context.Context, refund Refund, document ledger.Document) error {
	refunder, can := d.Channel.(payment.Refunder)
	if !can {
		return errors.New("recharge: the channel " + d.Channel.Name() + " sends nothing back")
	}
	now := d.Ledger.Now().UTC()
	refund.Asked++
	refund.AskAt = now.Add(min(firstAsk<<min(refund.Asked-1, 8), endless))
	if err := d.Ledger.Store.Put(ctx, refund.document(document)); err != nil {
		return ignoreStale(err) // somebody else pursues it
	}
	document.Version++
	state, answer := refunder.Refund(ctx, refund.payment())
	if state == payment.RefundDone && answer == nil {
		return d.end(ctx, refund.ID, RefundPaid)
	}
	var refused *payment.Refused
	if answer != nil && !errors.As(answer, &refused) {
		return answer // unknown: the next try is the same refund
	}
	state, err := refunder.QueryRefund(ctx, refund.payment())
	switch {
	case err != nil:
		return err
	case state == payment.RefundDone:
		return d.end(ctx, refund.ID, RefundPaid)
	case state == payment.RefundNone && refused != nil:
		refund.Refusals++
		refund.Answer = refused.Code
		if refund.Cause == CashRefund && refund.Refusals >= enoughRefusals {
			return d.end(ctx, refund.ID, RefundReleased)
		}
	default:
		refund.Refusals = 0
	}
	return ignoreStale(d.Ledger.Store.Put(ctx, refund.document(document)))
}

func ignoreStale(err error) error {
	if errors.Is(err, ledger.ErrStale) {
		return nil
	}
	return err
}

// end books what became of a refund, with its document, once.
func (d *Desk) end(ctx context.Context, id string, state RefundState) error {
	refund, document, err := ledger.Read[Refund](ctx, d.Ledger.Store, refundKey(id))
	if err != nil || refund.State != RefundPending {
		return err
	}
	if refund.Cause != CashRefund {
		refund.State, refund.EndedAt = state, d.Ledger.Now().UTC()
		return d.Ledger.Store.Put(ctx, refund.document(document))
	}
	_, err = d.Ledger.Do(ctx, refund.Account, ledger.Intent{
		Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) { return d.ending(ctx, id, state) },
	})
	return err
}

// ending is the end of a hold, and the documents that turn with it.
func (d *Desk) ending(ctx context.Context, id string, state RefundState) (wallet.Command, []ledger.Document, error) {
	refund, document, err := ledger.Read[Refund](ctx, d.Ledger.Store, refundKey(id))
	switch {
	case err != nil:
		return nil, nil, err
	case refund.State != RefundPending:
		return nil, nil, &ledger.DoneError{Key: wallet.RefundEndKey(id)}
	}
	entries, err := d.Ledger.Store.Entries(ctx, wallet.ReserveKey(id))
	if err != nil {
		return nil, nil, err
	}
	reserved := entries[wallet.ReserveKey(id)]
	refund.State, refund.EndedAt = state, d.Ledger.Now().UTC()
	if state == RefundPaid {
		command := wallet.Post{Refund: id, Reserved: reserved, Trade: refund.Trade}
		return command, []ledger.Document{refund.document(document)}, nil
	}
	order, orderDocument, err := ledger.Read[Order](ctx, d.Ledger.Store, Key(refund.Order))
	if err != nil {
		return nil, nil, err
	}
	order.Refunded -= refund.Minor
	command := wallet.Release{Refund: id, Reserved: reserved, Reason: refund.Answer}
	return command, []ledger.Document{refund.document(document), order.document(orderDocument)}, nil
}
