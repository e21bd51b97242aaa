package main

import (
	"context"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/bill"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/wallet"
)

// newSite is a site over memory, with an account that has settled bills 0 to 4, and the tally of exactly that.
func newSite(t *testing.T) (*site, *tally) {
	s := &site{name: "load", store: new(memory.Store), accounts: []wallet.AccountID{"load-0"}}
	l := &ledger.Ledger{Store: s.store, Policy: wallet.DefaultPolicy(), Now: time.Now}
	do := func(c wallet.Command) {
		t.Helper()
		if _, err := l.Do(t.Context(), "load-0", ledger.Intent{Command: c}); err != nil {
			t.Fatal(err)
		}
	}
	do(wallet.Open{Account: "load-0", Currency: money.CNY, Zone: "UTC"})
	do(wallet.Adjust{Account: "load-0", Once: "v", Amount: money.Units(money.CNY, 1), Reason: visitReason})
	tally := newTally()
	tally.requests, tally.posts = 1, 1
	for n := range 5 {
		m := s.message(n)
		b, err := bill.Decode([]byte(m.body))
		if err != nil {
			t.Fatal(err)
		}
		tally.sent[m.bill], tally.owner[m.bill] = time.Now(), m.account
		do(wallet.Settle{Bill: b, DayEnd: time.Now().Add(-time.Hour), Method: wallet.BillingCenter})
	}
	return s, tally
}

func (s *site) judged(t *testing.T, tally *tally) report {
	t.Helper()
	r, err := s.judge(t.Context(), nil, plan{}, tally, time.Second, 0)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestTheJudgementIsExact(t *testing.T) {
	s, tally := newSite(t)
	q := quarantine.Quarantine{Store: s.store, Now: time.Now, Metrics: &metric.Metrics{Out: io.Discard}}
	if err := q.Keep(t.Context(), quarantine.Message{ID: "m", Source: "usage-bills", Body: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	tally.poison = []string{"m"}
	r := s.judged(t, tally)
	if !r.Exact() || r.Messages.Settled != 5 || r.Messages.Quarantined != 1 || r.Audit.Entries != 7 || !strings.Contains(r.String(), "Exact:") {
		t.Errorf("%s", r)
	}
}

// Everything that may go wrong makes a load fail.
func TestTheJudgementFails(t *testing.T) {
	for what, spoil := range map[string]func(s *site, tally *tally){
		"a bill is nowhere":                 func(_ *site, tally *tally) { tally.sent["lost"] = time.Now() },
		"poison is nowhere":                 func(_ *site, tally *tally) { tally.poison = []string{"m"} },
		"a credit was answered, not booked": func(_ *site, tally *tally) { tally.posts = 2 },
		"a credit was booked twice":         func(_ *site, tally *tally) { tally.posts = 0 },
		"messages couldn't be sent":         func(_ *site, tally *tally) { tally.sendErrors = 1 },
		"requests failed without a reason":  func(_ *site, tally *tally) { tally.refused = 1 },
		"a wallet has a fen more":           func(s *site, _ *tally) { s.store = richer{s.store} },
	} {
		s, tally := newSite(t)
		spoil(s, tally)
		if r := s.judged(t, tally); r.Exact() {
			t.Errorf("%s, and all is well:\n%s", what, r)
		}
	}
}

// richer is a store whose wallets have a fen more than they should.
type richer struct{ ledger.Store }

func (r richer) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	h, err := r.Store.Head(ctx, account)
	h.Cash = h.Cash.Add(money.Of(money.CNY, 1))
	return h, err
}

func TestTheViewLooksIntoAccounts(t *testing.T) {
	s, tally := newSite(t)
	tally.sent["late"], tally.owner["late"] = time.Now().Add(-time.Minute), "load-0"
	if age := s.inspect(t.Context(), "load-0", tally); age < time.Minute || age > 2*time.Minute {
		t.Errorf("the oldest bill is %v old", age)
	}
	if v := tally.view(); v.sent != 6 || len(tally.latency) != 5 {
		t.Errorf("%+v, %d latencies", v, len(tally.latency))
	}
}

func TestPoisonIsNoBill(t *testing.T) {
	for _, body := range poisons {
		if b, err := bill.Decode([]byte(body)); err == nil {
			t.Errorf("%s is %+v", body, b)
		}
	}
}

func TestPlansAreChecked(t *testing.T) {
	good := plan{Minutes: 1, Rate: 50, Accounts: 20, HTTP: 5}
	for what, change := range map[string]func(p *plan){
		"as it is by itself":  func(*plan) {},
		"with every fault":    func(p *plan) { p.Duplicates, p.Poison, p.Kill = 1, 1, time.Second },
		"without requests":    func(p *plan) { p.HTTP = 0 },
		"of a part of a bill": func(p *plan) { p.Rate, p.Minutes = 0.1, 0.05 },
	} {
		p := good
		if change(&p); p.check() != nil {
			t.Errorf("%s: %v", what, p.check())
		}
	}
	for want, changes := range map[string][]func(p *plan){
		"minutes":  {func(p *plan) { p.Minutes = 0 }, func(p *plan) { p.Minutes = math.NaN() }, func(p *plan) { p.Minutes = 1e300 }},
		"rate":     {func(p *plan) { p.Rate = 0 }, func(p *plan) { p.Rate = -1 }, func(p *plan) { p.Rate = math.NaN() }, func(p *plan) { p.Rate = math.Inf(1) }},
		"http":     {func(p *plan) { p.HTTP = -1 }, func(p *plan) { p.HTTP = math.NaN() }, func(p *plan) { p.HTTP = 1e10 }},
		"accounts": {func(p *plan) { p.Accounts = 0 }, func(p *plan) { p.Accounts = 1e9 }},
		"shares": {
			func(p *plan) { p.Duplicates = 30 }, func(p *plan) { p.Duplicates = -0.1 }, func(p *plan) { p.Poison = 2 }, func(p *plan) { p.Poison = math.NaN() },
		},
		"kill": {func(p *plan) { p.Kill = -1 }, func(p *plan) { p.Kill = time.Millisecond }},
	} {
		for _, change := range changes {
			p := good
			if change(&p); p.check() == nil || !strings.Contains(p.check().Error(), want) {
				t.Errorf("%+v: %v, want it to name %s", p, p.check(), want)
			}
		}
	}
}

func TestQuantiles(t *testing.T) {
	of := []time.Duration{4, 1, 3, 2}
	for share, want := range map[float64]time.Duration{0: 1, 0.5: 3, 0.99: 4, 1: 4} {
		if got := quantile(of, share); got != want {
			t.Errorf("%v: %d, want %d", share, got, want)
		}
	}
	if quantile(nil, 0.5) != 0 {
		t.Error("of nothing")
	}
}
