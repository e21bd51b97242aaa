package payment

import "fmt"

// Proves decides whether a verified trade settles this very order: nil means that it may be credited with exactly the
// order's amount. boundRef is the provider's number of the trade that the order was credited with before, or empty.
//
// It refuses with ErrMismatch what is verified but doesn't fit. State is not its business: a Waiting trade that fits is
// not an error, and callers credit in state Paid only.
func (t Trade) Proves(order Order, boundRef string) error {
	switch {
	case t.OrderID != order.ID:
		return t.mismatch("order", "it names order %q, not %q", t.OrderID, order.ID)
	case t.Total.Currency() != order.Amount.Currency():
		return t.mismatch("currency", "it is in %s, the order in %s", t.Total.Currency(), order.Amount.Currency())
	case t.Total != order.Amount:
		return t.mismatch("amount", "it says %s, the order %s", t.Total, order.Amount)
	case t.Received != order.Amount:
		// A coupon of ours paid a part: less money reached us than the order asks for.
		return t.mismatch("received", "%s reached us, the order asks for %s", t.Received, order.Amount)
	case boundRef != "" && t.Ref != boundRef:
		// Two trades paid for one order: the first is credited, the second is to be sent back.
		return t.mismatch("trade", "the order was credited with trade %q, this is %q", boundRef, t.Ref)
	}
	return nil
}

func (t Trade) mismatch(reason, format string, args ...any) error {
	return &NoticeError{Class: ErrMismatch, Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
