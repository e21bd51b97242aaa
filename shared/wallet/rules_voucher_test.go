package wallet

import (
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

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
			first, second := a.voucher(Regular, "1.00", day), a.voucher(Regular, "1.00", day)
			if first == second {
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
