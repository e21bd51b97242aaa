package wallet

import (
	"slices"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func TestRule23_APrepaidOrderIsPaidByPickedCardsThenCash(t *testing.T) {
	order := func(a *account, amount string, cards ...LotID) Order {
		return Order{Account: a.head.Account, Once: a.next(), Amount: cny(amount), Cards: cards, Item: "package-1", Actor: "owner"}
	}
	rule(t, map[string]func(a *account){
		"cards first, then cash": func(a *account) {
			card := a.card("100.00", day)
			a.cash("50.00")
			e := a.must(order(a, "120.00", card))
			a.has("30.00", "0", "0", "0", "0")
			if e.Kind != Ordered || e.Reason != "package-1" || e.Sum(AtPackage) != cny("120.00") {
				a.Errorf("entry %s for %q, %v", e.Kind, e.Reason, postings(e))
			}
		},
		"only the picked ones": func(a *account) {
			picked, kept := a.card("100.00", 9*day), a.card("100.00", day)
			a.must(order(a, "60.00", picked))
			if a.remaining(picked) != "40.00" || a.remaining(kept) != "100.00" {
				a.Errorf("picked has %s, kept %s", a.remaining(picked), a.remaining(kept))
			}
		},
		"earliest expiry first, however they are listed": func(a *account) {
			late, soon := a.card("100.00", 9*day), a.card("100.00", day)
			one, two := order(a, "130.00", late, soon), order(a, "130.00", soon, late)
			two.Once = one.Once
			if one.Fingerprint() != two.Fingerprint() {
				a.Error("the listing makes it another order")
			}
			a.must(one)
			if a.remaining(soon) != "0.00" || a.remaining(late) != "70.00" {
				a.Errorf("soon has %s, late %s", a.remaining(soon), a.remaining(late))
			}
		},
		"cash alone": func(a *account) { a.cash("50.00"); a.must(order(a, "50.00")); a.has("0", "0", "0", "0", "0") },
		"a cent too little is refused": func(a *account) {
			card := a.card("100.00", day)
			a.cash("50.00")
			no := a.refused(refusal.Insufficient, order(a, "150.01", card))
			if no.Needed != "150.01" || no.Available != "150.00" {
				a.Errorf("needed %s, available %s", no.Needed, no.Available)
			}
		},
		"no vouchers": func(a *account) {
			a.refused(refusal.NotFound, order(a, "1.00", a.voucher(Regular, "5.00", day)))
			a.refused(refusal.Insufficient, order(a, "1.00"))
		},
		"no arrears": func(a *account) { a.refused(refusal.Insufficient, order(a, "0.01")) },
		"a card once": func(a *account) {
			card := a.card("100.00", day)
			a.refused(refusal.Invalid, order(a, "150.00", card, card))
		},
		"a card that is used up isn't there": func(a *account) {
			card := a.card("100.00", day)
			a.must(order(a, "100.00", card))
			a.refused(refusal.NotFound, order(a, "1.00", card))
		},
		"somebody else's card isn't there": func(a *account) { a.refused(refusal.NotFound, order(a, "1.00", lotID("allocate:other:1", 0))) },
		"a card until its expiry, without grace": func(a *account) {
			card := a.card("100.00", day)
			lot, _ := a.head.Lot(card)
			a.now = lot.ExpiresAt.Add(-time.Millisecond)
			a.must(order(a, "1.00", card))
			a.now = lot.ExpiresAt
			a.refused(refusal.Expired, order(a, "1.00", card))
		},
		"nothing is no order": func(a *account) { a.refused(refusal.Invalid, order(a, "0.00")) },
		"another currency is refused": func(a *account) {
			c := order(a, "1.00")
			c.Amount = money.Of(money.USD, 100)
			a.refused(refusal.NotApplicable, c)
		},
	})
}

func TestRule24_BreakageIsBookedOnceTheGraceIsOver(t *testing.T) {
	for says, c := range map[string]struct {
		now, grace time.Duration // now after the expiry
		no         refusal.Kind
	}{
		"not before its expiry":                     {-time.Millisecond, day, refusal.TooEarly},
		"not at its expiry":                         {0, day, refusal.TooEarly},
		"not a millisecond before the grace's end":  {day - time.Millisecond, day, refusal.TooEarly},
		"at the grace's end":                        {day, day, ""},
		"ten days late":                             {10 * day, day, ""},
		"without grace, not a millisecond too soon": {-time.Millisecond, 0, refusal.TooEarly},
		"without grace, at its expiry":              {0, 0, ""},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.policy.Grace = c.grace
			id := a.voucher(Regular, "5.00", 2*day)
			a.settle("logs", "1.00")
			lot, _ := a.head.Lot(id)
			a.now = lot.ExpiresAt.Add(c.now)
			if c.no != "" {
				a.refused(c.no, Expire{id})
				return
			}
			e := a.must(Expire{id})
			a.has("0", "0", "0", "0", "0")
			if got := postings(e); !slices.Equal(got, []string{"lot:" + id.String() + " -> breakage 4.00"}) || e.Kind != Lapsed {
				t.Errorf("posts %v", got)
			}
			a.refused(refusal.NotFound, Expire{id})
		})
	}
	rule(t, map[string]func(a *account){
		"a lot that was used up leaves nothing to book": func(a *account) {
			id := a.voucher(Regular, "5.00", day)
			a.settle("logs", "5.00")
			a.now = a.now.Add(9 * day)
			a.refused(refusal.NotFound, Expire{id})
		},
		"what pays for a day and what is breakage never overlap": func(a *account) {
			id := a.voucher(Regular, "5.00", 2*day)
			lot, _ := a.head.Lot(id)
			for _, offset := range []time.Duration{-time.Millisecond, 0, time.Millisecond, day - time.Millisecond, day, day + time.Millisecond} {
				now := lot.ExpiresAt.Add(offset)
				if lot.PaysFor(dayEnd, now, day) == lot.LapsedAt(now, day) {
					a.Errorf("at expiry%+v it pays and has lapsed, or neither", offset)
				}
			}
		},
	})
}

func TestRule24_TheScheduleIsToldWhenToLook(t *testing.T) {
	a := open(t)
	if !a.head.Due.IsZero() || !a.head.NextDue(a.now, a.policy).IsZero() {
		t.Error("a wallet without lots is due")
	}
	at := func(d time.Duration) time.Time { return morning.Add(d) }
	a.voucher(Regular, "5.00", 90*day)
	if want := at(87 * day); !a.head.Due.Equal(want) {
		t.Errorf("due at %s, want 3 days before the expiry, %s", a.head.Due, want)
	}
	a.voucher(Regular, "5.00", 100*day)
	if want := at(87 * day); !a.head.Due.Equal(want) {
		t.Errorf("a later lot moves the hint to %s", a.head.Due)
	}
	a.voucher(Regular, "5.00", 2*day)
	if !a.head.Due.Equal(a.now) {
		t.Errorf("a validity below the notice's is due at %s, want at issue", a.head.Due)
	}
	for says, c := range map[string]struct{ now, next time.Duration }{
		"after the notice, the breakage":   {0, 3 * day},
		"a millisecond before a notice":    {87*day - time.Millisecond, 3 * day},
		"breakage that is overdue is told": {99 * day, 3 * day},
	} {
		if got := a.head.NextDue(at(c.now), a.policy); !got.Equal(at(c.next)) {
			t.Errorf("%s: next at %s, want %s", says, got, at(c.next))
		}
	}
	a.now = at(4 * day)
	a.must(Expire{a.head.Lots[0].ID})
	if got, want := a.head.NextDue(a.now, a.policy), at(87*day); !got.Equal(want) {
		t.Errorf("next at %s, want the next notice at %s", got, want)
	}
}

func TestKeysTellApartWhatDiffers(t *testing.T) {
	id := lotID("x", 0)
	keys := map[Key]string{}
	for _, c := range []Command{
		Open{Account: "a"},
		Open{Account: "A"},
		Open{Account: "a-b"},
		Open{Account: "ab"},
		Open{Account: "a.b"},
		TopUp{Order: "1"},
		Adjust{Account: "a", Once: "1"},
		Adjust{Account: "b", Once: "1"},
		Adjust{Account: "a", Once: "2"},
		Activate{Account: "a", Once: "1"},
		Allocate{Account: "a", Once: "1"},
		Purchase{Account: "a", Once: "1"},
		Order{Account: "a", Once: "1"},
		Settle{Bill: Bill{ID: "1"}},
		Settle{Bill: Bill{ID: "B1"}},
		Settle{Bill: Bill{ID: "b1"}},
		Expire{id},
		Expire{lotID("x", 1)},
		Reverse{Settled: Entry{Settlement: &Settlement{Bill: "1"}}},
	} {
		verb, _, _ := strings.Cut(string(c.Key()), ":")
		if prior, taken := keys[c.Key()]; taken || verb == "" {
			t.Errorf("%s is the key of %#v, and of %s", c.Key(), c, prior)
		}
		keys[c.Key()] = verb
	}
}

func TestABrokenHeadIsNeverDecidedOn(t *testing.T) {
	broken := map[string]func(h *Head){
		"cash beside arrears":      func(h *Head) { h.Cash, h.Arrears = cny("1"), cny("1") },
		"negative cash":            func(h *Head) { h.Cash = money.Of(money.CNY, -1) },
		"negative arrears":         func(h *Head) { h.Arrears = money.Of(money.CNY, -1) },
		"an empty lot":             func(h *Head) { h.Lots[0].Remaining = cny("0") },
		"a lot below zero":         func(h *Head) { h.Lots[0].Remaining = money.Of(money.CNY, -1) },
		"a lot above its face":     func(h *Head) { h.Lots[0].Remaining = h.Lots[0].Face.Add(cny("0.01")) },
		"lots out of burn order":   func(h *Head) { slices.Reverse(h.Lots) },
		"lots of changed expiries": func(h *Head) { h.Lots[1].ExpiresAt = h.Lots[0].ExpiresAt.Add(-time.Millisecond) },
	}
	for says, damage := range broken {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.voucher(Regular, "1.00", day)
			a.voucher(Regular, "1.00", 2*day)
			head := a.head.clone()
			damage(&head)
			if _, err := DecodeHead(head.Canonical()); err == nil {
				t.Error("it is loaded")
			}
			if err := caught(func() { _, _ = Decide(head, a.bill(BillingCenter, "logs", "0"), a.policy, a.now) }); !strings.HasPrefix(err.Error(), "panic: wallet acme") {
				t.Errorf("deciding on it: %v", err)
			}
		})
	}
}
