package wallet

import "fmt"

// Replay applies an entry to the head before it, as Decide did when the entry was made. Applied to every entry of
// an account from an empty head it rebuilds the head byte for byte; an error tells where the journal breaks.
func Replay(head Head, entry Entry) (Head, error) {
	switch {
	case entry.Number != head.Version+1:
		return Head{}, fmt.Errorf("entry %s has number %d, expected %d", entry.Key, entry.Number, head.Version+1)
	case entry.Previous != head.Last:
		return Head{}, fmt.Errorf("entry %d (%s) doesn't continue the chain", entry.Number, entry.Key)
	case entry.Time.Before(head.Time):
		return Head{}, fmt.Errorf("entry %d (%s) is older than the one before it", entry.Number, entry.Key)
	}
	next := head.clone()
	if entry.Opening != nil {
		next = emptyHead(entry.Account, entry.Opening.Currency, entry.Opening.Zone)
	}
	for _, lot := range entry.Lots {
		next.put(lot)
	}
	for _, p := range entry.Postings {
		if err := next.apply(p); err != nil {
			return Head{}, fmt.Errorf("entry %d (%s): %w", entry.Number, entry.Key, err)
		}
	}
	next.carry(entry)
	next.dropEmpty()
	if got := next.Balances(); !got.equal(entry.Balances) {
		return Head{}, fmt.Errorf("entry %d (%s) leaves %v, but tells %v", entry.Number, entry.Key, got, entry.Balances)
	}
	next.Version, next.Time, next.Last = entry.Number, entry.Time, entry.Hash()
	return next, nil
}

// carry applies what an entry did to the carried costs.
func (h *Head) carry(entry Entry) {
	if entry.Settlement != nil {
		for _, c := range entry.Settlement.Classes {
			h.Carried[c.Class] = h.Carried[c.Class].Add(c.Exact).Sub(c.Payable.Exact())
		}
	}
	if entry.Reversal != nil {
		for _, c := range entry.Reversal.Classes {
			h.Carried[c.Class] = h.Carried[c.Class].Sub(c.Exact).Add(c.Payable.Exact())
		}
	}
}

func (b Balances) equal(o Balances) bool {
	return b.Cash == o.Cash && b.Arrears == o.Arrears && b.Regular == o.Regular && b.Discount == o.Discount && b.Card == o.Card &&
		b.Carried[General].Cmp(o.Carried[General]) == 0 && b.Carried[Restricted].Cmp(o.Carried[Restricted]) == 0
}
