package soak

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standin "billingcentre/infra/local/alipay"
	"billingcentre/shared/counter"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/payment/alipay"
	"billingcentre/shared/proof"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// soak is a centre and an Alipay in bad weather.
type soak struct {
	*testing.T
	clock     *clock
	skew      atomic.Int64 // of the clock of the invocation that began last
	calm      atomic.Bool  // nothing goes wrong any more
	faults    []forced     // that happen all the same
	store     *memory.Store
	gateway   *standin.Gateway
	channel   *alipay.Channel
	functions functions
	killAfter int            // calls, of every invocation; -1 leaves that to chance
	sound     *recharge.Desk // looks past all faults

	accounts int
	orders   map[string]wallet.AccountID
	ids      []string
	later    []delayed // payments that payers haven't made yet

	mu     sync.Mutex
	random *rand.Rand     // thrown from many hands: notices come several at once
	told   map[string]int // what happened, and how often
}

// TestSoak: every paid fen is credited exactly once, sent back, or a case, and the daily proof says so. SOAK_ORDERS and
// SOAK_SEED make it longer, and another.
func TestSoak(t *testing.T) {
	count, seed := number("SOAK_ORDERS", 30), uint64(number("SOAK_SEED", 20261122))
	t.Logf("SOAK_ORDERS=%d SOAK_SEED=%d", count, seed)
	s := newSoak(t, seed, count)
	change := s.newKeys()
	for i := range count {
		switch i {
		case count / 4:
			change.announce()
		case count / 2:
			change.use()
		case 3 * count / 4:
			change.giveUp()
		}
		s.order(i)
		if i%4 == 0 {
			s.minute()
		}
	}
	for range 40 {
		s.minute()
	}
	s.calm.Store(true)
	s.settle()
	change.end()
	s.complain()
	s.settle()
	s.balance()
	s.everyCaseIsExplained()
	s.proves()
	s.report()
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// The app's credentials in its two modes, and those that follow: made once for all worlds.
var (
	plain     = sync.OnceValue(func() standin.Credentials { return must(standin.NewCredentials()) })
	certified = sync.OnceValue(func() standin.Credentials { return must(plain().Certified()) })
	fresh     = sync.OnceValue(func() standin.Credentials { return must(standin.NewCredentials()) })
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// newSoak makes the world of a seed. Every other seed has the app in certificate mode.
func newSoak(t *testing.T, seed uint64, orders int) *soak {
	s := &soak{
		T: t, random: rand.New(rand.NewPCG(seed, seed)), clock: &clock{at: start(seed)}, store: &memory.Store{},
		accounts: max(25, orders/30), killAfter: -1, orders: map[string]wallet.AccountID{}, told: map[string]int{},
	}
	credentials := plain()
	if seed%2 == 1 {
		credentials = certified()
	}
	var err error
	if s.gateway, err = standin.New(credentials, standin.Options{Now: s.clock.now, Spoil: s.spoil}); err != nil {
		t.Fatal(err)
	}
	server, notify := httptest.NewServer(s.gateway), httptest.NewServer(http.HandlerFunc(s.notifyURL))
	t.Cleanup(func() { server.Close(); notify.Close(); _ = s.gateway.Close() })
	secret, err := credentials.Secret()
	if err != nil {
		t.Fatal(err)
	}
	s.channel, err = alipay.New(alipay.Config{
		Mode: alipay.Sandbox, Secret: secret, Gateway: server.URL + "/gateway.do", NotifyURL: notify.URL + "/notices", Now: s.now,
		Transport: mortalCalls{http.DefaultTransport},
	})
	if err != nil {
		t.Fatal(err)
	}
	random := faults.Random(seed, 0.05)
	bad := faults.Over(s.store, func(call faults.Call) faults.Fault {
		if fault := random(call); !s.calm.Load() {
			return fault
		}
		return faults.Fault{}
	})
	policy := wallet.DefaultPolicy()
	s.functions = deploy(&ledger.Ledger{
		Store: mortalStore{bad}, Policy: policy, Now: s.now, Wait: func(ctx context.Context, _ int) error { return ctx.Err() },
	}, s.channel)
	s.sound = &recharge.Desk{Ledger: &ledger.Ledger{Store: s.store, Policy: policy, Now: s.clock.now}}
	for i := range s.accounts {
		open := wallet.Open{Account: s.account(i), Currency: money.CNY, Zone: "Asia/Shanghai"}
		if _, err := s.sound.Ledger.Do(t.Context(), s.account(i), ledger.Intent{Command: open}); err != nil {
			t.Fatal(err)
		}
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	return s
}

// start is today, at a time of day that the seed says: days end in the midst of some.
func start(seed uint64) time.Time {
	at := time.Now().In(gmt8)
	return time.Date(at.Year(), at.Month(), at.Day(), 0, int(seed*97%(24*60)), 0, 0, gmt8)
}

func (s *soak) account(i int) wallet.AccountID {
	return wallet.AccountID(fmt.Sprintf("soak-%02d", i%s.accounts))
}

// now is the time as the functions have it.
func (s *soak) now() time.Time { return s.clock.now().Add(time.Duration(s.skew.Load())) }

// clock is a time that moves when told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// throw is a number below n.
func (s *soak) throw(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(n)
}

// wrong tells whether something that goes wrong once in n times does.
func (s *soak) wrong(n int) bool { return !s.calm.Load() && s.throw(n) == 0 }

// tell counts what happened.
func (s *soak) tell(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[what]++
}

// spoil is the switchboard's hand: four calls or notices of ten go wrong.
func (s *soak) spoil(what, _ string) standin.Fate {
	fates := standin.CallFates
	if what == "notice" {
		fates = standin.NoticeFates
	}
	if s.calm.Load() || s.throw(10) > 3 {
		return s.forcedFate(what)
	}
	fate := fates[s.throw(len(fates))]
	if what == "notice" {
		s.tell("notices " + fate.String())
	} else {
		s.tell("calls " + fate.String())
	}
	return fate
}

// minute lets Alipay send its notices, payers do what they put off, and the schedule fire.
func (s *soak) minute() {
	s.clock.move(time.Minute)
	s.payLater()
	s.gateway.Deliver(s.Context())
	_, _ = s.invoke(s.functions.poller, counter.Duty{Duty: "payments"}) // it may fail: there is another minute
	if !s.calm.Load() && s.throw(2) == 0 {
		s.refundSome()
	}
}

// settle goes on until nothing is open.
func (s *soak) settle() {
	s.Helper()
	for end := s.clock.now().Add(72 * time.Hour); s.open(); s.minute() {
		if s.clock.now().After(end) {
			s.Fatal("something stays open for ever")
		}
	}
}

// open tells whether anything is still watched, pending, or put off.
func (s *soak) open() bool {
	for _, list := range []string{"recharges#open", "refunds#open"} {
		if page, err := s.store.List(s.Context(), list, "", 1); err != nil || len(page) > 0 {
			return true
		}
	}
	return len(s.later) > 0
}

// mornings fires the proof's schedule at ten o'clock of the next day in GMT+8, when yesterday's bill is made.
func (s *soak) morning() (proofs []proof.Proof) {
	s.Helper()
	at := s.clock.now().In(gmt8)
	s.clock.move(time.Date(at.Year(), at.Month(), at.Day()+1, 10, 0, 0, 0, gmt8).Sub(at))
	if _, err := s.invoke(s.functions.proof, proof.Duty{Duty: "proof"}); err != nil {
		s.Fatal(err)
	}
	proofs, _, err := (&proof.Book{Store: s.store, Now: s.clock.now}).Proofs(s.Context(), "", 100)
	if err != nil {
		s.Fatal(err)
	}
	return proofs
}

var gmt8 = time.FixedZone("CST", 8*60*60)
