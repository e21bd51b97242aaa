package wallet

import "billingcentre/shared/refusal"

// Expire books what is left of a lot as breakage, once its grace is over (README rule 24). It makes nothing
// unspendable: Lot.UsableAt and Lot.PaysFor did that at the very instant.
type Expire struct {
	Lot LotID
}

// Key is one per lot.
func (c Expire) Key() Key { return ExpireKey(c.Lot) }

// ExpireKey is the key of the entry that books a lot's breakage.
func ExpireKey(lot LotID) Key { return Key("expire:" + lot.String()) }

// Fingerprint covers the lot: there is nothing else to ask.
func (c Expire) Fingerprint() Fingerprint { return fingerprint("expire", c.Lot.String()) }

func (c Expire) decide(d *draft) error {
	lot, held := d.head.Lot(c.Lot)
	switch {
	case !held:
		return refusal.Of(refusal.NotFound, "The account holds no lot %s.", c.Lot)
	case !lot.LapsedAt(d.now, d.policy.Grace):
		return refusal.Of(refusal.TooEarly, "Lot %s may still pay for its last valid day.", c.Lot)
	}
	d.entry.Kind, d.entry.Actor, d.entry.Reference = Lapsed, "expiry", c.Lot.String()
	d.move(inLot(c.Lot), in(AtBreakage), lot.Remaining)
	return nil
}
