package wallet

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// rule runs the rows of one rule's table, each on a new account.
func rule(t *testing.T, rows map[string]func(a *account)) {
	t.Helper()
	for says, row := range rows {
		t.Run(says, func(t *testing.T) { row(open(t)) })
	}
}

func (a *account) topUp(amount string) TopUp {
	return TopUp{Order: "order-" + a.next(), Amount: cny(amount), Channel: "alipay", Trade: "2026110122001"}
}

func (a *account) purchase(face string) Purchase {
	return Purchase{Account: a.head.Account, Once: a.next(), Face: cny(face), Actor: "owner"}
}

func TestRuleM3_ATopUpIsAboveZeroAndAtMost100Million(t *testing.T) {
	rule(t, map[string]func(a *account){
		"a cent is the least": func(a *account) {
			a.must(a.topUp("0.01"))
			a.has("0.01", "0", "0", "0", "0")
		},
		"100,000,000.00 is the most": func(a *account) {
			a.must(a.topUp("100000000.00"))
			a.has("100000000.00", "0", "0", "0", "0")
		},
		"a cent more is refused": func(a *account) { a.refused(refusal.Invalid, a.topUp("100000000.01")) },
		"nothing is refused":     func(a *account) { a.refused(refusal.Invalid, a.topUp("0.00")) },
		"a negative amount is refused": func(a *account) {
			c := a.topUp("1.00")
			c.Amount = money.Of(money.CNY, -1)
			a.refused(refusal.Invalid, c)
		},
		"another currency is refused": func(a *account) {
			c := a.topUp("1.00")
			c.Amount = money.Of(money.USD, 100)
			a.refused(refusal.NotApplicable, c)
		},
		"an account that isn't open has no wallet": func(a *account) {
			_, err := Decide(Head{Account: "nobody"}, a.topUp("1.00"), a.policy, a.now)
			if !refusal.Is(err, refusal.NotFound) {
				a.Errorf("got %v", err)
			}
		},
		"an account opens once": func(a *account) {
			a.refused(refusal.Conflict, Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"})
		},
		"the wallet's limit is a conflict": func(a *account) {
			a.policy.MaxTopUp = money.Limit / 100
			c := a.topUp("1.00")
			c.Amount = money.Of(money.CNY, money.Limit)
			a.must(c)
			a.refused(refusal.Conflict, a.topUp("0.01"))
		},
	})
}

func TestRule3_InflowsRepayArrearsFirst(t *testing.T) {
	for says, c := range map[string]struct {
		owed, inflow  string
		cash, arrears string
		postings      string
	}{
		"without arrears all is cash":  {"0", "10.00", "10.00", "0", "payer -> cash 10.00"},
		"less than is owed":            {"10.00", "9.99", "0", "0.01", "payer -> arrears 9.99"},
		"exactly what is owed":         {"10.00", "10.00", "0", "0", "payer -> arrears 10.00"},
		"a cent more than is owed":     {"10.00", "10.01", "0.01", "0", "payer -> arrears 10.00; payer -> cash 0.01"},
		"much more than is owed":       {"0.01", "100000000.00", "99999999.99", "0", "payer -> arrears 0.01; payer -> cash 99999999.99"},
		"a cent against a large debt":  {"99999999.99", "0.01", "0", "99999999.98", "payer -> arrears 0.01"},
		"the largest against as large": {"100000000.00", "100000000.00", "0", "0", "payer -> arrears 100000000.00"},
	} {
		t.Run(says, func(t *testing.T) {
			for _, inflow := range []string{"top-up", "adjustment"} {
				a := open(t)
				a.settle("logs", c.owed)
				var e Entry
				if inflow == "top-up" {
					e = a.must(a.topUp(c.inflow))
				} else {
					e = a.cash(c.inflow)
				}
				a.has(c.cash, c.arrears, "0", "0", "0")
				got := strings.ReplaceAll(strings.Join(postings(e), "; "), "company", "payer")
				if got != c.postings {
					t.Errorf("%s posts %s, want %s", inflow, got, c.postings)
				}
			}
		})
	}
}

func TestRule4_AdjustmentsAreNewEntriesWithAReason(t *testing.T) {
	adjust := func(a *account, amount string, debit bool) Adjust {
		return Adjust{Account: a.head.Account, Once: a.next(), Amount: cny(amount), Debit: debit, Reason: "transfer 77", Actor: "op-1"}
	}
	rule(t, map[string]func(a *account){
		"the entry tells who and why": func(a *account) {
			e := a.must(adjust(a, "5.00", false))
			if e.Kind != Adjusted || e.Reason != "transfer 77" || e.Actor != "op-1" || e.Reference != "" {
				a.Errorf("entry %v: reason %q, actor %q, reference %q", e.Kind, e.Reason, e.Actor, e.Reference)
			}
		},
		"a debit takes cash": func(a *account) {
			a.cash("5.00")
			e := a.must(adjust(a, "4.99", true))
			a.has("0.01", "0", "0", "0", "0")
			if got := postings(e); !slices.Equal(got, []string{"cash -> company 4.99"}) {
				a.Errorf("posts %v", got)
			}
		},
		"a debit takes the last cent": func(a *account) { a.cash("5.00"); a.must(adjust(a, "5.00", true)); a.has("0", "0", "0", "0", "0") },
		"a debit never makes arrears": func(a *account) {
			a.cash("5.00")
			no := a.refused(refusal.Insufficient, adjust(a, "5.01", true))
			if no.Needed != "5.01" || no.Available != "5.00" {
				a.Errorf("needed %s, available %s", no.Needed, no.Available)
			}
		},
		"a debit takes neither vouchers nor cards": func(a *account) {
			a.voucher(Regular, "5.00", day)
			a.card("100.00", day)
			a.refused(refusal.Insufficient, adjust(a, "0.01", true))
		},
		"of nothing is refused": func(a *account) { a.refused(refusal.Invalid, adjust(a, "0.00", false)) },
		"credit and debit of the same are different wishes": func(a *account) {
			c := adjust(a, "5.00", false)
			d := c
			d.Debit = true
			if c.Fingerprint() == d.Fingerprint() || c.Key() != d.Key() {
				a.Error("one fingerprint for both, or two keys for one wish")
			}
		},
	})
}

func TestRule5_ActivationPutsAVoucherIntoTheWallet(t *testing.T) {
	rule(t, map[string]func(a *account){
		"of either kind": func(a *account) {
			a.voucher(Regular, "4.00", day)
			a.voucher(Discount, "3.00", day)
			a.has("0", "0", "4.00", "3.00", "0")
		},
		"never repays arrears": func(a *account) {
			a.settle("logs", "10.00")
			e := a.must(a.activation(Regular, "100.00", day))
			a.has("0", "10.00", "100.00", "0", "0")
			if len(e.Postings) != 1 {
				a.Errorf("posts %v", postings(e))
			}
		},
		"tells where the voucher came from": func(a *account) {
			c := a.activation(Regular, "4.00", day)
			c.Source, c.Reference = FromCode, "batch-1/7"
			e := a.must(c)
			if e.Lots[0].Source != FromCode || e.Reference != "batch-1/7" || !e.Grants() {
				a.Errorf("source %s, reference %q", e.Lots[0].Source, e.Reference)
			}
		},
		"a card isn't activated": func(a *account) { a.refused(refusal.Invalid, a.activation(Card, "100.00", day)) },
		"of nothing is refused":  func(a *account) { a.refused(refusal.Invalid, a.activation(Regular, "0.00", day)) },
		"in another currency is refused": func(a *account) {
			c := a.activation(Regular, "4.00", day)
			c.Face = money.Of(money.USD, 400)
			a.refused(refusal.NotApplicable, c)
		},
		"two keys make two vouchers": func(a *account) {
			if a.voucher(Regular, "1.00", day) == a.voucher(Regular, "1.00", day) {
				a.Error("one id for both")
			}
			a.has("0", "0", "2.00", "0", "0")
		},
		"above 1,000 lots is a conflict": func(a *account) {
			a.policy.MaxLots = 2
			a.voucher(Regular, "1.00", day)
			a.card("100.00", day)
			a.refused(refusal.Conflict, a.activation(Regular, "1.00", day))
			a.refused(refusal.Conflict, a.allocation("100.00", day))
			a.settle("logs", "1.00") // uses the voucher up, and so makes room
			a.voucher(Regular, "1.00", day)
		},
	})
}

func TestRule6_AVoucherLivesTwelveMonthsUnlessItsBatchSaysOtherwise(t *testing.T) {
	at := func(text string) time.Time {
		instant, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return instant
	}
	for says, c := range map[string]struct {
		now     string
		days    int
		expires string // given by the batch
		want    string // empty: refused
	}{
		"twelve months to the millisecond": {now: "2026-11-02T03:04:05.678Z", want: "2027-11-02T03:04:05.678Z"},
		"from a leap day to the 28th":      {now: "2028-02-29T12:00:00Z", want: "2029-02-28T12:00:00Z"},
		"in UTC, whatever the caller's":    {now: "2026-11-02T00:30:00+08:00", want: "2027-11-01T16:30:00Z"},
		"finer than milliseconds is cut":   {now: "2026-11-02T03:04:05.6789Z", want: "2027-11-02T03:04:05.678Z"},
		"so many days":                     {now: "2026-11-02T03:04:05Z", days: 30, want: "2026-12-02T03:04:05Z"},
		"the instant that is given":        {now: "2026-11-02T03:04:05Z", days: 30, expires: "2026-11-30T15:59:59.9995Z", want: "2026-11-30T15:59:59.999Z"},
		"a millisecond from now":           {now: "2026-11-02T03:04:05Z", expires: "2026-11-02T03:04:05.001Z", want: "2026-11-02T03:04:05.001Z"},
		"not now":                          {now: "2026-11-02T03:04:05Z", expires: "2026-11-02T03:04:05Z"},
		"not yesterday":                    {now: "2026-11-02T03:04:05Z", expires: "2026-11-01T03:04:05Z"},
		"not a negative number of days":    {now: "2026-11-02T03:04:05Z", days: -1},
		"not for ever":                     {now: "2026-11-02T03:04:05Z", expires: "9999-12-31T23:59:59Z"},
		"not for a million days":           {now: "2026-11-02T03:04:05Z", days: 1_000_000},
		"till the end of 2199":             {now: "2026-11-02T03:04:05Z", expires: "2199-12-31T23:59:59.999Z", want: "2199-12-31T23:59:59.999Z"},
		"not till 2200":                    {now: "2026-11-02T03:04:05Z", expires: "2200-01-01T00:00:00Z"},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.head.Time, a.now = time.Time{}, at(c.now)
			activate := Activate{Account: "acme", Once: "1", Kind: Regular, Face: cny("4.00"), ValidDays: c.days}
			allocate := Allocate{Account: "acme", Once: "2", Face: cny("100.00"), ValidDays: c.days}
			if c.expires != "" {
				activate.ExpiresAt, allocate.ExpiresAt = at(c.expires), at(c.expires)
			}
			for _, command := range []Command{activate, allocate} {
				if c.want == "" {
					a.refused(refusal.Invalid, command)
					continue
				}
				change, err := Decide(a.head, command, a.policy, a.now)
				if err != nil {
					t.Fatal(err)
				}
				lot := change.Entry.Lots[0]
				if !lot.ExpiresAt.Equal(at(c.want)) || !lot.GrantedAt.Equal(at(c.now).Truncate(time.Millisecond)) {
					t.Errorf("%s: granted %s, expires %s, want %s", lot.Kind, lot.GrantedAt, lot.ExpiresAt, c.want)
				}
				if _, err := DecodeEntry(change.Entry.Canonical()); err != nil {
					t.Error("the entry can't be read back:", err)
				}
			}
		})
	}
}

func TestRule6_PartialUseIsNormal(t *testing.T) {
	a := open(t)
	id := a.voucher(Regular, "10.00", 90*day)
	for _, left := range []string{"6.66", "3.32", "0.00"} {
		a.settle("logs", "3.34")
		if got := a.remaining(id); got != left {
			t.Errorf("%s is left, want %s", got, left)
		}
	}
	a.has("0", "0.02", "0", "0", "0")
}

func TestRule7_ADiscountVoucherMayAskForALeastBill(t *testing.T) {
	activation := func(a *account, least string) Activate {
		c := a.activation(Discount, "10.00", 90*day)
		c.MinBill = cny(least)
		return c
	}
	for says, c := range map[string]struct{ least, general, restricted, paid, skip string }{
		"none by default":                         {"0.00", "0.01", "0", "0.01", ""},
		"a cent below it":                         {"20.00", "19.99", "0", "0.00", "below_min_bill_amount"},
		"exactly it":                              {"20.00", "20.00", "0", "10.00", ""},
		"what rounds up to it":                    {"20.00", "19.995", "0", "10.00", ""},
		"restricted lines don't count":            {"20.00", "19.99", "1000", "0.00", "below_min_bill_amount"},
		"the whole class counts, not what's left": {"20.00", "25.00", "0", "9.00", ""},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.must(activation(a, c.least))
			if says == "the whole class counts, not what's left" {
				a.voucher(Regular, "16.00", 90*day)
			}
			e := a.settle("logs", c.general, "sms", c.restricted)
			for _, d := range e.Settlement.Classes[General].Draws {
				if d.Kind == Discount && d.From.Kind == InLot && (d.Paid.String() != c.paid || d.Skip.String() != c.skip) {
					t.Errorf("pays %s, skipped %q; want %s, %q", d.Paid, d.Skip, c.paid, c.skip)
				}
			}
		})
	}
	rule(t, map[string]func(a *account){
		"a regular voucher asks for none": func(a *account) {
			c := activation(a, "20.00")
			c.Kind = Regular
			a.refused(refusal.Invalid, c)
		},
		"it is in the account's currency": func(a *account) {
			c := activation(a, "20.00")
			c.MinBill = money.Of(money.USD, 2000)
			a.refused(refusal.Invalid, c)
		},
		"it isn't negative": func(a *account) {
			c := activation(a, "20.00")
			c.MinBill = money.Of(money.CNY, -1)
			a.refused(refusal.Invalid, c)
		},
	})
}

func TestRule8_CardsAreMultiplesOf100PaidFromCashInFull(t *testing.T) {
	for face, ok := range map[string]bool{
		"0.00": false, "0.01": false, "99.99": false, "100.00": true, "100.01": false, "150.00": false, "200.00": true,
		"1000.00": true, "1001.00": false, "999999900.00": true,
	} {
		t.Run("a face of "+face, func(t *testing.T) {
			a := open(t)
			for range 10 {
				a.cash("100000000.00")
			}
			if !ok {
				a.refused(refusal.Invalid, a.purchase(face))
				a.refused(refusal.Invalid, a.allocation(face, day))
				return
			}
			a.must(a.allocation(face, day))
			before := a.head.Cash
			a.must(a.purchase(face))
			if got := before.Sub(a.head.Cash); got != cny(face) {
				t.Errorf("%s was paid", got)
			}
		})
	}
	rule(t, map[string]func(a *account){
		"too little cash is a refusal, never arrears": func(a *account) {
			a.cash("99.99")
			no := a.refused(refusal.Insufficient, a.purchase("100.00"))
			if no.Needed != "100.00" || no.Available != "99.99" {
				a.Errorf("needed %s, available %s", no.Needed, no.Available)
			}
			a.has("99.99", "0", "0", "0", "0")
		},
		"the last cent buys": func(a *account) {
			a.cash("100.00")
			a.must(a.purchase("100.00"))
			a.has("0", "0", "0", "0", "100.00")
		},
		"vouchers and cards buy no card": func(a *account) {
			a.voucher(Regular, "1000.00", day)
			a.card("1000.00", day)
			a.refused(refusal.Insufficient, a.purchase("100.00"))
		},
		"another currency is refused": func(a *account) {
			a.cash("100.00")
			c := a.purchase("100.00")
			c.Face = money.Of(money.USD, 10_000)
			a.refused(refusal.NotApplicable, c)
		},
	})
}

func TestRule9_NothingGivesACardBackAsCash(t *testing.T) {
	a := open(t)
	a.cash("100.00")
	a.must(a.purchase("100.00"))
	a.refused(refusal.Insufficient, Adjust{Account: "acme", Once: "refund", Amount: cny("0.01"), Debit: true, Reason: "refund the card"})
	a.settle("logs", "40.00")
	settled := a.journal[len(a.journal)-1]
	a.must(a.reversal(settled))
	a.has("0", "0", "0", "0", "100.00") // to the card, not to cash
}

func TestRule10_OnePurchaseEarnsItsHighestTier(t *testing.T) {
	for face, gift := range map[string]string{
		"100.00": "0", "9900.00": "0", "10000.00": "1000.00", "10100.00": "1000.00", "29900.00": "1000.00",
		"30000.00": "5000.00", "99900.00": "5000.00", "100000.00": "20000.00", "1000000.00": "20000.00",
	} {
		t.Run(fmt.Sprintf("a purchase of %s gives %s", face, gift), func(t *testing.T) {
			a := open(t)
			a.cash("2000000.00")
			e := a.must(a.purchase(face))
			a.has(cny("2000000.00").Sub(cny(face)).String(), "0", "0", gift, face)
			if given := len(e.Lots) == 2; given != (gift != "0") {
				t.Errorf("%d lots", len(e.Lots))
			}
			if gift != "0" {
				voucher := e.Lots[1]
				if voucher.Kind != Discount || voucher.Source != FromGift || !voucher.MinBill.IsZero() || !voucher.ExpiresAt.Equal(addMonths(a.now, 12)) {
					t.Errorf("the gift is %+v", voucher)
				}
			}
		})
	}
	rule(t, map[string]func(a *account){
		"orders aren't added up": func(a *account) {
			a.cash("10000.00")
			a.must(a.purchase("5000.00"))
			a.must(a.purchase("5000.00"))
			a.has("0", "0", "0", "0", "10000.00")
		},
		"an allocated card gives nothing": func(a *account) {
			a.card("100000.00", day)
			a.has("0", "0", "0", "0", "100000.00")
		},
		"card and gift land together or not at all": func(a *account) {
			a.cash("10000.00")
			a.policy.MaxLots = 1
			a.refused(refusal.Conflict, a.purchase("10000.00"))
			a.has("10000.00", "0", "0", "0", "0")
			a.must(a.purchase("9900.00")) // without a gift there is room
		},
		"the table's order means nothing": func(a *account) {
			a.cash("100000.00")
			slices.Reverse(a.policy.Gifts)
			a.must(a.purchase("100000.00"))
			a.has("0", "0", "0", "20000.00", "100000.00")
		},
		"without a table there are no gifts": func(a *account) {
			a.cash("100000.00")
			a.policy.Gifts = nil
			a.must(a.purchase("100000.00"))
			a.has("0", "0", "0", "0", "100000.00")
		},
	})
}

func TestRule11_ACardTellsItsTerms(t *testing.T) {
	a := open(t)
	a.cash("100.00")
	bought := a.must(a.purchase("100.00")).Lots[0]
	if bought.Kind != Card || bought.Source != FromPurchase || bought.Face != cny("100.00") || !bought.GrantedAt.Equal(a.now) || !bought.ExpiresAt.Equal(addMonths(a.now, 12)) {
		t.Errorf("a bought card is %+v", bought)
	}
	c := a.allocation("200.00", 0)
	c.Source, c.ExpiresAt = FromPartner, time.Time{}
	given := a.must(c).Lots[0]
	if given.Source != FromPartner || !given.ExpiresAt.Equal(addMonths(a.now, 12)) {
		t.Errorf("an allocated card is %+v", given)
	}
	for _, card := range []Lot{bought, given} {
		number := card.ID.String()
		if again, ok := ParseLotID(number); len(number) != 19 || !ok || again != card.ID {
			t.Errorf("number %s is read as %v (%t)", number, again, ok)
		}
	}
	for _, number := range []string{
		"", bought.ID.String()[1:], bought.ID.String() + "0", strings.ToLower(given.ID.String() + "A"), strings.ReplaceAll(bought.ID.String(), "-", ""),
		"OOOO-OOOO-OOOO-OOOO", "../../-....-....-....",
	} {
		if _, ok := ParseLotID(number); ok {
			t.Errorf("%q is taken for a number", number)
		}
	}
}

func TestRule12_AnAllocatedCardRepaysArrearsFirst(t *testing.T) {
	for says, c := range map[string]struct{ owed, face, arrears, card string }{
		"without arrears it is whole":     {"0", "100.00", "0", "100.00"},
		"less than the face is owed":      {"30.01", "100.00", "0", "69.99"},
		"exactly the face is owed":        {"100.00", "100.00", "0", "0"},
		"more than the face is owed":      {"100.01", "100.00", "0.01", "0"},
		"much more than the face is owed": {"99999999.00", "100.00", "99999899.00", "0"},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.settle("logs", c.owed)
			e := a.must(a.allocation(c.face, day))
			a.has("0", c.arrears, "0", "0", c.card)
			if e.Lots[0].Face != cny(c.face) || !e.Grants() {
				t.Errorf("the entry tells a face of %s", e.Lots[0].Face)
			}
		})
	}
}
