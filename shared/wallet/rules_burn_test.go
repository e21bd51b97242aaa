package wallet

import (
	"bytes"
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
			{Fund: "regular", Skipped: "expired_before_day_end"},
			{Fund: "regular", Paid: "2.00"},
			{Fund: "discount", Skipped: "below_min_bill_amount"},
			{Fund: "discount", Paid: "4.00"},
			{Fund: "card", Paid: "2.00"},
			{Fund: "card", Skipped: "nothing_left_to_pay"},
			{Fund: "cash", Skipped: "nothing_left_to_pay"},
		},
		Restricted: {
			{Fund: "regular", Skipped: "class_excluded"},
			{Fund: "regular", Skipped: "class_excluded"},
			{Fund: "discount", Skipped: "class_excluded"},
			{Fund: "discount", Skipped: "class_excluded"},
			{Fund: "card", Paid: "3.00"},
			{Fund: "card", Skipped: "nothing_left_to_pay"},
			{Fund: "cash", Skipped: "nothing_left_to_pay"},
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
