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

func (a *account) purchase(face string) Purchase {
	return Purchase{Account: a.head.Account, Once: a.next(), Face: cny(face), Actor: "owner"}
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
