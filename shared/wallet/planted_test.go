package wallet

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// bug is a command that is decided wrongly. It decides inside of Decide, so that entry, balances and hashes agree with
// what it did: only a check of the rule itself can find it.
type bug struct {
	Command
	wrong func(d *draft, c Command) error
}

func (b bug) decide(d *draft) error { return b.wrong(d, b.Command) }

// inside plants a bug into Decide.
func inside(wrong func(d *draft, c Command) error) decider {
	return func(h Head, c Command, p Policy, now time.Time) (Change, error) {
		if _, opens := c.(Open); opens {
			return Decide(h, c, p, now)
		}
		return Decide(h, bug{c, wrong}, p, now)
	}
}

// misreading plants another policy than the one that is in force.
func misreading(change func(p *Policy)) decider {
	return func(h Head, c Command, p Policy, now time.Time) (Change, error) {
		change(&p)
		return Decide(h, c, p, now)
	}
}

// after plants what happens to a draft once a command has been decided rightly.
func after(wrong func(d *draft, c Command)) decider {
	return inside(func(d *draft, c Command) error {
		err := c.decide(d)
		if err == nil {
			wrong(d, c)
		}
		return err
	})
}

// settling plants a change of the bill before it is settled.
func settling(change func(d *draft, s Settle) Settle) decider {
	return inside(func(d *draft, c Command) error {
		if s, ok := c.(Settle); ok {
			return change(d, s).decide(d)
		}
		return c.decide(d)
	})
}

// TestPlantedBugsAreFound proves the checks of TestRandomSequences: each bug must be found, by the check that its name
// says, within a fixed number of sequences.
func TestPlantedBugsAreFound(t *testing.T) {
	for name, planted := range plantedBugs {
		bug, finder, _ := strings.Cut(name, " | ")
		t.Run(bug+" is found by "+finder, func(t *testing.T) {
			if why := find(planted, finder); why != "" {
				t.Log(why)
				return
			}
			t.Error("not found")
		})
	}
}

// find runs sequences until one violates what the finder checks.
func find(planted decider, finder string) string {
	sequence := rapid.Custom(func(t *rapid.T) findings { return newWorld(t, planted).run() })
	for seed := range 3000 {
		for _, finding := range sequence.Example(seed) {
			if strings.HasPrefix(finding, finder+": ") {
				return finding
			}
		}
	}
	return ""
}

func TestNoBugIsFoundWhereNoneIs(t *testing.T) {
	sequence := rapid.Custom(func(t *rapid.T) findings {
		return newWorld(t, inside(func(d *draft, c Command) error { return c.decide(d) })).run()
	})
	for seed := range 300 {
		if found := sequence.Example(seed); len(found) > 0 {
			t.Fatalf("seed %d: %v", seed, found)
		}
	}
}

// plantedBugs are named "bug | check that finds it".
var plantedBugs = map[string]decider{
	// Time (rules 19, 23, 24).
	"the grace is ignored | oracle":                        misreading(func(p *Policy) { p.Grace = 0 }),
	"the grace is a millisecond too long | oracle":         misreading(func(p *Policy) { p.Grace += time.Millisecond }),
	"the grace is a millisecond too long | spent in time":  misreading(func(p *Policy) { p.Grace += time.Millisecond }),
	"the grace is a millisecond too short | oracle":        misreading(func(p *Policy) { p.Grace -= time.Millisecond }),
	"breakage is booked at the expiry | spent in time":     inside(expireAtExpiry),
	"the day's end is a millisecond late | oracle":         settling(shiftDayEnd(time.Millisecond)),
	"the day's end is a millisecond early | spent in time": settling(shiftDayEnd(-time.Millisecond)),
	"an order takes the grace | spent in time":             inside(orderInGrace),
	"time runs back | time":                                after(func(d *draft, _ Command) { d.entry.Time = d.entry.Time.Add(-time.Second) }),
	"what a reversal restores doesn't lapse | oracle":      misreading(func(p *Policy) { p.LapseRestored = false }),

	// Cash and arrears (rules 3, 12, 17).
	"an inflow skips arrears | panic":                 inside(skipArrears),
	"cash is kept while a bill is owed | panic":       inside(keepCash),
	"an allocated card repays nothing | oracle":       inside(repayNothing),
	"a voucher repays arrears | postings":             after(voucherRepays),
	"a reversal's arrears are forgiven twice | panic": after(forgiveTwice),

	// The burn-down (rules 15, 16, 20).
	"vouchers pay restricted lines | oracle":                misreading(func(p *Policy) { p.Restricted = nil }),
	"cards pay before vouchers | oracle":                    inside(cardsFirst),
	"a later lot pays first | oracle":                       after(laterLotPays),
	"restricted lines are settled first | explained":        after(func(d *draft, c Command) { reverseClasses(d) }),
	"the order of lines is kept as listed | permuted lists": after(keepListing),
	"under cloud, cash pays | oracle":                       settling(func(_ *draft, s Settle) Settle { s.Method = BillingCenter; return s }),
	"a least bill is ignored | oracle":                      inside(ignoreLeastBill),
	"a cent is paid twice | explained":                      after(payTwice),

	// Exact costs (rules M2, 21).
	"rounds down instead of half up | oracle":              inside(roundDown),
	"a fen is lost in rounding | decimals":                 after(loseAFen),
	"what is carried is dropped | replay":                  after(dropCarried),
	"a class without lines loses what it carries | replay": after(settleAbsentClass),
	"a reversal leaves what is carried | replay":           after(reversalKeepsCarried),
	"credits have no floor | oracle":                       misreading(func(p *Policy) { p.CreditFloor = 1 << 50 }),

	// Grants (rules 6, 8, 10).
	"gifts are added up | oracle":               misreading(func(p *Policy) { p.Gifts = []Gift{{10_000, 1_000}, {30_000, 6_000}, {100_000, 26_000}} }),
	"a gift needs more than its tier | oracle":  misreading(func(p *Policy) { p.Gifts = []Gift{{10_001, 1_000}, {30_001, 5_000}, {100_001, 20_000}} }),
	"a card of any value is sold | oracle":      misreading(func(p *Policy) { p.CardStep = 1 }),
	"one lot too many is held | oracle":         misreading(func(p *Policy) { p.MaxLots++ }),
	"a debit overdraws | oracle":                inside(overdraw),
	"the last cent can't be spent | oracle":     inside(keepACent),
	"a reversal gives back twice | lots' lives": after(giveBackTwice),
	"a reversal gives back twice | panic":       after(giveBackTwice),

	// Records.
	"a number is skipped | chain":                           after(func(d *draft, _ Command) { d.entry.Number++ }),
	"the chain is cut | chain":                              after(func(d *draft, _ Command) { d.entry.Previous = Hash{} }),
	"a posting isn't written | postings":                    after(forgetPosting),
	"a posting isn't written | replay":                      after(forgetPosting),
	"the explanation forgets a fund | explained":            after(forgetDraw),
	"a refusal changes the head | untouched":                spoilOnRefusal,
	"the head that was given is used | untouched":           spoilAlways,
	"an answer depends on more than what was asked | again": forgetful(),
}

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
