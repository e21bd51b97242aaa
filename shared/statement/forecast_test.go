package statement

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// daily is a spend of so much a day.
func daily(general, restricted int64) Spend {
	return Spend{Days: 1, Cost: map[wallet.Method][2]money.Amount{wallet.BillingCenter: {cny(general), cny(restricted)}}}
}

// told is what a forecast says of one fund.
type toldFate struct {
	Kind, Balance, RunsOut, Lapses string
}

func told2(f Forecast) (fates []toldFate) {
	for _, x := range f.Fates {
		fates = append(fates, toldFate{x.Kind, x.Balance.String(), x.RunsOut, x.Lapses.String()})
	}
	return fates
}

func TestForecastBurnsFundsInTheirOrder(t *testing.T) {
	for name, row := range map[string]struct {
		given    func(*world)
		spend    Spend
		days     int
		fates    []toldFate
		owedFrom string
		owed     string
	}{
		"one after the other": {
			given: func(w *world) {
				w.voucher("acme", wallet.Regular, 30, 0)
				w.voucher("acme", wallet.Discount, 20, 0)
				w.card("acme", 100, 0)
				w.cash("acme", 45_00)
			},
			spend: daily(10_00, 0), days: 30,
			fates: []toldFate{
				{"regular", "30.00", "2026-11-12", "0.00"},
				{"discount", "20.00", "2026-11-14", "0.00"},
				{"card", "100.00", "2026-11-24", "0.00"},
				{"cash", "45.00", "2026-11-29", "0.00"},
			},
			owedFrom: "2026-11-29", owed: "105.00",
		},
		"vouchers lapse where usage is restricted": {
			given: func(w *world) { w.voucher("acme", wallet.Regular, 30, 5); w.cash("acme", 500_00) },
			spend: daily(1_00, 4_00), days: 10,
			// Expires on the 15th at ten in the morning: it pays for the days up to the 14th (README rule 19).
			fates: []toldFate{{"regular", "30.00", "", "25.00"}, {"cash", "500.00", "", "0.00"}},
			owed:  "0.00",
		},
		"averages add up to the fen": {
			given: func(w *world) { w.cash("acme", 10_00) },
			spend: Spend{Days: 7, Cost: map[wallet.Method][2]money.Amount{wallet.BillingCenter: {cny(10_00), cny(0)}}}, days: 8,
			fates: []toldFate{{"cash", "10.00", "2026-11-16", "0.00"}},
			// the eighth day is the first of another seven
			owedFrom: "2026-11-17", owed: "1.42",
		},
		"nothing is spent": {
			given: func(w *world) { w.cash("acme", 10_00) },
			days:  8, fates: []toldFate{{"cash", "10.00", "", "0.00"}}, owed: "0.00",
		},
		"the cloud pays after vouchers": {
			given: func(w *world) { w.voucher("acme", wallet.Regular, 5, 0); w.cash("acme", 10_00) },
			spend: Spend{Days: 1, Cost: map[wallet.Method][2]money.Amount{wallet.Cloud: {cny(2_00), cny(0)}}}, days: 5,
			fates: []toldFate{{"regular", "5.00", "2026-11-12", "0.00"}, {"cash", "10.00", "", "0.00"}}, owed: "0.00",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.now = at("2026-11-10T10:00:00+08:00")
			w.open("acme", shanghai)
			row.given(w)
			f, err := Ahead(mustHead(w, "acme"), w.Policy, row.spend, w.now, row.days)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.fates, told2(f)); diff != "" {
				t.Errorf("funds (-want +got):\n%s", diff)
			}
			if f.OwedFrom != row.owedFrom || f.Owed.String() != row.owed || f.From != "2026-11-10" {
				t.Errorf("owed from %q: %s; from %s", f.OwedFrom, f.Owed, f.From)
			}
			if w.version() != mustHead(w, "acme").Version {
				t.Error("something was written")
			}
		})
	}
}

func (w *world) version() int64 { return mustHead(w, "acme").Version }

// README rule 10: the gift pays off where it is used up within its year, and the card too.
func TestForecastTriesTheGiftTiers(t *testing.T) {
	for name, row := range map[string]struct {
		daily int64
		want  []string // face, used, lapses, saving
	}{
		"a heavy spender saves each gift":  {1_000_00, []string{"10000.00 11000.00 0.00 1000.00", "30000.00 35000.00 0.00 5000.00", "100000.00 120000.00 0.00 20000.00"}},
		"a light one loses on large cards": {31_00, []string{"10000.00 11000.00 0.00 1000.00", "30000.00 11315.00 23685.00 -18685.00", "100000.00 11315.00 108685.00 -88685.00"}},
		"nothing is spent":                 {0, []string{"10000.00 0.00 11000.00 -10000.00", "30000.00 0.00 35000.00 -30000.00", "100000.00 0.00 120000.00 -100000.00"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.now = at("2026-11-10T10:00:00+08:00")
			w.open("acme", shanghai)
			f, err := Ahead(mustHead(w, "acme"), w.Policy, daily(row.daily, 0), w.now, 30)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range f.Tiers {
				got = append(got, x.Face.String()+" "+x.Used.String()+" "+x.Lapses.String()+" "+x.Saving.String())
				if x.PaysOff != x.Saving.IsPositive() || x.Missing != x.Face {
					t.Errorf("%+v", x)
				}
			}
			if diff := cmp.Diff(row.want, got); diff != "" {
				t.Errorf("tiers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestForecastOfAFullWalletIsBounded(t *testing.T) {
	w := newWorld(t)
	w.now = at("2026-11-10T10:00:00+08:00")
	w.open("acme", shanghai)
	for range 400 {
		w.voucher("acme", wallet.Regular, 1, 0)
	}
	began := time.Now()
	f, err := Ahead(mustHead(w, "acme"), w.Policy, daily(1_00, 0), w.now, MostForecastDays)
	if err != nil || len(f.Fates) != 401 {
		t.Fatal(len(f.Fates), err)
	}
	t.Logf("a forecast of a year with 400 vouchers: %s", time.Since(began))
	if len(f.Tiers) != 0 {
		t.Errorf("%d tiers", len(f.Tiers))
	}
}
