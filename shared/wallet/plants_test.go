package wallet

import (
	"slices"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func shiftDayEnd(by time.Duration) func(*draft, Settle) Settle {
	return func(_ *draft, s Settle) Settle {
		s.DayEnd = s.DayEnd.Add(by)
		return s
	}
}

func expireAtExpiry(d *draft, c Command) error {
	if _, ok := c.(Expire); ok {
		hasty := *d.policy
		hasty.Grace = 0
		d.policy = &hasty
	}
	return c.decide(d)
}

func orderInGrace(d *draft, c Command) error {
	if _, ok := c.(Order); !ok {
		return c.decide(d)
	}
	now := d.now
	d.now = now.Add(-d.policy.Grace)
	defer func() { d.now = now }()
	return c.decide(d)
}

func skipArrears(d *draft, c Command) error {
	top, ok := c.(TopUp)
	if !ok {
		return c.decide(d)
	}
	if err := d.inflowOf(top.Amount); err != nil {
		return err
	}
	d.entry.Kind = ToppedUp
	d.move(in(AtPayer), in(InCash), top.Amount)
	return nil
}

func keepCash(d *draft, c Command) error {
	cash := d.head.Cash
	if _, ok := c.(Settle); ok {
		d.head.Cash = money.Zero(money.CNY)
		defer func() { d.head.Cash = cash }()
	}
	return c.decide(d)
}

func repayNothing(d *draft, c Command) error {
	arrears := d.head.Arrears
	if _, ok := c.(Allocate); ok {
		d.head.Arrears = money.Zero(money.CNY)
		defer func() { d.head.Arrears = arrears }()
	}
	return c.decide(d)
}

func voucherRepays(d *draft, c Command) {
	if a, ok := c.(Activate); ok {
		d.move(inLot(d.entry.Lots[0].ID), in(InArrears), money.Min(a.Face, d.head.Arrears))
	}
}

func forgiveTwice(d *draft, c Command) {
	if _, ok := c.(Reverse); ok {
		for _, p := range slices.Clone(d.entry.Postings) {
			if p.To.Kind == InArrears {
				d.move(p.From, p.To, p.Amount)
			}
		}
	}
}

// cardsFirst lets every kind pay in the place of another, and names them rightly again.
func cardsFirst(d *draft, c Command) error {
	if _, ok := c.(Settle); !ok {
		return c.decide(d)
	}
	swap := func(k LotKind) LotKind { return [...]LotKind{Card, Discount, Regular}[k] }
	for i, lot := range d.head.Lots {
		d.head.Lots[i].Kind = swap(lot.Kind)
	}
	err := c.decide(d)
	for i, lot := range d.head.Lots {
		d.head.Lots[i].Kind = swap(lot.Kind)
	}
	if err == nil {
		for _, class := range d.entry.Settlement.Classes {
			for i, draw := range class.Draws {
				class.Draws[i].Kind = swap(draw.Kind)
			}
		}
	}
	return err
}

// laterLotPays lets the lot after the one that paid first pay instead, where it has as much.
func laterLotPays(d *draft, c Command) {
	if d.entry.Settlement == nil || len(d.entry.Postings) == 0 || d.entry.Postings[0].From.Kind != InLot {
		return
	}
	first := &d.entry.Postings[0]
	from := d.head.lotIndex(first.From.Lot)
	for i := from + 1; i < len(d.head.Lots); i++ {
		if later := &d.head.Lots[i]; later.Kind == d.head.Lots[from].Kind && later.Remaining.Cmp(first.Amount) >= 0 {
			d.head.Lots[from].Remaining = d.head.Lots[from].Remaining.Add(first.Amount)
			later.Remaining = later.Remaining.Sub(first.Amount)
			first.From = inLot(later.ID)
			return
		}
	}
}

func reverseClasses(d *draft) {
	if d.entry.Settlement != nil {
		slices.Reverse(d.entry.Settlement.Classes)
	}
}

func keepListing(d *draft, c Command) {
	if s, ok := c.(Settle); ok {
		copy(d.entry.Settlement.Lines, s.Bill.Lines)
	}
}

func ignoreLeastBill(d *draft, c Command) error {
	if _, ok := c.(Settle); ok {
		for i := range d.head.Lots {
			least := d.head.Lots[i].MinBill
			d.head.Lots[i].MinBill = money.Zero(money.CNY)
			defer func() { d.head.Lots[i].MinBill = least }()
		}
	}
	return c.decide(d)
}

func payTwice(d *draft, c Command) {
	fen := money.Of(money.CNY, 1)
	if d.entry.Settlement != nil && d.head.Cash.IsPositive() {
		d.move(in(InCash), in(AtUsage), fen)
	}
}

// roundDown shifts what is carried by half a cent while it settles, which makes half up of it down.
func roundDown(d *draft, c Command) error {
	s, ok := c.(Settle)
	if !ok {
		return c.decide(d)
	}
	half, _ := money.ParseExact("", "0.005", money.CNY)
	for i := range Classes {
		d.head.Carried[i] = d.head.Carried[i].Sub(half)
	}
	err := s.decide(d)
	for i := range Classes {
		d.head.Carried[i] = d.head.Carried[i].Add(half)
	}
	if err == nil {
		for i := range d.entry.Settlement.Classes {
			class := &d.entry.Settlement.Classes[i]
			class.CarriedBefore, class.CarriedAfter = class.CarriedBefore.Add(half), class.CarriedAfter.Add(half)
		}
	}
	return err
}

func loseAFen(d *draft, _ Command) {
	if s := d.entry.Settlement; s != nil && len(s.Classes) > 0 {
		fen := money.Of(money.CNY, 1).Exact()
		class := &s.Classes[0]
		class.CarriedAfter = class.CarriedAfter.Sub(fen)
		d.head.Carried[class.Class] = class.CarriedAfter
	}
}

func dropCarried(d *draft, _ Command) {
	if s := d.entry.Settlement; s != nil {
		for _, class := range s.Classes {
			d.head.Carried[class.Class] = money.ZeroExact(money.CNY)
		}
	}
}

func settleAbsentClass(d *draft, _ Command) {
	if s := d.entry.Settlement; s != nil && len(s.Classes) == 1 {
		d.head.Carried[1-s.Classes[0].Class] = money.ZeroExact(money.CNY)
	}
}

func reversalKeepsCarried(d *draft, _ Command) {
	if r := d.entry.Reversal; r != nil {
		for _, class := range r.Classes {
			d.head.Carried[class.Class] = d.head.Carried[class.Class].Add(class.Exact).Sub(class.Payable.Exact())
		}
	}
}

func overdraw(d *draft, c Command) error {
	a, ok := c.(Adjust)
	if err := c.decide(d); !ok || !refusal.Is(err, refusal.Insufficient) {
		return err
	}
	d.entry.Kind = Adjusted
	short := a.Amount.Sub(d.head.Cash)
	d.move(in(InCash), in(AtCompany), d.head.Cash)
	d.move(in(InArrears), in(AtCompany), short)
	return nil
}

func keepACent(d *draft, c Command) error {
	a, ok := c.(Adjust)
	if ok && a.Debit && a.Amount == d.head.Cash {
		return refusal.Short(a.Amount, d.head.Cash)
	}
	return c.decide(d)
}

// giveBackTwice repeats the last slice of a reversal that went to a lot.
func giveBackTwice(d *draft, _ Command) {
	if d.entry.Kind != Reversed {
		return
	}
	for _, p := range slices.Backward(d.entry.Postings) {
		if p.To.Kind == InLot {
			d.move(p.From, p.To, p.Amount)
			return
		}
	}
}

func forgetPosting(d *draft, _ Command) {
	if n := len(d.entry.Postings); n > 0 {
		d.entry.Postings = d.entry.Postings[:n-1]
	}
}

func forgetDraw(d *draft, _ Command) {
	if s := d.entry.Settlement; s != nil && len(s.Classes) > 0 && len(s.Classes[0].Draws) > 0 {
		s.Classes[0].Draws = s.Classes[0].Draws[1:]
	}
}

func spoilOnRefusal(h Head, c Command, p Policy, now time.Time) (Change, error) {
	change, err := Decide(h, c, p, now)
	if err != nil && len(h.Lots) > 0 {
		h.Lots[0].Remaining = h.Lots[0].Face.Add(money.Of(money.CNY, 1))
	}
	return change, err
}

func spoilAlways(h Head, c Command, p Policy, now time.Time) (Change, error) {
	change, err := Decide(h, c, p, now)
	if err == nil && c != nil && len(h.Lots) > 0 && len(change.Head.Lots) > 0 {
		h.Lots[0] = change.Head.Lots[0]
	}
	return change, err
}

// forgetful writes who asked last into the entry.
func forgetful() decider {
	calls := 0
	return func(h Head, c Command, p Policy, now time.Time) (Change, error) {
		calls++
		change, err := Decide(h, c, p, now)
		if err == nil && calls%2 == 0 {
			change.Entry.Actor += "."
			change.Head.Last = change.Entry.Hash()
		}
		return change, err
	}
}
