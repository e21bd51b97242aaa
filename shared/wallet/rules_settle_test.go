package wallet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func TestRule14_SMSAndDialTestsAreRestricted(t *testing.T) {
	policy := DefaultPolicy()
	for product, class := range map[string]Class{
		"sms": Restricted, "dial_testing": Restricted, "logs": General, "": General, "SMS": General, "sms ": General, "sms_reports": General,
	} {
		if got := policy.ClassOf(product); got != class {
			t.Errorf("%q is %s, want %s", product, got, class)
		}
	}
	policy.Restricted = []string{"logs"}
	if policy.ClassOf("logs") != Restricted || policy.ClassOf("sms") != General {
		t.Error("the list isn't configuration")
	}
}

// paying tells what paid for a bill, in order: "regular 4.00, discount 3.00, ...".
func paying(e Entry) string {
	var said []string
	for _, c := range e.Settlement.Classes {
		for _, l := range explained(c.Draws) {
			if l.Skipped == "" {
				said = append(said, l.Fund+" "+l.Paid)
			}
		}
	}
	return strings.Join(said, ", ")
}

func TestRule15_FundsPayInTheirOrder(t *testing.T) {
	const pays = "logs"
	for says, c := range map[string]struct {
		method        Method
		product, cost string
		paid          string
	}{
		"regular vouchers first":               {BillingCenter, pays, "3.99", "regular 3.99"},
		"exactly the first fund":               {BillingCenter, pays, "4.00", "regular 4.00"},
		"then discount vouchers":               {BillingCenter, pays, "4.01", "regular 4.00, discount 0.01"},
		"then cards":                           {BillingCenter, pays, "7.01", "regular 4.00, discount 3.00, card 0.01"},
		"then cash":                            {BillingCenter, pays, "107.01", "regular 4.00, discount 3.00, card 100.00, cash 0.01"},
		"exactly everything":                   {BillingCenter, pays, "117.00", "regular 4.00, discount 3.00, card 100.00, cash 10.00"},
		"then arrears":                         {BillingCenter, pays, "117.01", "regular 4.00, discount 3.00, card 100.00, cash 10.00, arrears 0.01"},
		"under cloud, the cloud account":       {Cloud, pays, "107.01", "regular 4.00, discount 3.00, card 100.00, cloud 0.01"},
		"under cloud, funds that suffice":      {Cloud, pays, "107.00", "regular 4.00, discount 3.00, card 100.00"},
		"restricted lines skip both vouchers":  {BillingCenter, "sms", "110.01", "card 100.00, cash 10.00, arrears 0.01"},
		"restricted lines skip them at a cent": {BillingCenter, "sms", "0.01", "card 0.01"},
		"restricted under cloud":               {Cloud, "sms", "100.01", "card 100.00, cloud 0.01"},
		"nothing to pay":                       {BillingCenter, pays, "0", ""},
		"nothing to pay under cloud":           {Cloud, pays, "0.004", ""},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.cash("10.00")
			a.card("100.00", 90*day) // granted in the order in which they must not pay
			a.voucher(Discount, "3.00", 60*day)
			a.voucher(Regular, "4.00", 90*day)
			e := a.must(a.bill(c.method, c.product, c.cost))
			if got := paying(e); got != c.paid {
				t.Errorf("paid by %s, want %s", got, c.paid)
			}
			if c.method == Cloud {
				a.has("10.00", "0", e.Balances.Regular.String(), e.Balances.Discount.String(), e.Balances.Card.String())
			}
		})
	}
	rule(t, map[string]func(a *account){
		"under cloud arrears aren't touched": func(a *account) {
			a.settle("logs", "5.00")
			a.must(a.bill(Cloud, "logs", "7.00"))
			a.has("0", "5.00", "0", "0", "0")
		},
		"only two methods exist": func(a *account) {
			for _, method := range []Method{"", "Cloud", "cash"} {
				a.refused(refusal.NotApplicable, a.bill(method, "logs", "1.00"))
			}
		},
	})
}

func TestRule16_WithinAClassOfFundsTheEarliestPays(t *testing.T) {
	rule(t, map[string]func(a *account){
		"the earliest expiry": func(a *account) {
			late, soon := a.voucher(Regular, "5.00", 20*day), a.voucher(Regular, "5.00", 10*day)
			a.settle("logs", "4.00")
			if a.remaining(soon) != "1.00" || a.remaining(late) != "5.00" {
				a.Errorf("soon has %s, late %s", a.remaining(soon), a.remaining(late))
			}
		},
		"by a millisecond": func(a *account) {
			late, soon := a.voucher(Regular, "5.00", 10*day+time.Millisecond), a.voucher(Regular, "5.00", 10*day)
			a.settle("logs", "4.00")
			if a.remaining(soon) != "1.00" || a.remaining(late) != "5.00" {
				a.Errorf("soon has %s, late %s", a.remaining(soon), a.remaining(late))
			}
		},
		"then the earliest activation": func(a *account) {
			first := a.activation(Regular, "5.00", 10*day)
			second := a.activation(Regular, "5.00", 10*day)
			one := a.must(first).Lots[0].ID
			a.now = a.now.Add(time.Millisecond)
			two := a.must(second).Lots[0].ID
			a.settle("logs", "4.00")
			if a.remaining(one) != "1.00" || a.remaining(two) != "5.00" {
				a.Errorf("first has %s, second %s", a.remaining(one), a.remaining(two))
			}
		},
		"then the id": func(a *account) {
			ids := []LotID{a.voucher(Regular, "5.00", 10*day), a.voucher(Regular, "5.00", 10*day), a.voucher(Regular, "5.00", 10*day)}
			slices.SortFunc(ids, func(x, y LotID) int { return bytes.Compare(x[:], y[:]) })
			a.settle("logs", "7.00")
			if got := strings.Join([]string{a.remaining(ids[0]), a.remaining(ids[1]), a.remaining(ids[2])}, " "); got != "0.00 3.00 5.00" {
				a.Errorf("left are %s", got)
			}
		},
		"a kind before any expiry": func(a *account) {
			card, voucher := a.card("100.00", day), a.voucher(Regular, "5.00", 90*day)
			a.settle("logs", "4.00")
			if a.remaining(voucher) != "1.00" || a.remaining(card) != "100.00" {
				a.Errorf("voucher has %s, card %s", a.remaining(voucher), a.remaining(card))
			}
		},
		"general lines before restricted ones": func(a *account) {
			a.card("100.00", day)
			a.cash("50.00")
			e := a.settle("sms", "60.00", "logs", "70.00")
			if got := paying(e); got != "card 70.00, card 30.00, cash 30.00" {
				a.Errorf("paid by %s", got)
			}
		},
	})
}

func TestRule16_TheOrderInWhichThingsAreListedMeansNothing(t *testing.T) {
	a := open(t)
	a.cash("3.00")
	for i := range 4 {
		a.voucher(Regular, "1.00", time.Duration(10-i)*day)
		a.voucher(Discount, "1.00", time.Duration(7+i)*day)
		a.card("100.00", 10*day)
	}
	settle := a.bill(BillingCenter, "logs", "1.003", "sms", "398.50", "logs", "7.25", "traces", "1.003", "dial_testing", "9", "logs", "1.003")
	want, err := Decide(a.head, settle, a.policy, a.now)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 0))
		lines := settle
		lines.Bill.Lines = slices.Clone(settle.Bill.Lines)
		r.Shuffle(len(lines.Bill.Lines), func(i, j int) { l := lines.Bill.Lines; l[i], l[j] = l[j], l[i] })
		if lines.Fingerprint() != settle.Fingerprint() {
			t.Fatal("shuffled lines are another bill")
		}
		got, err := Decide(a.head, lines, a.policy, a.now)
		if err != nil || !bytes.Equal(got.Entry.Canonical(), want.Entry.Canonical()) {
			t.Fatalf("shuffled lines settle otherwise: %v", err)
		}
		// A head with funds out of order is refused before anything is decided on it, so the burn-down is asked itself.
		d := draft{head: a.head.clone(), policy: &a.policy, now: a.now}
		r.Shuffle(len(d.head.Lots), func(i, j int) { l := d.head.Lots; l[i], l[j] = l[j], l[i] })
		for _, class := range want.Entry.Settlement.Classes {
			if diff := cmp.Diff(explained(class.Draws), explained(settle.burnDown(&d, class.Class, class.Payable))); diff != "" {
				t.Fatalf("shuffled funds pay otherwise (-want +got):\n%s", diff)
			}
		}
	}
}

func TestRule17_ArrearsStandBesideUnusedVouchersAndTellWhy(t *testing.T) {
	a := open(t)
	a.voucher(Regular, "100.00", 90*day)
	e := a.settle("sms", "5.00")
	a.has("0", "5.00", "100.00", "0", "0")
	want := []looked{{Fund: "regular", Skipped: "class_excluded"}, {Fund: "cash", Skipped: "empty"}, {Fund: "arrears", Paid: "5.00"}}
	if diff := cmp.Diff(want, explained(e.Settlement.Classes[0].Draws)); diff != "" {
		t.Errorf("explained (-want +got):\n%s", diff)
	}
	a.settle("sms", "0.01", "logs", "1.00")
	a.has("0", "5.01", "99.00", "0", "0")
}

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

func TestRule20_TheCloudAccountIsCharged(t *testing.T) {
	a := open(t)
	e := a.must(a.bill(Cloud, "logs", "1.00", "sms", "2.00"))
	if got := postings(e); !slices.Equal(got, []string{"cloud -> usage 1.00", "cloud -> usage 2.00"}) {
		t.Errorf("posts %v", got)
	}
	if e.Settlement.Cloud != (CloudAccount{"aws", "cust-1"}) || e.Settlement.Paid(AtCloud, 0, money.CNY) != cny("3.00") {
		t.Errorf("charges %v", e.Settlement.Cloud)
	}
	c := a.bill(BillingCenter, "logs", "1.00")
	c.Cloud = CloudAccount{"aws", "cust-1"}
	if e := a.must(c); e.Settlement.Cloud != (CloudAccount{}) {
		t.Error("a bill that the wallet paid names a cloud account")
	}
}

func TestRule22_EveryFundIsToldWithWhatItGaveOrWhyNot(t *testing.T) {
	a := open(t)
	a.head.Time, a.now = dayEnd.Add(-10*day), dayEnd.Add(-10*day)
	a.voucher(Regular, "1.00", 9*day)  // expired before the day's end
	a.voucher(Regular, "2.00", 10*day) // pays within its grace
	least := a.activation(Discount, "3.00", 90*day)
	least.MinBill = cny("50.00")
	a.must(least)
	a.voucher(Discount, "4.00", 91*day)
	a.card("100.00", 90*day)
	a.card("100.00", 91*day)
	a.cash("7.00")
	a.now = morning
	e := a.settle("logs", "8.00", "sms", "3.00")
	want := map[Class][]looked{
		General: {
			{Fund: "regular", Skipped: "expired_before_day_end"}, {Fund: "regular", Paid: "2.00"},
			{Fund: "discount", Skipped: "below_min_bill_amount"}, {Fund: "discount", Paid: "4.00"},
			{Fund: "card", Paid: "2.00"}, {Fund: "card", Skipped: "nothing_left_to_pay"}, {Fund: "cash", Skipped: "nothing_left_to_pay"},
		},
		Restricted: {
			{Fund: "regular", Skipped: "class_excluded"}, {Fund: "regular", Skipped: "class_excluded"},
			{Fund: "discount", Skipped: "class_excluded"}, {Fund: "discount", Skipped: "class_excluded"},
			{Fund: "card", Paid: "3.00"}, {Fund: "card", Skipped: "nothing_left_to_pay"}, {Fund: "cash", Skipped: "nothing_left_to_pay"},
		},
	}
	for _, class := range e.Settlement.Classes {
		if diff := cmp.Diff(want[class.Class], explained(class.Draws)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", class.Class, diff)
		}
	}
	a.now = dayEnd.Add(30 * day)
	late := a.settle("logs", "1.00")
	if got := explained(late.Settlement.Classes[0].Draws)[0]; got.Skipped != "expired_before_day_end" {
		t.Errorf("the first reason that holds is told: %v", got)
	}
}

func TestRuleM2_LinesShowTheirShareOfThePayable(t *testing.T) {
	for says, c := range map[string]struct {
		before string // carried
		lines  []string
		shares string // by line, in the settlement's order: product, usage, largest amount
	}{
		"what they cost, when that is whole":        {"0", []string{"a", "1.25", "b", "2.75"}, "1.25 2.75"},
		"the remainder to the largest":              {"0", []string{"a", "1", "b", "1.005", "c", "1"}, "1.00 1.01 1.00"},
		"equal lines: by product":                   {"0", []string{"c", "0.333", "b", "0.333", "a", "0.334"}, "0.34 0.33 0.33"},
		"a cent for three":                          {"0", []string{"a", "0.004", "b", "0.004", "c", "0.004"}, "0.01 0.00 0.00"},
		"a remainder of two cents to two lines":     {"0", []string{"a", "0.336", "b", "0.336", "c", "0.336"}, "0.34 0.34 0.33"},
		"nothing where nothing is payable":          {"0", []string{"a", "0.001", "b", "-3"}, "0.00 0.00"},
		"with what earlier bills left":              {"0.004", []string{"a", "0.003", "b", "0.003"}, "0.01 0.00"},
		"a credit line's is negative":               {"0", []string{"a", "10", "b", "-2"}, "10.00 -2.00"},
		"all to the first, where the sum is zero":   {"-2", []string{"a", "0", "b", "0"}, "0.00 0.00"},
		"credits eaten by earlier credits":          {"-5", []string{"a", "8", "b", "2"}, "4.00 1.00"},
		"lines that nearly cancel out don't wrap":   {"0.00499999", slices.Concat(slices.Repeat([]string{"a", "100000000000"}, 11), slices.Repeat([]string{"b", "-100000000000"}, 11), []string{"c", "0.0000001"}), "0.01" + strings.Repeat(" 0.00", 22)},
		"a ratio beyond a wallet: all to the first": {"0.004999999999999999", []string{"a", "999999999999999", "b", "-999999999999999", "c", "0.000000000000000001"}, "0.01 0.00 0.00"},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.settle("before", c.before)
			e := a.settle(c.lines...)
			got := fmt.Sprint(e.Settlement.Shares(money.CNY))
			if got != "["+c.shares+"]" {
				t.Errorf("shares are %s, want [%s]", got, c.shares)
			}
		})
	}
	t.Run("all to the largest, where the sum isn't positive but something is payable", func(t *testing.T) {
		a := open(t)
		credit := a.settle("logs", "-7")
		a.settle("logs", "5")
		a.must(a.reversal(credit)) // carried is 5 now, and payable with the next bill
		a.carries("5", "0")
		e := a.settle("a", "-1", "b", "-0.5")
		if got := fmt.Sprint(e.Settlement.Shares(money.CNY)); got != "[0.00 3.50]" {
			t.Errorf("shares are %s", got)
		}
		if e = a.settle("a", "0"); e.Settlement.Shares(money.CNY)[0] != cny("0") {
			t.Error("nothing was payable")
		}
	})
}
