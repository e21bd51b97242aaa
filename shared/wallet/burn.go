package wallet

import (
	"slices"

	"billingcentre/shared/money"
)

// burnDown pays one class's payable from the funds in their fixed order and posts what each gave (README rules 15,
// 16): regular vouchers, discount vouchers, cards, and then cash and arrears, or the cloud account. What is told
// about every fund is README rule 22.
func (c Settle) burnDown(d *draft, class Class, payable money.Amount) []Draw {
	lots := slices.Clone(d.head.Lots)
	slices.SortFunc(lots, burnOrder) // they are in order already; the result must not depend on it
	draws := make([]Draw, 0, len(lots)+2)
	left := payable
	for _, lot := range lots {
		draw := Draw{From: inLot(lot.ID), Kind: lot.Kind, Paid: money.Zero(d.head.Currency)}
		draw.Skip = c.skip(d, lot, class, payable, left)
		if draw.Skip == NotSkipped {
			draw.Paid = money.Min(left, lot.Remaining)
			left = left.Sub(draw.Paid)
			d.move(draw.From, in(AtUsage), draw.Paid)
		}
		draws = append(draws, draw)
	}
	return append(draws, c.rest(d, left)...)
}

// skip tells why a lot gives nothing to a class, of whose payable so much is left. The order of the cases is the
// order of the reasons: the first that holds is told.
func (c Settle) skip(d *draft, lot Lot, class Class, payable, left money.Amount) Skip {
	switch {
	case class == Restricted && lot.Kind.IsVoucher():
		return SkipClass
	case lot.ExpiresAt.Before(c.DayEnd):
		return SkipBeforeDay
	case !lot.PaysFor(c.DayEnd, d.now, d.policy.Grace):
		return SkipAfterGrace
	case lot.Kind == Discount && payable.Cmp(lot.MinBill) < 0:
		return SkipMinBill
	case lot.Remaining.IsZero(): // the class before this one used it up
		return SkipEmpty
	case left.IsZero():
		return SkipPaid
	}
	return NotSkipped
}

// rest is paid by cash and then owed, or charged to the cloud account (README rules 15, 17, 20).
func (c Settle) rest(d *draft, left money.Amount) []Draw {
	zero := money.Zero(d.head.Currency)
	if c.Method == Cloud {
		draws := []Draw{{From: in(InCash), Paid: zero, Skip: SkipMethod}}
		if left.IsPositive() {
			d.move(in(AtCloud), in(AtUsage), left)
			draws = append(draws, Draw{From: in(AtCloud), Paid: left})
		}
		return draws
	}
	cash := Draw{From: in(InCash), Paid: money.Min(left, d.head.Cash)}
	switch {
	case left.IsZero():
		cash.Skip = SkipPaid
	case d.head.Cash.IsZero():
		cash.Skip = SkipEmpty
	}
	d.move(cash.From, in(AtUsage), cash.Paid)
	draws := []Draw{cash}
	if owed := left.Sub(cash.Paid); owed.IsPositive() {
		d.move(in(InArrears), in(AtUsage), owed)
		draws = append(draws, Draw{From: in(InArrears), Paid: owed})
	}
	return draws
}
