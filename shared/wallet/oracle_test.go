package wallet

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// forecast is what the rules say must come of a command, worked out a second time and in another way: with rationals and big
// integers, one fund at a time, without drafts, postings or lots in order.
type forecast struct {
	cash, arrears *big.Int
	carried       [2]*big.Rat
	left          map[LotID]*big.Int // lots with something left
	refusals      []refusal.Kind     // every reason to refuse; none: it happens
}

func (f *forecast) refuse(when bool, kind refusal.Kind) {
	if when {
		f.refusals = append(f.refusals, kind)
	}
}

func foresee(h Head, command Command, p Policy, now time.Time) *forecast {
	if now = now.UTC().Truncate(time.Millisecond); now.Before(h.Time) {
		now = h.Time
	}
	f := &forecast{cash: big.NewInt(h.Cash.Minor()), arrears: big.NewInt(h.Arrears.Minor()), left: map[LotID]*big.Int{}}
	for _, class := range Classes {
		f.carried[class] = rational(h.Carried[class])
	}
	for _, lot := range h.Lots {
		f.left[lot.ID] = big.NewInt(lot.Remaining.Minor())
	}
	switch c := command.(type) {
	case TopUp:
		f.bounded(h, p, c.Amount)
		f.inflow(c.Amount.Minor())
	case Adjust:
		f.bounded(h, p, c.Amount)
		if c.Debit {
			f.refuse(big.NewInt(c.Amount.Minor()).Cmp(f.cash) > 0, refusal.Insufficient)
			f.cash.Sub(f.cash, big.NewInt(c.Amount.Minor()))
		} else {
			f.inflow(c.Amount.Minor())
		}
	case Activate:
		f.refuse(c.Kind == Regular && c.MinBill.IsPositive(), refusal.Invalid)
		f.grant(h, p, c.Face, 1, expires(c.ExpiresAt, c.ValidDays, p.VoucherMonths, now), now)
		f.left[lotID(c.Key(), 0)] = big.NewInt(c.Face.Minor())
	case Allocate:
		f.refuse(c.Face.Minor() <= 0 || c.Face.Minor()%(p.CardStep*100) != 0, refusal.Invalid)
		f.grant(h, p, c.Face, 1, expires(c.ExpiresAt, c.ValidDays, p.CardMonths, now), now)
		repaid := minInt(big.NewInt(c.Face.Minor()), f.arrears)
		f.arrears.Sub(f.arrears, repaid)
		f.left[lotID(c.Key(), 0)] = new(big.Int).Sub(big.NewInt(c.Face.Minor()), repaid)
	case Purchase:
		f.purchase(h, p, c, now)
	case Order:
		f.order(h, p, c, now)
	case Settle:
		f.settle(h, p, c, now)
	case Reverse:
		f.reverse(h, p, c, now)
	case Expire:
		lot, held := h.Lot(c.Lot)
		f.refuse(!held, refusal.NotFound)
		f.refuse(held && now.Sub(lot.ExpiresAt) < p.Grace, refusal.TooEarly)
		delete(f.left, c.Lot)
	}
	f.bound(h, command)
	return f
}

func (f *forecast) bounded(h Head, p Policy, a money.Amount) {
	f.refuse(a.Currency() != h.Currency, refusal.NotApplicable)
	f.refuse(a.Minor() <= 0 || a.Minor() > p.MaxTopUp*100, refusal.Invalid)
}

func (f *forecast) inflow(minor int64) {
	f.cash.Add(f.cash, big.NewInt(minor))
	f.net()
}

// net lets cash and arrears meet: what comes in repays first.
func (f *forecast) net() {
	repaid := minInt(f.cash, f.arrears)
	f.cash.Sub(f.cash, repaid)
	f.arrears.Sub(f.arrears, repaid)
}

func (f *forecast) grant(h Head, p Policy, face money.Amount, lots int, expires, now time.Time) {
	f.refuse(face.Currency() != h.Currency, refusal.NotApplicable)
	f.refuse(face.Minor() <= 0 || !expires.After(now) || expires.Year() >= 2200, refusal.Invalid)
	f.refuse(len(h.Lots)+lots > p.MaxLots, refusal.Conflict)
}

func expires(at time.Time, days, months int, now time.Time) time.Time {
	if !at.IsZero() {
		return at.Truncate(time.Millisecond)
	}
	if days != 0 {
		return now.Add(time.Duration(days) * 24 * time.Hour)
	}
	later := now.AddDate(0, months, 0)
	for later.Day() != now.Day() && later.Day() < 4 { // overflowed into the next month
		later = later.Add(-24 * time.Hour)
	}
	return later
}

func (f *forecast) purchase(h Head, p Policy, c Purchase, now time.Time) {
	gift, lots := int64(0), 1
	for _, tier := range p.Gifts { // the default table rises, and so do its gifts
		if c.Face.Minor() >= tier.From*100 {
			gift, lots = max(gift, tier.Gift), 2
		}
	}
	f.refuse(c.Face.Minor() <= 0 || c.Face.Minor()%(p.CardStep*100) != 0, refusal.Invalid)
	f.grant(h, p, c.Face, lots, now.AddDate(1, 0, 0), now)
	f.refuse(big.NewInt(c.Face.Minor()).Cmp(f.cash) > 0, refusal.Insufficient)
	f.cash.Sub(f.cash, big.NewInt(c.Face.Minor()))
	f.left[lotID(c.Key(), 0)] = big.NewInt(c.Face.Minor())
	if gift > 0 {
		f.left[lotID(c.Key(), 1)] = big.NewInt(gift * 100)
	}
}

func (f *forecast) order(h Head, p Policy, c Order, now time.Time) {
	f.bounded(h, p, c.Amount)
	due := big.NewInt(c.Amount.Minor())
	var picked []Lot
	for i, id := range c.Cards {
		lot, held := h.Lot(id)
		f.refuse(!held || lot.Kind != Card, refusal.NotFound)
		f.refuse(slices.Contains(c.Cards[:i], id), refusal.Invalid)
		f.refuse(held && lot.Kind == Card && !now.Before(lot.ExpiresAt), refusal.Expired)
		picked = append(picked, lot)
	}
	if len(f.refusals) > 0 {
		return
	}
	f.draw(due, picked)
	f.refuse(due.Cmp(f.cash) > 0, refusal.Insufficient)
	f.cash.Sub(f.cash, due)
}

func (f *forecast) settle(h Head, p Policy, c Settle, now time.Time) {
	f.refuse(c.Bill.Currency != h.Currency, refusal.NotApplicable)
	f.refuse(now.Before(c.DayEnd), refusal.TooEarly)
	f.refuse(p.MaxBillAge > 0 && now.Sub(c.DayEnd) > p.MaxBillAge, refusal.NotApplicable)
	for _, class := range Classes {
		sum, lines := new(big.Rat), 0
		for _, l := range c.Bill.Lines {
			if slices.Contains(p.Restricted, l.Product) == (class == Restricted) {
				sum.Add(sum, rational(l.Amount))
				lines++
			}
		}
		if lines == 0 {
			continue
		}
		f.refuse(sum.Cmp(big.NewRat(-p.CreditFloor, 1)) < 0, refusal.NotApplicable)
		f.carried[class].Add(f.carried[class], sum)
		payable := halfUp(f.carried[class])
		f.refuse(f.carried[class].Cmp(big.NewRat(money.Limit, 100)) > 0, refusal.NotApplicable)
		f.carried[class].Sub(f.carried[class], new(big.Rat).SetFrac(payable, big.NewInt(100)))
		f.burn(h, p, c, class, payable, now)
	}
}

// burn pays a class from the funds that may pay for it, and then from cash and credit, or the cloud.
func (f *forecast) burn(h Head, p Policy, c Settle, class Class, payable *big.Int, now time.Time) {
	var funds []Lot
	for _, lot := range h.Lots {
		vouches := class == General || lot.Kind == Card
		lived := lot.ExpiresAt.Sub(c.DayEnd) >= 0
		found := now.Sub(lot.ExpiresAt) < p.Grace
		enough := lot.Kind != Discount || payable.Cmp(big.NewInt(lot.MinBill.Minor())) >= 0
		if vouches && lived && found && enough {
			funds = append(funds, lot)
		}
	}
	due := new(big.Int).Set(payable)
	f.draw(due, funds)
	if c.Method == BillingCenter {
		f.arrears.Add(f.arrears, due)
		f.net()
	}
}

// draw takes from due what the funds have: again and again from the one that comes first of those with something left.
func (f *forecast) draw(due *big.Int, funds []Lot) {
	for due.Sign() > 0 {
		best := -1
		for i, lot := range funds {
			if left := f.left[lot.ID]; left != nil && left.Sign() > 0 && (best < 0 || earlier(lot, funds[best])) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		part := minInt(due, f.left[funds[best].ID])
		due.Sub(due, part)
		f.left[funds[best].ID].Sub(f.left[funds[best].ID], part)
	}
}

func earlier(a, b Lot) bool {
	text := func(l Lot) string {
		return fmt.Sprintf("%d %020d %020d %x", l.Kind, l.ExpiresAt.UnixMilli(), l.GrantedAt.UnixMilli(), l.ID)
	}
	return text(a) < text(b)
}

func (f *forecast) reverse(h Head, p Policy, c Reverse, now time.Time) {
	for _, class := range c.Settled.Settlement.Classes {
		left := new(big.Rat).Sub(rational(class.Exact), big.NewRat(class.Payable.Minor(), 100))
		f.carried[class.Class].Sub(f.carried[class.Class], left)
	}
	for _, slice := range c.Settled.Postings {
		switch amount := big.NewInt(slice.Amount.Minor()); slice.From.Kind {
		case InCash, InArrears:
			f.cash.Add(f.cash, amount)
		case InLot:
			lot, held := h.Lot(slice.From.Lot)
			if !held {
				lot = c.Granted[slice.From.Lot]
			}
			gone := lot.ExpiresAt
			if !p.LapseRestored {
				gone = gone.Add(p.Grace)
			}
			if now.Before(gone) {
				if f.left[lot.ID] == nil {
					f.left[lot.ID] = new(big.Int)
				}
				f.left[lot.ID].Add(f.left[lot.ID], amount)
			}
		}
	}
	f.net()
}

// bound is the wallet's limit, and forgets lots that are used up.
func (f *forecast) bound(h Head, command Command) {
	limit := big.NewInt(money.Limit)
	sums := map[LotKind]*big.Int{Regular: new(big.Int), Discount: new(big.Int), Card: new(big.Int)}
	for id, left := range f.left {
		kind := Card
		if lot, held := h.Lot(id); held {
			kind = lot.Kind
		} else if c, ok := command.(Activate); ok {
			kind = c.Kind
		} else if c, ok := command.(Reverse); ok {
			kind = c.Granted[id].Kind
		} else if c, ok := command.(Purchase); ok && id == lotID(c.Key(), 1) {
			kind = Discount
		}
		if sum := sums[kind]; sum != nil {
			sum.Add(sum, left)
		}
		if left.Sign() == 0 {
			delete(f.left, id)
		}
	}
	for _, sum := range []*big.Int{f.cash, f.arrears, sums[Regular], sums[Discount], sums[Card]} {
		f.refuse(sum.Cmp(limit) > 0, refusal.Conflict)
	}
}

// differs tells where a head isn't what was foreseen.
func (f *forecast) differs(h Head) []string {
	var wrong []string
	if len(f.refusals) > 0 {
		return []string{fmt.Sprintf("it happened, foreseen was a refusal, one of %v", f.refusals)}
	}
	if f.cash.Cmp(big.NewInt(h.Cash.Minor())) != 0 || f.arrears.Cmp(big.NewInt(h.Arrears.Minor())) != 0 {
		wrong = append(wrong, fmt.Sprintf("cash %s and arrears %s, foreseen %s and %s minor units", h.Cash, h.Arrears, f.cash, f.arrears))
	}
	for _, class := range Classes {
		if f.carried[class].Cmp(rational(h.Carried[class])) != 0 {
			wrong = append(wrong, fmt.Sprintf("%s carries %s, foreseen %s", class, h.Carried[class], f.carried[class].FloatString(18)))
		}
	}
	if len(f.left) != len(h.Lots) {
		wrong = append(wrong, fmt.Sprintf("%d lots are held, foreseen %d", len(h.Lots), len(f.left)))
	}
	for _, lot := range h.Lots {
		if left := f.left[lot.ID]; left == nil || left.Cmp(big.NewInt(lot.Remaining.Minor())) != 0 {
			wrong = append(wrong, fmt.Sprintf("lot %s (%s) has %s left, foreseen %v minor units", lot.ID, lot.Kind, lot.Remaining, left))
		}
	}
	return wrong
}

// halfUp is a cost in whole minor units, rounded half up, and never below zero.
func halfUp(cost *big.Rat) *big.Int {
	minor := new(big.Rat).Add(new(big.Rat).Mul(cost, big.NewRat(100, 1)), big.NewRat(1, 2))
	if cost.Sign() <= 0 {
		return new(big.Int)
	}
	return new(big.Int).Div(minor.Num(), minor.Denom())
}

func rational(e money.Exact) *big.Rat {
	r, ok := new(big.Rat).SetString(e.String())
	if !ok {
		panic(e)
	}
	return r
}

func minInt(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return new(big.Int).Set(a)
	}
	return new(big.Int).Set(b)
}
