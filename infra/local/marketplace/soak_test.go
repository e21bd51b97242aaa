package marketplace

import (
	"context"
	"errors"
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

	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/reversal"
	"billingcentre/shared/wallet"
)

// soak is a centre and its marketplaces going through days in which everything goes wrong at random: calls, the
// database, the function itself between any two steps, outages of hours, customers who leave, bills that are reversed.
type soak struct {
	*testing.T
	seed    uint64
	random  *rand.Rand
	store   *memory.Store
	books   *ledger.Ledger
	market  *Server
	desk    *charge.Desk
	calm    atomic.Bool // nothing goes wrong any more
	bills   []wallet.BillID
	crashes int
	cases   map[charge.Why]int

	mu   sync.Mutex // the marketplaces look at these from other goroutines
	now  time.Time
	left map[string]bool // customers who aren't subscribed any more
}

func (s *soak) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *soak) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// leave has a customer leave, or come back.
func (s *soak) leave(customer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left[customer] = !s.left[customer]
}

const soakAccount = wallet.AccountID("acme")

// TestSoak: whatever goes wrong, each charge ends in exactly one record that counts, or void, or written off; and what
// the marketplaces accepted is what we know to be accepted, to the last unit. SOAK_CHARGES, SOAK_SEEDS and SOAK_SEED
// make it longer, and another.
func TestSoak(t *testing.T) {
	count, seeds, first := number("SOAK_CHARGES", 120), number("SOAK_SEEDS", 4), number("SOAK_SEED", 20261122)
	for i := range seeds {
		t.Run(fmt.Sprintf("SOAK_SEED=%d", first+i), func(t *testing.T) {
			s := newSoak(t, uint64(first+i))
			for n := range count {
				s.settle(n)
				if s.random.IntN(3) == 0 {
					s.step()
				}
			}
			for range 60 {
				s.step()
			}
			s.calm.Store(true)
			s.finish()
			s.balance()
		})
	}
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

// errCrash is what a function that is killed leaves behind: nothing.
var errCrash = errors.New("killed")

// mortal is a store whose user is killed now and then, before a call or after it.
type mortal struct {
	ledger.Store
	s *soak
}

func (m mortal) Put(ctx context.Context, documents ...ledger.Document) error {
	m.s.die()
	defer m.s.die()
	return m.Store.Put(ctx, documents...)
}

func (m mortal) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	m.s.die()
	return m.Store.Documents(ctx, keys...)
}

// mortalMeter is a meter whose user is killed now and then, the call done or not.
type mortalMeter struct {
	metering.Meter
	s *soak
}

func (m mortalMeter) Push(ctx context.Context, records []metering.Record) []metering.Result {
	if m.s.random.IntN(4) == 0 { // the moment that matters most
		m.s.die()
		defer func() { m.s.kill(3) }()
	}
	return m.Meter.Push(ctx, records)
}

func (s *soak) die() { s.kill(60) }

// kill kills in one of so many cases.
func (s *soak) kill(among int) {
	if !s.calm.Load() && s.random.IntN(among) == 0 {
		s.crashes++
		panic(errCrash)
	}
}

func newSoak(t *testing.T, seed uint64) *soak {
	s := &soak{
		T: t, seed: seed, random: rand.New(rand.NewPCG(seed, seed)), now: time.Date(2026, 11, 22, 1, 30, 0, 0, time.UTC),
		store: &memory.Store{}, left: map[string]bool{}, cases: map[charge.Why]int{},
	}
	options := optionsOf(s.clock)
	calls := rand.New(rand.NewPCG(seed, 1))
	options.Spoil = func(string, int) Fate {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.calm.Load() || calls.IntN(3) > 0 {
			return Fine
		}
		if fate := Fates[calls.IntN(len(Fates))]; fate != Slow { // which takes its time
			return fate
		}
		return AnswerLost
	}
	options.Customer = func(_, customer string) Standing {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.left[customer] {
			return Unsubscribed
		}
		return Subscribed
	}
	s.market = New(options)
	server := httptest.NewServer(s.market)
	t.Cleanup(server.Close)
	s.books = &ledger.Ledger{Store: s.store, Policy: wallet.DefaultPolicy(), Now: s.clock}
	random := faults.Random(seed, 0.04)
	faulty := faults.Over(s.store, func(call faults.Call) faults.Fault {
		if fault := random(call); !s.calm.Load() {
			return fault
		}
		return faults.Fault{}
	})
	s.desk = &charge.Desk{
		Store: mortal{faulty, s}, Now: s.clock, Log: slog.New(slog.DiscardHandler), Markets: map[string]charge.Market{},
		Wait: func(ctx context.Context, _ int) error { return ctx.Err() },
	}
	for provider, meter := range meters(server.URL, http.DefaultClient, s.clock) {
		s.desk.Markets[provider] = charge.Market{Meter: mortalMeter{meter, s}, Dimensions: map[money.Currency]string{money.CNY: "fen"}}
	}
	open := wallet.Open{Account: soakAccount, Currency: money.CNY, Zone: "Asia/Shanghai"}
	if _, err := s.books.Do(t.Context(), soakAccount, ledger.Intent{Command: open}); err != nil {
		t.Fatal(err)
	}
	return s
}

// settle settles a bill that one of some customers of some clouds owes; some clouds aren't configured, some bills are
// too large for one record.
func (s *soak) settle(n int) {
	s.Helper()
	provider := []string{"aws", "aws", "alibaba", "huawei", "huawei", "elsewhere"}[s.random.IntN(6)]
	amount := fmt.Sprintf("%d.%02d", s.random.IntN(300), 1+s.random.IntN(99))
	if s.random.IntN(60) == 0 {
		amount = "30000000.00"
	}
	exact, err := money.ParseExact("", amount, money.CNY)
	if err != nil {
		s.Fatal(err)
	}
	id := wallet.BillID(fmt.Sprintf("bill-%04d", n))
	command := wallet.Settle{
		Bill:   wallet.Bill{ID: id, Workspace: "ws", Day: "2026-11-21", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Amount: exact}}},
		DayEnd: time.Date(2026, 11, 21, 16, 0, 0, 0, time.UTC), Method: wallet.Cloud,
		Cloud: wallet.CloudAccount{Provider: provider, Customer: fmt.Sprintf("%s-%d", provider, s.random.IntN(3))},
	}
	if _, err := s.books.Do(s.Context(), soakAccount, ledger.Intent{Command: command, After: charge.Of}); err != nil {
		s.Fatal(err)
	}
	s.bills = append(s.bills, id)
}

// step lets some time pass, and somebody do something.
func (s *soak) step() {
	switch s.random.IntN(20) {
	case 0:
		s.pass(7 * time.Hour) // an outage of ours
	case 1, 2, 3:
		s.pass(time.Hour)
	default:
		s.pass(3 * time.Minute)
	}
	switch s.random.IntN(8) {
	case 0:
		customer := fmt.Sprintf("%s-%d", []string{"aws", "alibaba", "huawei"}[s.random.IntN(3)], s.random.IntN(3))
		s.leave(customer)
	case 1, 2:
		s.reverse(s.bills[s.random.IntN(len(s.bills))])
	case 3, 4:
		s.operate()
	}
	s.run()
}

// run runs the function; killed, it leaves everything where it was.
func (s *soak) run() {
	defer func() {
		if broken := recover(); broken != nil && broken != errCrash { //nolint:errorlint // it is thrown as it is
			panic(broken)
		}
	}()
	_, _ = s.desk.Run(s.Context(), 0) // a round may fail: there is another
}

func (s *soak) reverse(bill wallet.BillID) {
	_, err := reversal.Do(s.Context(), s.books, reversal.Wish{Bill: bill, Once: "r", Reason: "wrong", Actor: "olga"})
	if err != nil && !refusal.Is(err, refusal.Conflict) && !refusal.Is(err, refusal.NotFound) {
		s.Error(err)
	}
}

// calmly is the desk of whoever isn't killed.
func (s *soak) calmly() *charge.Desk {
	desk := *s.desk
	desk.Store = s.store
	return &desk
}

// operate has an operator settle the cases that there are, after a look at the marketplace.
func (s *soak) operate() {
	s.Helper()
	desk := s.calmly()
	records, _, err := desk.Records(s.Context(), "case", "", 100)
	if err != nil {
		s.Fatal(err)
	}
	for _, r := range records {
		s.cases[r.Why]++
		wish := charge.Wish{Record: r.ID, Reason: "soak", Actor: "olga"}
		taken := s.taken(r)
		if taken && !r.Doubtful {
			s.Errorf("record %s is no doubtful case (%s), but the cloud has it", r.ID, r.Why)
		}
		switch {
		case taken:
			_, err = desk.Close(s.Context(), wish, charge.RecordAccepted)
		case r.Why == charge.TooLarge || r.Why == charge.NotConfigured || s.random.IntN(10) == 0:
			_, err = desk.Close(s.Context(), wish, charge.RecordWrittenOff)
		default:
			if r.Doubtful {
				if _, refused := desk.Retry(s.Context(), wish, false); !refusal.Is(refused, refusal.Conflict) {
					s.Errorf("a doubtful case was sent again without a look: %v", refused)
				}
			}
			_, err = desk.Retry(s.Context(), wish, true)
		}
		if err != nil {
			s.Errorf("case %s (%s): %v", r.ID, r.Why, err)
		}
	}
}

// taken tells whether a marketplace has a record.
func (s *soak) taken(r charge.Record) bool {
	for _, a := range s.market.Accepted() {
		if a.Provider == r.Cloud.Provider && a.Customer == r.Cloud.Customer && a.At.Equal(r.At) && a.Quantity == r.Minor && (a.Sent == "" || a.Sent == r.ID) {
			return true
		}
	}
	return false
}
