package watch_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/preference"
	"billingcentre/shared/wallet"
)

// What was told once is told again when the balance was at the limit in between, although nobody looked at that in time:
// limits that are set aside for a while, and a change of the language just then, keep no crossing from being told.
func TestACrossingIsToldThoughPreferencesChangedMeanwhile(t *testing.T) {
	for name, between := range map[string]func(w *world) preference.Preferences{
		"another language": func(*world) preference.Preferences { return preference.Preferences{LowBalance: "100.00"} },
		"set aside": func(w *world) preference.Preferences {
			w.want(preference.Preferences{})
			w.look(3)
			return preference.Preferences{LowBalance: "100.00"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.want(preference.Preferences{LowBalance: "100.00"})
			w.look(w.change(5000))
			up := w.change(15000)
			w.want(between(w))
			w.look(up)
			last := w.change(-15000)
			w.look(last)
			if diff := cmp.Diff([]string{"50.00", "50.00"}, w.told(last)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestALowBalanceIsToldOnceACrossing(t *testing.T) {
	for name, row := range map[string]struct {
		changes []int64 // in fen, of a balance of 0; the limit is 100.00
		want    []string
	}{
		"it was never there":            {[]int64{5000}, []string{"50.00"}},
		"exactly the limit isn't below": {[]int64{10000}, nil},
		"a fen below is":                {[]int64{10000, -1}, []string{"99.99"}},
		"further down is silent":        {[]int64{20000, -10001, -1, -5000}, []string{"99.99"}},
		"up, but not far enough":        {[]int64{20000, -15000, 4999}, []string{"50.00"}},
		"up to the limit, and down":     {[]int64{20000, -15000, 5000, -1}, []string{"50.00", "99.99"}},
		"three times":                   {[]int64{20000, -15000, 15000, -15000, 15000, -10001}, []string{"50.00", "50.00", "99.99"}},
		"never below":                   {[]int64{20000, -5000, -5000}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, how := range []string{"each", "last", "shuffled"} {
				w := newWorld(t)
				w.want(preference.Preferences{LowBalance: "100.00"})
				var numbers []int64
				for _, by := range row.changes {
					numbers = append(numbers, w.change(by))
					if how == "each" {
						w.look(numbers[len(numbers)-1])
					}
				}
				last := numbers[len(numbers)-1]
				if how == "shuffled" {
					// The first event sets the cursor; those after it may come in any order, and again.
					w.look(numbers[0])
					again := slices.Concat(numbers, numbers)
					rand.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
					for _, number := range again {
						w.look(number)
					}
				}
				if how == "last" {
					w.look(numbers[0])
				}
				w.look(last)
				if diff := cmp.Diff(row.want, w.told(last)); diff != "" {
					t.Errorf("%s: %s", how, diff)
				}
			}
		})
	}
}

func TestAChangedLimitIsNewAndTheOldIsForgotten(t *testing.T) {
	w := newWorld(t)
	w.look(w.change(20000))
	w.want(preference.Preferences{LowBalance: "100.00"})
	w.look(w.change(-15000)) // 50.00
	w.want(preference.Preferences{LowBalance: "60.00"})
	w.look(w.change(-100)) // 49.00: below the new limit as well
	w.want(preference.Preferences{LowBalance: "30.00"})
	w.look(w.change(-100)) // 48.00
	w.want(preference.Preferences{})
	w.look(w.change(-4700)) // 1.00, and nobody wants to know
	w.want(preference.Preferences{LowBalance: "30.00"})
	last := w.change(-1)
	w.look(last)
	if diff := cmp.Diff([]string{"50.00", "49.00", "0.99"}, w.told(last)); diff != "" {
		t.Error(diff)
	}
}

func TestTheBalanceCountsAllFundsLessArrears(t *testing.T) {
	w := newWorld(t)
	w.want(preference.Preferences{LowBalance: "10.00"})
	w.do(wallet.Activate{Account: "acme", Once: "v", Kind: wallet.Regular, Face: money.Units(money.CNY, 6), MinBill: money.Zero(money.CNY)}) // 6.00: of this nobody heard in time
	w.change(500)                                                                                                                            // 11.00
	first := w.do(wallet.Adjust{Account: "acme", Once: "out", Amount: money.Of(money.CNY, 50), Debit: true, Reason: "test"})
	w.look(first - 1)
	last := w.bill("2026-11-09", map[string]string{"sms": "20"}) // 4.50 in cash, 15.50 owed, beside a voucher of 6.00
	w.look(last)
	if diff := cmp.Diff([]string{"6.00", "-9.50"}, w.told(last)); diff != "" {
		t.Error(diff)
	}
}

func TestALongHistoryIsntToldOf(t *testing.T) {
	w := newWorld(t)
	for range 300 {
		w.change(1)
	}
	w.want(preference.Preferences{LowBalance: "100.00"})
	last := w.change(1)
	w.look(last)
	if diff := cmp.Diff([]string{"3.01"}, w.told(last)); diff != "" {
		t.Error(diff)
	}
}

func TestHighConsumptionIsToldOnceADayAndProduct(t *testing.T) {
	w := newWorld(t)
	w.change(10_000_00)
	w.want(preference.Preferences{DayTotal: "100.00", DayProduct: []preference.ProductLimit{{Product: "logs", Amount: "50.00"}, {Product: "sms", Amount: "5.00"}}})
	days, products := []string{"2026-11-01", "2026-11-08", "2026-11-09"}, []string{"", "logs", "sms"}
	var want []string
	for _, step := range []struct {
		day   string
		costs map[string]string
		new   []string
	}{
		{"2026-11-09", map[string]string{"logs": "49.99999999999", "traces": "49.5"}, nil},
		{"2026-11-09", map[string]string{"logs": "0.00000000001"}, []string{`2026-11-09 "logs" 50 of 50.00`}},
		{"2026-11-09", map[string]string{"logs": "1"}, []string{`2026-11-09 "" 100.5 of 100.00`}},
		{"2026-11-09", map[string]string{"logs": "500", "traces": "500"}, nil},
		{"2026-11-08", map[string]string{"sms": "4.5"}, nil},
		{"2026-11-08", map[string]string{"sms": "4.5"}, []string{`2026-11-08 "sms" 9 of 5.00`}},
		{"2026-11-01", map[string]string{"logs": "5000"}, nil}, // a late bill is no news
	} {
		last := w.bill(step.day, step.costs)
		w.look(last)
		w.look(last)
		want = append(want, step.new...)
		slices.Sort(want)
		got := w.high(days, products)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after %v on %s: %s", step.costs, step.day, diff)
		}
	}
}

func TestWhoHasNoLimitsIsntFollowed(t *testing.T) {
	w := newWorld(t)
	last := w.change(1)
	w.look(last)
	w.want(preference.Preferences{Addresses: []string{"a@example.com"}})
	w.look(last)
	if found, err := w.Store.Documents(t.Context(), ledger.DocumentKey{Kind: "follow", ID: "watch#acme"}); err != nil || len(found) > 0 {
		t.Errorf("%v, %v", found, err)
	}
}
