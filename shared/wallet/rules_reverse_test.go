package wallet

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/refusal"
)

func TestRule21_CreditsLowerTheirOwnClassAndAreCarried(t *testing.T) {
	rule(t, map[string]func(a *account){
		"within the bill": func(a *account) {
			a.settle("logs", "10", "logs", "-3", "sms", "5")
			a.has("0", "12.00", "0", "0", "0")
			a.carries("0", "0")
		},
		"below zero, to the next bills of the class": func(a *account) {
			a.settle("logs", "-7.5", "sms", "1")
			a.has("0", "1.00", "0", "0", "0")
			a.carries("-7.5", "0")
			a.settle("logs", "5")
			a.carries("-2.5", "0")
			a.settle("logs", "5")
			a.has("0", "3.50", "0", "0", "0")
			a.carries("0", "0")
		},
		"never across classes": func(a *account) {
			a.settle("sms", "-7")
			a.settle("logs", "5")
			a.has("0", "5.00", "0", "0", "0")
			a.carries("0", "-7")
		},
		"a class without lines keeps what it carries": func(a *account) {
			a.settle("logs", "0.004", "sms", "-1")
			e := a.settle("sms", "0.5")
			a.carries("0.004", "-0.5")
			if len(e.Settlement.Classes) != 1 || e.Settlement.Classes[0].Class != Restricted {
				a.Errorf("classes are %v", e.Settlement.Classes)
			}
		},
		"a class whose lines are zero pays what it carries": func(a *account) {
			credit := a.settle("logs", "-3")
			a.settle("logs", "3")
			a.must(a.reversal(credit))
			a.carries("3", "0")
			a.settle("sms", "0")
			a.carries("3", "0")
			a.settle("logs", "0")
			a.has("0", "3.00", "0", "0", "0")
		},
		"a class of -100.00 is the floor": func(a *account) {
			a.settle("logs", "-100")
			a.settle("logs", "-100") // each bill for itself
			a.carries("-200", "0")
		},
		"a hair below the floor is refused": func(a *account) {
			a.refused(refusal.NotApplicable, a.bill(BillingCenter, "logs", "-100.000000000000000001"))
			a.refused(refusal.NotApplicable, a.bill(BillingCenter, "logs", "1000", "sms", "-100.01"))
			a.settle("logs", "-150", "logs", "50") // the class counts, not its lines
		},
		"the floor is configuration": func(a *account) {
			a.policy.CreditFloor = 0
			a.refused(refusal.NotApplicable, a.bill(BillingCenter, "logs", "-0.000000000000000001"))
			a.settle("logs", "0")
		},
	})
}

func TestRule21_AReversalGivesTheVerySlicesBackLatestFirst(t *testing.T) {
	a := open(t)
	regular := a.voucher(Regular, "4.00", 90*day)
	a.voucher(Discount, "3.00", 90*day)
	card := a.card("100.00", 90*day)
	a.cash("2.00")
	settled := a.settle("logs", "50.004", "sms", "70")
	a.has("0", "11.00", "0", "0", "0")
	a.carries("0.004", "0")
	e := a.must(a.reversal(settled))
	a.has("2.00", "0", "4.00", "3.00", "100.00")
	a.carries("0", "0")
	id := func(i int) string {
		return "lot:" + []string{regular.String(), settled.Postings[1].From.Lot.String(), card.String()}[i]
	}
	want := []string{
		"usage -> arrears 11.00", "usage -> cash 2.00", "usage -> " + id(2) + " 57.00",
		"usage -> " + id(2) + " 43.00", "usage -> " + id(1) + " 3.00", "usage -> " + id(0) + " 4.00",
	}
	if diff := cmp.Diff(want, postings(e)); diff != "" {
		t.Errorf("postings (-want +got):\n%s", diff)
	}
	if e.Kind != Reversed || e.Grants() || len(e.Lots) != 3 || e.Reversal.Bill != settled.Settlement.Bill || e.Reason != "test" || e.Actor != "op" {
		t.Errorf("the entry is %+v", e)
	}
	lot, _ := a.head.Lot(regular)
	if lot.Face != cny("4.00") || !lot.GrantedAt.Equal(morning) || !lot.ExpiresAt.Equal(morning.Add(90*day)) {
		t.Errorf("the voucher came back as %+v", lot)
	}
}

func TestRule21_WhatWasOwedAndPaidInCashIsAnInflow(t *testing.T) {
	for says, c := range map[string]struct {
		cash, bill    string // before the bill, and its cost
		then          func(a *account)
		after, owed   string
		wantsPostings []string
	}{
		"arrears that are still owed": {
			"0", "10.00", func(*account) {}, "0", "0", []string{"usage -> arrears 10.00"},
		},
		"arrears that were repaid become cash": {
			"0", "10.00", func(a *account) { a.cash("10.00") }, "10.00", "0", []string{"usage -> cash 10.00"},
		},
		"arrears that were repaid in part": {
			"0", "10.00", func(a *account) { a.cash("4.00") }, "4.00", "0", []string{"usage -> arrears 6.00", "usage -> cash 4.00"},
		},
		"cash repays what later bills owe": {
			"10.00", "10.00", func(a *account) { a.settle("logs", "7.00") }, "3.00", "0", []string{"usage -> arrears 7.00", "usage -> cash 3.00"},
		},
		"cash that doesn't suffice for later bills": {
			"10.00", "10.00", func(a *account) { a.settle("logs", "17.00") }, "0", "7.00", []string{"usage -> arrears 10.00"},
		},
		"both slices, one after the other": {
			"4.00", "10.00", func(a *account) { a.settle("logs", "1.00") }, "3.00", "0",
			[]string{"usage -> arrears 6.00", "usage -> arrears 1.00", "usage -> cash 3.00"},
		},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			if c.cash != "0" {
				a.cash(c.cash)
			}
			settled := a.settle("logs", c.bill)
			c.then(a)
			e := a.must(a.reversal(settled))
			a.has(c.after, c.owed, "0", "0", "0")
			if got := postings(e); !slices.Equal(got, c.wantsPostings) {
				t.Errorf("posts %v, want %v", got, c.wantsPostings)
			}
		})
	}
}

func TestRule21_ASliceOfAnExpiredFundLapsesAtOnce(t *testing.T) {
	const ms = time.Millisecond
	for says, c := range map[string]struct {
		reversed time.Duration // after the voucher's expiry
		restore  bool          // policy: what has expired comes back while its grace lasts
		face     string
		left     string
		lapses   bool
	}{
		"a millisecond before its expiry":               {-ms, false, "10.00", "10.00", false},
		"at its expiry":                                 {0, false, "10.00", "6.00", true},
		"used up, at its expiry":                        {0, false, "4.00", "0.00", true},
		"long after":                                    {40 * day, false, "10.00", "6.00", true},
		"by policy not within its grace":                {0, true, "10.00", "10.00", false},
		"by policy not within its grace, used up":       {day - ms, true, "4.00", "4.00", false},
		"but when the grace is over, whatever policy":   {day, true, "10.00", "6.00", true},
		"when the grace is over, used up, whatever too": {day, true, "4.00", "0.00", true},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.policy.LapseRestored = !c.restore
			id := a.voucher(Regular, c.face, 2*day)
			lot, _ := a.head.Lot(id)
			settled := a.settle("logs", "4.00")
			a.now = lot.ExpiresAt.Add(c.reversed)
			e := a.must(a.reversal(settled))
			if got := a.remaining(id); got != c.left {
				t.Errorf("%s is left, want %s", got, c.left)
			}
			want := []string{"usage -> lot:" + id.String() + " 4.00"}
			if c.lapses {
				want = append(want, "lot:"+id.String()+" -> breakage 4.00")
			}
			if diff := cmp.Diff(want, postings(e)); diff != "" {
				t.Errorf("postings (-want +got):\n%s", diff)
			}
		})
	}
	rule(t, map[string]func(a *account){
		"a fund that drew for both classes lapses in both": func(a *account) {
			id := a.card("100.00", 2*day)
			settled := a.settle("logs", "60.00", "sms", "40.00")
			a.now = a.now.Add(40 * day)
			e := a.must(a.reversal(settled))
			lot := "lot:" + id.String()
			want := []string{"usage -> " + lot + " 40.00", lot + " -> breakage 40.00", "usage -> " + lot + " 60.00", lot + " -> breakage 60.00"}
			if diff := cmp.Diff(want, postings(e)); diff != "" {
				a.Errorf("postings (-want +got):\n%s", diff)
			}
			if len(e.Lots) != 1 || len(a.head.Lots) != 0 {
				a.Errorf("%d lots came back, %d are held", len(e.Lots), len(a.head.Lots))
			}
		},
		"after its breakage was booked": func(a *account) {
			id := a.voucher(Regular, "10.00", 2*day)
			settled := a.settle("logs", "4.00")
			a.now = a.now.Add(3 * day)
			a.must(Expire{id})
			a.must(a.reversal(settled))
			a.has("0", "0", "0", "0", "0")
		},
	})
}

func TestRule21_CostAndPayableLeaveTogether(t *testing.T) {
	rule(t, map[string]func(a *account){
		"what was rounded away comes back": func(a *account) {
			settled := a.settle("logs", "0.006")
			a.carries("-0.004", "0")
			a.must(a.reversal(settled))
			a.carries("0", "0")
			a.has("0", "0", "0", "0", "0")
		},
		"what was carried then was paid by a later bill": func(a *account) {
			first := a.settle("logs", "0.004")
			a.settle("logs", "0.004") // 0.008: a cent, and 0.002 too much
			a.must(a.reversal(first))
			a.carries("-0.006", "0")
			a.has("0", "0.01", "0", "0", "0")
		},
		"per class": func(a *account) {
			settled := a.settle("logs", "1.001", "sms", "2.002")
			e := a.must(a.reversal(settled))
			a.carries("0", "0")
			if len(e.Reversal.Classes) != 2 {
				a.Errorf("classes are %v", e.Reversal.Classes)
			}
		},
		"a credit that was used since is owed again": func(a *account) {
			credit := a.settle("logs", "-7")
			a.settle("logs", "5")
			a.must(a.reversal(credit))
			a.carries("5", "0")
			a.settle("logs", "1")
			a.has("0", "6.00", "0", "0", "0")
		},
		"a bill of zero": func(a *account) {
			settled := a.settle("logs", "0")
			if e := a.must(a.reversal(settled)); len(e.Postings) != 0 {
				a.Errorf("posts %v", postings(e))
			}
		},
	})
}

func TestRule21_AReversalIsOnce(t *testing.T) {
	rule(t, map[string]func(a *account){
		"by the bill's id, whoever asks": func(a *account) {
			settled := a.settle("logs", "1.00")
			first, second := a.reversal(settled), a.reversal(settled)
			if first.Key() != second.Key() {
				a.Errorf("keys are %s and %s", first.Key(), second.Key())
			}
			if first.Fingerprint() == second.Fingerprint() {
				a.Error("a second wish is taken for the first one, come again")
			}
		},
		"another account's bill isn't there": func(a *account) {
			settled := a.settle("logs", "1.00")
			settled.Account = "Acme"
			a.refused(refusal.NotFound, a.reversal(settled))
		},
		"what isn't a bill isn't there": func(a *account) {
			a.refused(refusal.NotFound, Reverse{Settled: a.cash("1.00"), Once: "x"})
			a.refused(refusal.NotFound, Reverse{Once: "y"})
		},
		"without the terms of a dropped fund it is a fault, not a refusal": func(a *account) {
			a.voucher(Regular, "1.00", day)
			c := a.reversal(a.settle("logs", "1.00"))
			c.Granted = nil
			if _, err := Decide(a.head, c, a.policy, a.now); err == nil || refusal.As(err) != nil {
				a.Errorf("got %v", err)
			}
		},
		"under cloud the charge goes back, and cash isn't touched": func(a *account) {
			a.cash("5.00")
			e := a.must(a.reversal(a.must(a.bill(Cloud, "logs", "1.00"))))
			a.has("5.00", "0", "0", "0", "0")
			if got := postings(e); !slices.Equal(got, []string{"usage -> cloud 1.00"}) {
				a.Errorf("posts %v", got)
			}
		},
		"it may hold more lots than may be granted": func(a *account) {
			a.policy.MaxLots = 1
			a.voucher(Regular, "1.00", day)
			settled := a.settle("logs", "1.00")
			a.voucher(Regular, "2.00", day)
			a.must(a.reversal(settled))
			a.has("0", "0", "3.00", "0", "0")
			a.refused(refusal.Conflict, a.activation(Regular, "1.00", day))
		},
	})
}
