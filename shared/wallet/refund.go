package wallet

import (
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Cash that is sent back to who paid it leaves the wallet before anybody outside is asked: Reserve holds it, and either
// Post or Release ends the hold. Both ends bear the same key, so no wallet can ever have both of them. What is held is
// outside the head: the journal's postings to and from it sum up to it, and a hold that ended to zero.

// Reserve takes cash out of the wallet for a refund that an operator has ordered (README rule 4).
type Reserve struct {
	Refund string // the refund's id
	Amount money.Amount
	Reason string
	Actor  string
}

// Key is one per refund.
func (c Reserve) Key() Key { return ReserveKey(c.Refund) }

// ReserveKey is the key of the entry that holds a refund's cash.
func ReserveKey(refund string) Key { return Key("refund:" + refund) }

// Fingerprint covers all that was asked.
func (c Reserve) Fingerprint() Fingerprint {
	return fingerprint("refund", c.Refund, c.Amount.String(), string(c.Amount.Currency()), c.Reason)
}

func (c Reserve) decide(d *draft) error {
	if err := d.inflowOf(c.Amount); err != nil {
		return err
	}
	if c.Amount.Cmp(d.head.Cash) > 0 {
		return refusal.Short(c.Amount, d.head.Cash)
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reason, d.entry.Reference = RefundReserved, c.Actor, c.Reason, c.Refund
	d.move(in(InCash), in(AtRefund), c.Amount)
	return nil
}

// Post ends a hold for good: the provider has sent the money back.
type Post struct {
	Refund   string
	Reserved Entry  // the entry of Reserve: what it held is what left
	Trade    string // the provider's number of the payment that was sent back
}

// Key is that of both ends of a hold.
func (c Post) Key() Key { return RefundEndKey(c.Refund) }

// RefundEndKey is the key of the entry that ends a refund's hold, either way.
func RefundEndKey(refund string) Key { return Key("refund-end:" + refund) }

// Fingerprint says which end it is.
func (c Post) Fingerprint() Fingerprint { return fingerprint("refund-paid", c.Refund) }

func (c Post) decide(d *draft) error {
	held, err := d.held(c.Reserved, c.Refund)
	if err != nil {
		return err
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reason, d.entry.Reference = RefundPaid, "payment-poller", c.Reserved.Reason, c.Trade
	d.move(in(AtRefund), in(AtPayer), held)
	return nil
}

// Release ends a hold for nothing: the provider refused, and sent nothing back. The cash comes in again, arrears
// first (README rule 3): a bill may have come in the meantime.
type Release struct {
	Refund   string
	Reserved Entry  // the entry of Reserve: what it held comes back
	Reason   string // the provider's
}

// Key is that of both ends of a hold.
func (c Release) Key() Key { return RefundEndKey(c.Refund) }

// Fingerprint says which end it is.
func (c Release) Fingerprint() Fingerprint { return fingerprint("refund-released", c.Refund) }

func (c Release) decide(d *draft) error {
	held, err := d.held(c.Reserved, c.Refund)
	if err != nil {
		return err
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reason, d.entry.Reference = RefundReleased, "payment-poller", c.Reason, c.Refund
	d.inflow(in(AtRefund), held)
	return nil
}

// held is what a refund's first entry holds.
func (d *draft) held(reserved Entry, refund string) (money.Amount, error) {
	if reserved.Account != d.head.Account || reserved.Kind != RefundReserved || reserved.Key != ReserveKey(refund) {
		return money.Amount{}, refusal.Of(refusal.NotFound, "The account holds nothing for this refund.")
	}
	return reserved.Sum(AtRefund), nil
}
