package wallet

import (
	"slices"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func TestRule18_ABillIsItsIdAndItsContent(t *testing.T) {
	a := open(t)
	bill := a.bill(BillingCenter, "logs", "1.50", "sms", "2.00")
	bill.Bill.Lines[0].UnitPrice = "0.1"
	same := map[string]func(s *Settle){
		"lines in another order":            func(s *Settle) { slices.Reverse(s.Bill.Lines) },
		"an amount with more zeros":         func(s *Settle) { s.Bill.Lines[0].Amount = cost("1.500") },
		"usage with a fraction of zeros":    func(s *Settle) { s.Bill.Lines[0].Usage = "1.00" },
		"a unit price with more zeros":      func(s *Settle) { s.Bill.Lines[0].UnitPrice = "0.100" },
		"what we know about the workspace":  func(s *Settle) { s.Method = Cloud; s.DayEnd = s.DayEnd.Add(day) },
		"classes that we put on its lines":  func(s *Settle) { s.Bill.Lines[0].Class = Restricted },
		"a cloud account that we looked up": func(s *Settle) { s.Cloud = CloudAccount{"aws", "other"} },
	}
	other := map[string]func(s *Settle){
		"another amount":       func(s *Settle) { s.Bill.Lines[0].Amount = cost("1.50000000001") },
		"another product":      func(s *Settle) { s.Bill.Lines[0].Product = "Logs" },
		"another usage":        func(s *Settle) { s.Bill.Lines[0].Usage = "2" },
		"another unit":         func(s *Settle) { s.Bill.Lines[0].Unit = "pieces" },
		"no unit price":        func(s *Settle) { s.Bill.Lines[0].UnitPrice = "" },
		"another workspace":    func(s *Settle) { s.Bill.Workspace = "ws_1" },
		"another day":          func(s *Settle) { s.Bill.Day = "2026-11-02" },
		"another currency":     func(s *Settle) { s.Bill.Currency = money.USD },
		"a line less":          func(s *Settle) { s.Bill.Lines = s.Bill.Lines[:1] },
		"a line twice":         func(s *Settle) { s.Bill.Lines = append(s.Bill.Lines, s.Bill.Lines[0]) },
		"text moved over":      func(s *Settle) { s.Bill.Lines[0].Unit, s.Bill.Lines[0].UnitPrice = "piece0.1", "" },
		"the amounts swapped":  func(s *Settle) { l := s.Bill.Lines; l[0].Amount, l[1].Amount = l[1].Amount, l[0].Amount },
		"an id in other case":  func(s *Settle) { s.Bill.ID = BillID(strings.ToUpper(string(s.Bill.ID))) },
		"an id with one blank": func(s *Settle) { s.Bill.ID += " " },
	}
	for says, change := range same {
		if again := changed(bill, change); again.Fingerprint() != bill.Fingerprint() || again.Key() != bill.Key() {
			t.Errorf("%s: makes it another bill", says)
		}
	}
	for says, change := range other {
		if changed(bill, change).Fingerprint() == bill.Fingerprint() {
			t.Errorf("%s: is taken for the same", says)
		}
	}
}

func changed(s Settle, change func(*Settle)) Settle {
	s.Bill.Lines = slices.Clone(s.Bill.Lines)
	change(&s)
	return s
}

func TestRule18_BillsComeAfterTheirDayAndMayBeLate(t *testing.T) {
	for says, c := range map[string]struct {
		now time.Duration // after the day's end
		age time.Duration
		no  refusal.Kind
	}{
		"a millisecond before the day's end": {-time.Millisecond, 0, refusal.TooEarly},
		"at the day's end":                   {0, 0, ""},
		"400 days late":                      {400 * day, 0, ""},
		"at the limit of age, if there is":   {30 * day, 30 * day, ""},
		"beyond it":                          {30*day + time.Millisecond, 30 * day, refusal.NotApplicable},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.head.Time, a.now, a.policy.MaxBillAge = dayEnd.Add(-day), dayEnd.Add(c.now), c.age
			if c.no != "" {
				a.refused(c.no, a.bill(BillingCenter, "logs", "1.00"))
				return
			}
			a.settle("logs", "1.00")
			a.has("0", "1.00", "0", "0", "0")
		})
	}
	rule(t, map[string]func(a *account){
		"one that is early is told how long to wait": func(a *account) {
			a.head.Time, a.now = dayEnd.Add(-day), dayEnd.Add(-90*time.Second)
			if no := a.refused(refusal.TooEarly, a.bill(BillingCenter, "logs", "1.00")); no.RetryAfter != 91 {
				a.Errorf("retry after %d seconds", no.RetryAfter)
			}
		},
		"a bill of zero is a zero entry": func(a *account) {
			if e := a.settle("logs", "0"); len(e.Postings) != 0 || e.Settlement.Classes[0].Payable != cny("0") {
				a.Errorf("posts %v", postings(e))
			}
		},
		"a bill without lines, too": func(a *account) {
			if e := a.settle(); len(e.Postings) != 0 || len(e.Settlement.Classes) != 0 {
				a.Errorf("posts %v", postings(e))
			}
		},
		"a bill in another currency is refused": func(a *account) {
			c := a.bill(BillingCenter)
			c.Bill.Currency = money.USD
			a.refused(refusal.NotApplicable, c)
		},
		"a bill beyond what a wallet can hold is refused": func(a *account) {
			c := a.bill(BillingCenter)
			for range 11 {
				c.Bill.Lines = append(c.Bill.Lines, Line{Product: "logs", Amount: cost("999999999999999")})
			}
			a.refused(refusal.NotApplicable, c)
		},
		"and so are arrears beyond it": func(a *account) {
			for range 10 {
				a.settle("logs", "999999999999999")
			}
			a.refused(refusal.Conflict, a.bill(BillingCenter, "logs", "11"))
			a.settle("logs", "10")
		},
	})
}

// A fund pays for a day if its expiry isn't before the day's end, and while now is before expiry + grace.
func TestRule19_AFundPaysForItsLastValidDay(t *testing.T) {
	const ms = time.Millisecond
	for says, c := range map[string]struct {
		expiry time.Duration // after the day's end
		now    time.Duration // after the day's end
		grace  time.Duration
		skip   string
	}{
		"expired a millisecond before the day's end":     {-ms, 0, day, "expired_before_day_end"},
		"expires at the day's end, asked then":           {0, 0, day, ""},
		"expires at the day's end, asked in the night":   {0, 3 * time.Hour, day, ""},
		"asked a millisecond before the grace is over":   {0, day - ms, day, ""},
		"asked when the grace is over":                   {0, day, day, "expired"},
		"asked later":                                    {0, 20 * day, day, "expired"},
		"without grace, expiring at the day's end":       {0, 0, 0, "expired"},
		"without grace, a millisecond left":              {ms, 0, 0, ""},
		"without grace, asked at its expiry":             {ms, ms, 0, "expired"},
		"expires long after, for a day long ago":         {90 * day, 30 * day, day, ""},
		"expires between the day's end and now":          {time.Hour, 2 * time.Hour, day, ""},
		"expired before the day's end, even in grace":    {-time.Hour, 0, day, "expired_before_day_end"},
		"a longer grace, a millisecond before its end":   {0, 3*day - ms, 3 * day, ""},
		"a longer grace, at its end":                     {0, 3 * day, 3 * day, "expired"},
		"a grace doesn't help a day that it didn't live": {-ms, ms, 30 * day, "expired_before_day_end"},
	} {
		t.Run(says, func(t *testing.T) {
			for _, kind := range []LotKind{Regular, Discount, Card} {
				a := open(t)
				a.head.Time, a.now, a.policy.Grace = dayEnd.Add(-30*day), dayEnd.Add(-20*day), c.grace
				validity := 20*day + c.expiry
				if kind == Card {
					a.card("100.00", validity)
				} else {
					a.voucher(kind, "100.00", validity)
				}
				a.now = dayEnd.Add(c.now)
				e := a.settle("logs", "1.00")
				got := explained(e.Settlement.Classes[0].Draws)[0]
				if got.Skipped != c.skip {
					t.Errorf("a %s is skipped as %q, want %q", kind, got.Skipped, c.skip)
				}
			}
		})
	}
	rule(t, map[string]func(a *account){
		"a fund activated after the day pays for it": func(a *account) {
			a.voucher(Regular, "1.00", day)
			a.settle("logs", "1.00")
			a.has("0", "0", "0", "0", "0")
		},
		"for everything else it is gone at its expiry": func(a *account) {
			a.voucher(Regular, "4.00", day)
			id := a.card("100.00", day)
			lot, _ := a.head.Lot(id)
			for offset, usable := range map[time.Duration]bool{-time.Millisecond: true, 0: false, time.Millisecond: false} {
				now := lot.ExpiresAt.Add(offset)
				if lot.UsableAt(now) != usable || a.head.Usable(Card, now).IsPositive() != usable || a.head.Usable(Regular, now).IsPositive() != usable {
					a.Errorf("at expiry%+v usable is %t", offset, !usable)
				}
			}
			a.now = lot.ExpiresAt
			a.refused(refusal.Expired, Order{Account: "acme", Once: "x", Amount: cny("1.00"), Cards: []LotID{id}, Item: "package"})
			a.settle("logs", "1.00") // the night's bill still finds the voucher
			a.has("0", "0", "3.00", "0", "100.00")
		},
		"an older clock counts as the time of the last entry": func(a *account) {
			a.voucher(Regular, "4.00", time.Hour)
			a.now = a.now.Add(25 * time.Hour)
			a.settle("logs", "0")
			a.now = a.now.Add(-25 * time.Hour) // at which the voucher was valid
			e := a.settle("logs", "1.00")
			a.has("0", "1.00", "4.00", "0", "0")
			if !e.Time.Equal(a.journal[len(a.journal)-2].Time) {
				a.Errorf("settled at %s", e.Time)
			}
		},
	})
}
