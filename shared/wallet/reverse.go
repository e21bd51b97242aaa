package wallet

import (
	"fmt"
	"slices"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Reverse undoes a settled bill, once (README rule 21): the very slices go back to where they came from, latest first.
type Reverse struct {
	Settled Entry         // the entry that settled the bill
	Granted map[LotID]Lot // terms of the lots it drew on that the head has dropped
	Once    string        // the client's idempotency key
	Reason  string
	Actor   string
}

// Key is one per bill.
func (c Reverse) Key() Key { return ReverseKey(c.bill()) }

// bill is empty for an entry that settled none, which decide refuses.
func (c Reverse) bill() BillID {
	if c.Settled.Settlement == nil {
		return ""
	}
	return c.Settled.Settlement.Bill
}

// ReverseKey is the key of the entry that reverses a bill.
func ReverseKey(bill BillID) Key { return Key("reverse:" + bill) }

// Fingerprint covers all that was asked, the client's key too: a second wish to reverse is another wish.
func (c Reverse) Fingerprint() Fingerprint {
	return fingerprint("reverse", string(c.bill()), c.Once, c.Reason)
}

// Reversal is what an entry tells about a reversed bill.
type Reversal struct {
	Bill    BillID
	Classes []ClassReversal
}

// ClassReversal is what left with the bill: its exact cost and its payable, together.
type ClassReversal struct {
	Class        Class
	Exact        money.Exact
	Payable      money.Amount
	CarriedAfter money.Exact // carried before - (Exact - Payable)
}

// Dropped names the lots that a settlement drew on and that the head no longer holds: Reverse needs their terms.
func (h *Head) Dropped(settled Entry) []LotID {
	var dropped []LotID
	for _, p := range settled.Postings {
		if p.From.Kind == InLot && h.lotIndex(p.From.Lot) < 0 && !slices.Contains(dropped, p.From.Lot) {
			dropped = append(dropped, p.From.Lot)
		}
	}
	return dropped
}

func (c Reverse) decide(d *draft) error {
	s := c.Settled.Settlement
	if c.Settled.Account != d.head.Account || s == nil {
		return refusal.Of(refusal.NotFound, "The account has no such bill.")
	}
	for _, id := range d.head.Dropped(c.Settled) {
		if _, known := c.Granted[id]; !known {
			return fmt.Errorf("reverse %s: the terms of lot %s are missing", s.Bill, id)
		}
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reason, d.entry.Reference = Reversed, c.Actor, c.Reason, string(s.Bill)
	reversal := &Reversal{Bill: s.Bill}
	for _, class := range s.Classes {
		after := d.head.Carried[class.Class].Sub(class.Exact.Sub(class.Payable.Exact()))
		d.head.Carried[class.Class] = after
		reversal.Classes = append(reversal.Classes, ClassReversal{class.Class, class.Exact, class.Payable, after})
	}
	d.entry.Reversal = reversal
	for _, slice := range slices.Backward(c.Settled.Postings) {
		c.giveBack(d, slice)
	}
	return nil
}

// giveBack returns one slice. Cash and arrears are both an inflow of cash: it lowers arrears first.
func (c Reverse) giveBack(d *draft, slice Posting) {
	switch slice.From.Kind {
	case InLot:
		c.restore(d, slice.From.Lot, slice.Amount)
	case InCash, InArrears:
		d.inflow(in(AtUsage), slice.Amount)
	default:
		d.move(in(AtUsage), slice.From, slice.Amount)
	}
}

// restore puts a slice back into its lot. What has expired meanwhile lapses at once, with its own posting, so it
// can be seen where the money went.
func (c Reverse) restore(d *draft, id LotID, amount money.Amount) {
	lot, held := d.head.Lot(id)
	if !held {
		lot = c.Granted[id]
		d.bring(lot)
	}
	d.move(in(AtUsage), inLot(id), amount)
	if lot.LapsedAt(d.now, d.policy.Grace) || d.policy.LapseRestored && !lot.UsableAt(d.now) {
		d.move(inLot(id), in(AtBreakage), amount)
	}
}
