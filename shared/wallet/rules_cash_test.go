package wallet

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func TestRuleM3_IsToldInOneWay(t *testing.T) {
	policy := DefaultPolicy()
	for amount, want := range map[string]error{
		"0.00": refusal.At("/amount", "must be above 0"), "0.01": nil, "100000000.00": nil,
		"100000000.01": refusal.At("/amount", "must be at most 100000000.00"),
	} {
		if diff := cmp.Diff(want, policy.CheckInflow(cny(amount))); diff != "" {
			t.Errorf("%s: %s", amount, diff)
		}
	}
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
