package settlement

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/wallet"
)

// What fails for one account is handed back for that one only, and settles once when it comes again.
func TestFaultsOfTheLedgerHurtTheirAccountOnly(t *testing.T) {
	for name, fail := range map[string]func(next func() error) error{
		"throttled":           func(func() error) error { return ledger.ErrThrottled },
		"not written":         func(func() error) error { return ledger.ErrUnknown },
		"written, no answer":  func(next func() error) error { return errors.Join(ledger.ErrUnknown, next()) },
		"contended for ever":  func(func() error) error { return ledger.ErrMoved },
		"a fault of the code": func(func() error) error { return errors.New("a table that isn't there") },
		"a bug":               func(func() error) error { panic("index out of range") },
	} {
		t.Run(name, func(t *testing.T) {
			m := newMill(t)
			whole := m.Settlement
			m.Settlement = m.over(&spoilt{Store: m.memory, commit: func(c ledger.Commit, next func() error) error {
				if c.After.Account == "bolt" {
					return fail(next)
				}
				return next()
			}})
			records := bills(20, "ws-a", "ws-b")
			back := m.take(records...)
			for _, id := range back {
				if n := strings.TrimPrefix(id, "m-"); n[len(n)-1]%2 == 0 {
					t.Errorf("%s is of the account that is well", id)
				}
			}
			if written := m.settledOf("bolt") > 0; !written && len(back) != 10 || written && back != nil {
				t.Errorf("handed back: %v", back)
			}
			if got := m.settledOf("acme"); got != 10 {
				t.Errorf("%d of the other account's bills settled", got)
			}
			m.Settlement = whole
			if back := m.take(records...); back != nil || m.settledOf("bolt") != 10 {
				t.Errorf("later: %v handed back, %d settled", back, m.settledOf("bolt"))
			}
		})
	}
}

// Every call of the store fails once, in every way: after redelivery each bill is settled exactly once, and none is
// in quarantine.
func TestEveryFaultEndsWell(t *testing.T) {
	for _, kind := range faults.Kinds {
		t.Run(kind.String(), func(t *testing.T) {
			for number := 1; number < 12; number++ {
				m := newMill(t)
				whole := m.Settlement
				m.Settlement = m.over(faults.Over(m.memory, func(c faults.Call) faults.Fault {
					if c.Number == number {
						return faults.Fault{Kind: kind, After: 1}
					}
					return faults.Fault{}
				}))
				records := bills(6, "ws-a", "ws-b", "ws-cloud")
				m.take(records...)
				m.Settlement = whole
				if back := m.take(records...); back != nil {
					t.Errorf("call %d: still handed back: %v", number, back)
				}
				if a, b, kept := m.settledOf("acme"), m.settledOf("bolt"), m.kept(); a != 4 || b != 2 || kept != nil {
					t.Errorf("call %d: %d and %d settled, quarantined %v", number, a, b, kept)
				}
			}
		})
	}
}

func TestReadsThatFailHandBackWhatTheyWereFor(t *testing.T) {
	m := newMill(t)
	whole := m.Settlement
	m.Settlement = m.over(&spoilt{Store: m.memory, documents: func([]ledger.DocumentKey) error { return ledger.ErrThrottled }})
	if back := m.take(bills(3, "ws-a")...); len(back) != 3 || m.settledOf("acme") != 0 {
		t.Errorf("handed back: %v", back)
	}
	m.Settlement = whole
	if back := m.take(bills(3, "ws-a")...); back != nil || m.settledOf("acme") != 3 {
		t.Errorf("later: %v", back)
	}
}

// I11: what can neither be settled nor quarantined isn't acknowledged.
func TestWhatCannotBeKeptComesBack(t *testing.T) {
	m := newMill(t)
	m.Settlement = m.over(&spoilt{Store: m.memory, put: func() error { return ledger.ErrThrottled }})
	if back := m.take(record("m-1", "poison"), record("m-2", body("b", "ws-a", "logs", "1"))); !slices.Equal(back, []string{"m-1"}) {
		t.Errorf("handed back: %v", back)
	}
}

// A bill that the store can't take, because its entry is too large, stands alone: those that shared its commit settle.
func TestABillThatCannotBeStoredStandsAlone(t *testing.T) {
	m := newMill(t)
	m.Settlement = m.over(&spoilt{Store: m.memory, commit: func(c ledger.Commit, next func() error) error {
		if slices.ContainsFunc(c.Entries, func(e wallet.Entry) bool { return e.Key == "bill:b-40" }) {
			return errors.New("the item is larger than 400 KB")
		}
		return next()
	}})
	records := bills(99, "ws-a")
	if back := m.take(records...); !slices.Equal(back, []string{"m-40"}) || m.settledOf("acme") != 98 {
		t.Errorf("handed back %v, %d settled", back, m.settledOf("acme"))
	}
	records[40].Attributes["ApproximateReceiveCount"] = "19"
	if back := m.take(records[40]); back != nil || !slices.Equal(m.kept(), []string{"m-40: internal"}) {
		t.Errorf("on its last receive: handed back %v, quarantined %v", back, m.kept())
	}
}
