package arrears

import (
	"slices"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// trace looks at one entry, from the newest backwards, for the one by which the open case began.
func (s *Standing) trace(entry wallet.Entry) {
	if before(entry).IsPositive() {
		s.Trace = entry.Number - 1
		return
	}
	s.Trace, s.Through = 0, entry.Number-1
	s.Case.Owed, s.Case.Most = 0, 0
}

// openAt begins a case with the entry that a mark names, as if it was read next.
func (s *Standing) openAt(m mark, zone string) {
	s.Account, s.Currency, s.Zone = m.Account, m.Currency, zone
	s.open(&Case{Since: m.At})
	s.Through = m.Entry - 1
}

// maxBegan is how many beginnings a standing remembers: its marks are gone long before.
const maxBegan = 500

// knows tells whether a case of the account began by the entry.
func (s *Standing) knows(entry int64) bool { return slices.Contains(s.Began, entry) }

// missed is the case of a mark that nobody took up before it was repaid, and later entries were read: by a monthly bill that
// found new arrears. It has ended, and only its history is made good.
func (s *Standing) missed(m mark) *Standing {
	past := &Standing{Cases: s.Cases}
	past.openAt(m, s.Zone)
	s.Cases = past.Cases
	s.began(m.Entry)
	return past
}

func (s *Standing) began(entry int64) {
	s.Began = append(s.Began, entry)
	s.Began = s.Began[max(0, len(s.Began)-maxBegan):]
}

// follow reads the entry after the last one. told says that it was about arrears; over, that nothing is owed after it.
func (s *Standing) follow(entry wallet.Entry) (told, over bool) {
	s.Through = entry.Number
	c := s.Case
	owed, repaid := moved(entry)
	if owed.IsPositive() && c.Entry == 0 {
		c.Since, c.Entry = entry.Time, entry.Number
		s.began(entry.Number)
		c.Steps = slices.Insert(c.Steps, 0, Step{At: entry.Time, What: stepOwing})
	}
	if owed.IsPositive() {
		c.owe(billOf(entry, owed))
	}
	if repaid.IsPositive() {
		var reversed wallet.BillID
		if entry.Reversal != nil {
			reversed = entry.Reversal.Bill
		}
		c.repay(Repayment{Entry: entry.Number, At: entry.Time, Kind: entry.Kind.String(), Amount: repaid.Minor()}, reversed)
	}
	c.Owed = entry.Balances.Arrears.Minor()
	c.Next = slices.DeleteFunc(c.Next, func(next Countdown) bool { return next.Version <= entry.Number }) // they found this very case
	return owed.IsPositive() || repaid.IsPositive(), c.Owed == 0 && c.Entry > 0
}

// billOf is a bill that wasn't covered, with what of it vouchers never pay.
func billOf(entry wallet.Entry, owed money.Amount) Bill {
	b := Bill{At: entry.Time, Entry: entry.Number, Owed: owed.Minor()}
	settled := entry.Settlement
	if settled == nil {
		return b
	}
	b.ID, b.Workspace, b.Day = settled.Bill, settled.Workspace, settled.Day
	for _, class := range settled.Classes {
		for _, draw := range class.Draws {
			if draw.From.Kind == wallet.InArrears && class.Class == wallet.Restricted {
				b.Restricted += draw.Paid.Minor()
			}
		}
	}
	if b.Restricted > 0 {
		for _, line := range settled.Lines {
			if line.Class == wallet.Restricted && !slices.Contains(b.Products, line.Product) {
				b.Products = append(b.Products, line.Product)
			}
		}
		slices.Sort(b.Products)
	}
	return b
}

// end closes the open case with the entry that was read last, and leaves the account clear. But a countdown that was
// begun for later arrears than these goes on, with a case of its own, whose beginning is read next.
func (s *Standing) end(at time.Time) Ended {
	c := s.Case
	c.EndedAt, c.EndedBy = at, s.Through
	c.step(at, stepRepaid, "")
	if s.State == Locked {
		c.step(at, stepUnlocked, "")
	}
	s.Case, s.State = nil, Clear
	if counts := c.later(s.Through); len(counts) > 0 {
		s.open(&Case{Since: at, Countdown: &counts[0], Next: counts[1:]})
		s.State = Counting
		s.Case.step(counts[0].BeganAt, stepCountdown, counts[0].Month)
		for _, next := range s.Case.Next {
			s.Case.step(next.BeganAt, stepMonth, next.Month)
		}
	}
	return Ended{Account: s.Account, Currency: s.Currency, Case: *c}
}

// later takes the countdowns from the case that were begun on heads after an entry.
func (c *Case) later(entry int64) (counts []Countdown) {
	if c.Countdown != nil && c.Countdown.Version >= entry {
		counts, c.Countdown = append(counts, *c.Countdown), nil
	}
	counts, c.Next = append(counts, c.Next...), nil
	c.Steps = slices.DeleteFunc(c.Steps, func(step Step) bool {
		return slices.ContainsFunc(counts, func(count Countdown) bool { return count.Month == step.Note })
	})
	return counts
}
