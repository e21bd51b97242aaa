package wallet

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
)

// Exact edges, which random sequences rarely meet.

func TestPoliciesAreFollowedUpToTheirEdges(t *testing.T) {
	least := Policy{VoucherMonths: 1, CardMonths: 1, CardStep: 1, MaxLots: 1, MaxTopUp: 1, Gifts: []Gift{{From: 1, Gift: 1}}}
	if err := least.Check(); err != nil {
		t.Errorf("the least policy: %v", err)
	}
	for what, less := range map[string]func(*Policy){
		"grace":              func(p *Policy) { p.Grace-- },
		"expiry notice":      func(p *Policy) { p.ExpiryNotice-- },
		"age of bills":       func(p *Policy) { p.MaxBillAge-- },
		"months of vouchers": func(p *Policy) { p.VoucherMonths-- },
		"months of cards":    func(p *Policy) { p.CardMonths-- },
		"step of cards":      func(p *Policy) { p.CardStep-- },
		"lots":               func(p *Policy) { p.MaxLots-- },
		"top-up":             func(p *Policy) { p.MaxTopUp-- },
		"credit floor":       func(p *Policy) { p.CreditFloor-- },
		"a tier's beginning": func(p *Policy) { p.Gifts = []Gift{{From: 0, Gift: 1}} },
		"a tier's gift":      func(p *Policy) { p.Gifts = []Gift{{From: 1, Gift: 0}} },
	} {
		p := least
		if less(&p); p.Check() == nil {
			t.Errorf("%s: one less is a policy, too", what)
		}
	}
}

func TestRule10_TheHighestTierReachedGives(t *testing.T) {
	p := Policy{Gifts: []Gift{{From: 10, Gift: 5}, {From: 1, Gift: 2}, {From: 10, Gift: 7}}}
	for units, want := range map[int64]int64{0: 0, 1: 2, 9: 2, 10: 5, 11: 5} {
		if got := p.giftFor(units); got != want {
			t.Errorf("%d units give %d, want %d", units, got, want)
		}
	}
}

// What isn't canonical is a fault at the first read that can tell, and every read after that gives zero.
func TestReadingStopsAtTheFirstFault(t *testing.T) {
	for what, c := range map[string]struct {
		bytes []byte
		read  func(*unpack) any
		want  any
		bad   bool
	}{
		"no byte":                  {nil, func(u *unpack) any { return u.byte() }, byte(0), true},
		"the last byte":            {[]byte{7}, func(u *unpack) any { return u.byte() }, byte(7), false},
		"less than nothing":        {[]byte{7}, func(u *unpack) any { return len(u.take(-1)) }, 0, true},
		"nothing":                  {nil, func(u *unpack) any { return len(u.take(0)) }, 0, false},
		"no number":                {nil, func(u *unpack) any { return u.int() }, int64(0), true},
		"half a number":            {[]byte{0x80}, func(u *unpack) any { return u.int() }, int64(0), true},
		"no length":                {nil, func(u *unpack) any { return u.count() }, 0, true},
		"a length of all the rest": {[]byte{2, 'a', 'b'}, func(u *unpack) any { return u.text() }, "ab", false},
		"a length beyond the rest": {[]byte{2, 'a'}, func(u *unpack) any { return u.count() }, 0, true},
		"the last of three":        {[]byte{2}, func(u *unpack) any { return u.code(3) }, byte(2), false},
		"a fourth of three":        {[]byte{3}, func(u *unpack) any { return u.code(3) }, byte(0), true},
	} {
		u := unpack{b: c.bytes}
		if got := c.read(&u); got != c.want || u.bad != c.bad {
			t.Errorf("%s: %v, a fault: %t", what, got, u.bad)
		}
	}
	u := unpack{b: []byte{7, 8}, bad: true}
	if got := u.byte(); got != 0 || len(u.b) != 2 {
		t.Errorf("after a fault, %d was read", got)
	}
}

func TestInstantsThatNanosecondsReachAreRead(t *testing.T) {
	const most, least = math.MaxInt64 / int64(time.Millisecond), math.MinInt64 / int64(time.Millisecond)
	for ms, ok := range map[int64]bool{0: true, most: true, most + 1: false, least: true, least - 1: false} {
		u := unpack{b: binary.AppendVarint(nil, ms)}
		if got := u.time(); u.bad == ok || got.UnixMilli() != ms {
			t.Errorf("%d ms: %v, a fault: %t", ms, got, u.bad)
		}
	}
}

// Beyond them, an instant is written as it is, and read as a fault, though the bytes would be the same again.
func TestNoHeadOrEntryIsFromBeyondTime(t *testing.T) {
	beyond := time.UnixMilli(math.MaxInt64/int64(time.Millisecond) + 1)
	e := Entry{Key: "k", Account: "acme", Number: 1, Kind: Opened, Opening: &Opening{"CNY", "UTC"}, Time: beyond}
	if _, err := DecodeEntry(e.Canonical()); err == nil {
		t.Error("an entry was read")
	}
	h := emptyHead("acme", "CNY", "UTC")
	h.Time = beyond
	if _, err := DecodeHead(h.Canonical()); err == nil {
		t.Error("a head was read")
	}
	for _, now := range []time.Time{time.UnixMilli(0), beyond.Add(-time.Millisecond)} {
		e.Time, h.Time = now, now
		_, ofEntry := DecodeEntry(e.Canonical())
		if _, ofHead := DecodeHead(h.Canonical()); ofEntry != nil || ofHead != nil {
			t.Errorf("%v: %v, %v", now, ofEntry, ofHead)
		}
	}
}

func TestAllKindsOfEntriesAreListed(t *testing.T) {
	kinds := EntryKinds()
	if len(kinds) != 13 || kinds[0] != Opened || kinds[12] != RefundReleased || cap(kinds) != len(kinds) {
		t.Errorf("%v", kinds)
	}
}

func TestOnlyNewFundsAreGrants(t *testing.T) {
	lots := []Lot{{ID: LotID{1}}}
	for what, c := range map[string]struct {
		entry Entry
		want  bool
	}{
		"a new voucher":        {Entry{Kind: Activated, Lots: lots}, true},
		"a bill":               {Entry{Kind: Settled}, false},
		"one that comes back":  {Entry{Kind: Reversed, Lots: lots}, false},
		"a reversal with none": {Entry{Kind: Reversed}, false},
	} {
		if c.entry.Grants() != c.want {
			t.Errorf("%s grants: %t", what, !c.want)
		}
	}
}

// Something moves, and it moves somewhere else: all else is no posting.
func TestPostingsMoveMoney(t *testing.T) {
	fen := money.Of("CNY", 1)
	for what, c := range map[string]struct {
		posting Posting
		ok      bool
	}{
		"a fen":                          {Posting{in(AtPayer), in(InCash), fen}, true},
		"nothing":                        {Posting{in(AtPayer), in(InCash), money.Zero("CNY")}, false},
		"less than nothing":              {Posting{in(AtPayer), in(InCash), money.Of("CNY", -1)}, false},
		"to where it was":                {Posting{in(InCash), in(InCash), fen}, false},
		"out of a fund that isn't there": {Posting{inLot(LotID{1}), in(AtUsage), fen}, false},
		"into a fund that isn't there":   {Posting{in(AtCompany), inLot(LotID{1}), fen}, false},
	} {
		h := emptyHead("acme", "CNY", "UTC")
		if err := h.apply(c.posting); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// Rule 19: to the millisecond of its expiry a fund is there, and from then on it isn't; kinds are told apart.
func TestRule19_WhatIsUsable(t *testing.T) {
	fen := func(n int64) money.Amount { return money.Of("CNY", n) }
	end := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	h := Head{Currency: "CNY", Lots: []Lot{
		{Kind: Regular, Remaining: fen(1), ExpiresAt: end},
		{Kind: Regular, Remaining: fen(2), ExpiresAt: end.Add(time.Hour)},
		{Kind: Discount, Remaining: fen(4), ExpiresAt: end},
		{Kind: Card, Remaining: fen(8), ExpiresAt: end.Add(time.Hour)},
	}}
	for _, c := range []struct {
		at                      time.Time
		regular, discount, card int64
	}{{end.Add(-time.Millisecond), 3, 4, 8}, {end, 2, 0, 8}, {end.Add(time.Hour), 0, 0, 0}} {
		for kind, want := range map[LotKind]int64{Regular: c.regular, Discount: c.discount, Card: c.card} {
			if got := h.Usable(kind, c.at); got != fen(want) {
				t.Errorf("%s at %v: %s, want %s", kind, c.at, got, fen(want))
			}
		}
	}
}

func TestOnlyFundsThatAreGoneAreDropped(t *testing.T) {
	held, gone := LotID{1}, LotID{2}
	h := Head{Lots: []Lot{{ID: held}}}
	var settled Entry
	for _, id := range []LotID{held, gone, gone} {
		settled.Postings = append(settled.Postings, Posting{From: inLot(id), To: in(AtUsage)})
	}
	if got := h.Dropped(settled); len(got) != 1 || got[0] != gone {
		t.Errorf("%v", got)
	}
}

// People look for what a message names.
func TestMessagesNameTheRightOne(t *testing.T) {
	card := Lot{ID: LotID{1}, Kind: Card, Face: money.Of("CNY", 5), Remaining: money.Of("CNY", 5), ExpiresAt: time.Now().Add(time.Hour)}
	d := draft{head: Head{Account: "acme", Currency: "CNY", Lots: []Lot{card}}}
	if _, err := (Order{Account: "acme", Cards: []LotID{card.ID, {2}}}).cards(&d); err == nil || !strings.Contains(err.Error(), "Card 2 ") {
		t.Errorf("the second card isn't there: %v", err)
	}
	credit, err := money.ParseExact("", "-7.01", "CNY")
	if err != nil {
		t.Fatal(err)
	}
	d.policy = &Policy{CreditFloor: 7}
	bill := Settle{Bill: Bill{ID: "b", Currency: "CNY", Lines: []Line{{Product: "logs", Amount: credit}}}, Method: BillingCenter}
	if err := bill.decide(&d); err == nil || !strings.Contains(err.Error(), "sum up to -7.01, below the floor of -7.00") {
		t.Errorf("a credit below the floor: %v", err)
	}
	if _, err := Replay(Head{Version: 6}, Entry{Key: "k", Number: 9}); err == nil || !strings.Contains(err.Error(), "number 9, expected 7") {
		t.Errorf("entry 9 after 6: %v", err)
	}
}

func TestRule3_ABankTransferIsAnInflow(t *testing.T) {
	now := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	h := emptyHead("acme", "CNY", "UTC")
	h.Version, h.Arrears = 1, money.Of("CNY", 300)
	for amount, ok := range map[money.Amount]bool{
		money.Of("CNY", 1000): true, money.Of("USD", 1000): false, money.Zero("CNY"): false, money.Of("CNY", -1): false,
	} {
		change, err := Decide(h, TransferIn{Row: "r", Part: 1, Amount: amount, Order: "o"}, DefaultPolicy(), now)
		if (err == nil) != ok {
			t.Errorf("%s %s: %v", amount, amount.Currency(), err)
		}
		if ok && (change.Head.Cash != money.Of("CNY", 700) || !change.Head.Arrears.IsZero() || change.Entry.Kind != ToppedUp) {
			t.Errorf("%+v", change.Entry)
		}
	}
}

func TestListsEndWhereTheyDo(t *testing.T) {
	var p pack
	packed(&p, []int64{3, 1, 2}, (*pack).int)
	u := unpack{b: p.b}
	if got := unpacked(&u, (*unpack).int); len(got) != 3 || got[0] != 3 || got[2] != 2 || u.bad || len(u.b) != 0 {
		t.Errorf("%v, a fault: %t, %d bytes left", got, u.bad, len(u.b))
	}
	u = unpack{b: []byte{3, 2, 0x80, 0x80}}
	if got := unpacked(&u, (*unpack).int); len(got) != 2 || !u.bad {
		t.Errorf("after the fault it read on: %v", got)
	}
}
