package alipay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	channel "billingcentre/shared/payment/alipay"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// soak is a centre and an Alipay that go through some days in which everything goes wrong at random: calls, notices,
// the database, and what payers do.
type soak struct {
	*testing.T
	random   *rand.Rand
	clock    *clock
	store    *memory.Store
	gateway  *Gateway
	desk     *recharge.Desk
	watchman *recharge.Watchman
	orders   map[string]wallet.AccountID
	ids      []string
	cases    map[string]string // by trade: why an operator has to look at it
	calm     atomic.Bool       // nothing goes wrong any more
	kept     atomic.Int32      // notices for the quarantine
	refused  atomic.Int32      // notices that nobody vouched for
}

// TestSoak: every paid fen is credited exactly once, sent back, or a case. SOAK_ORDERS and SOAK_SEED make it longer, and another.
func TestSoak(t *testing.T) {
	count, seed := number("SOAK_ORDERS", 200), uint64(number("SOAK_SEED", 20261122))
	t.Logf("SOAK_ORDERS=%d SOAK_SEED=%d", count, seed)
	s := newSoak(t, seed)
	for i := range count {
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
	s.complain()
	s.settle()
	s.balance()
}

func number(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func newSoak(t *testing.T, seed uint64) *soak {
	s := &soak{
		T: t, random: rand.New(rand.NewPCG(seed, seed)), clock: &clock{at: time.Now()}, store: &memory.Store{},
		orders: map[string]wallet.AccountID{}, cases: map[string]string{},
	}
	shop := httptest.NewServer(http.HandlerFunc(s.shop))
	var err error
	calls := rand.New(rand.NewPCG(seed, 1))
	spoil := make(chan struct{}, 1) // the switchboard is asked from several hands
	spoil <- struct{}{}
	s.gateway, err = New(keys(), Options{Now: s.clock.now, Spoil: func(what, _ string) Fate {
		<-spoil
		defer func() { spoil <- struct{}{} }()
		switch {
		case s.calm.Load() || calls.IntN(10) > 3:
			return Fine
		case what == "notice":
			return NoticeFates[calls.IntN(len(NoticeFates))]
		}
		return CallFates[calls.IntN(len(CallFates))]
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.gateway)
	t.Cleanup(func() { server.Close(); shop.Close(); _ = s.gateway.Close() })
	random := faults.Random(seed, 0.05)
	books := &ledger.Ledger{
		Store: faults.Over(s.store, func(call faults.Call) faults.Fault {
			if fault := random(call); !s.calm.Load() {
				return fault
			}
			return faults.Fault{}
		}),
		Policy: wallet.DefaultPolicy(), Now: s.clock.now, Wait: func(ctx context.Context, _ int) error { return ctx.Err() },
	}
	s.desk = &recharge.Desk{Ledger: books, Limits: recharge.Limits{Open: 100}, ReturnURLs: []string{"https://console.example.com"}}
	s.desk.Channel = newChannel(t, server.URL+"/gateway.do", func(c *channel.Config) { c.NotifyURL, c.Now = shop.URL+"/notices", s.clock.now })
	s.watchman = &recharge.Watchman{
		Desk: s.desk, Log: slog.New(slog.DiscardHandler),
		Case: func(_ context.Context, _ recharge.Order, trade payment.Trade, unfit *payment.NoticeError) error {
			s.cases[trade.Ref] = unfit.Reason
			return nil
		},
	}
	sound := &ledger.Ledger{Store: s.store, Policy: books.Policy, Now: s.clock.now}
	for i := range accounts {
		open := wallet.Open{Account: account(i), Currency: money.CNY, Zone: "Asia/Shanghai"}
		if _, err := sound.Do(t.Context(), account(i), ledger.Intent{Command: open}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

const accounts = 25

func account(i int) wallet.AccountID { return wallet.AccountID(fmt.Sprintf("soak-%02d", i%accounts)) }

// shop is the notify URL: what payment-callback does, without its HTTP.
func (s *soak) shop(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.Error(err)
	}
	notice, err := s.desk.Channel.VerifyNotice(payment.Delivery{Header: map[string]string{"content-type": r.Header.Get("Content-Type")}, Body: body})
	if err == nil {
		_, err = s.desk.Heed(r.Context(), notice)
	}
	switch {
	case payment.Quarantined(err):
		s.kept.Add(1)
	case errors.Is(err, payment.ErrBadSignature):
		s.refused.Add(1)
	}
	_, _ = io.WriteString(w, s.desk.Channel.Reply(err == nil || payment.Quarantined(err)).Body)
}

// order has a payer make an order, and do something with it: mostly pay it, at once or late, sometimes twice.
func (s *soak) order(i int) {
	s.Helper()
	wish := recharge.Wish{Account: account(i), Once: fmt.Sprint(i), Amount: fmt.Sprintf("%d.%02d", s.random.IntN(2000), 1+s.random.IntN(99))}
	if s.random.IntN(3) == 0 {
		wish.Way, wish.Return = recharge.Page, "https://console.example.com/done"
	}
	var order recharge.Order
	for try := 0; ; try++ {
		var err error
		if order, _, err = s.desk.Take(s.Context(), wish); err == nil {
			break
		}
		if try == 30 {
			s.Fatalf("order %d: %v", i, err)
		}
	}
	s.orders[order.ID], s.ids = order.Account, append(s.ids, order.ID)
	if order.PageURL != "" {
		answer, err := http.Get(order.PageURL)
		if err != nil {
			s.Fatal(err)
		}
		drain(answer.Body)
	}
	switch s.random.IntN(10) {
	case 0: // walks away
	case 1: // looks, and walks away
		_, _ = s.gateway.Scan(order.ID)
	case 2: // pays twice
		s.pay(order.ID)
		if _, err := s.gateway.PayTwice(order.ID); err != nil {
			s.Errorf("order %d: %v", i, err)
		}
	case 3: // asks at once where the cash is
		s.pay(order.ID)
		_, _ = s.desk.Ask(s.Context(), order.Account, order.ID, "")
	case 4: // success after the close: we close locally, and then it is paid
		_ = s.desk.Close(s.Context(), order.ID)
		s.pay(order.ID)
	default:
		s.pay(order.ID)
	}
}

func (s *soak) pay(order string) {
	if _, err := s.gateway.Pay(order); err != nil && !errors.Is(err, ErrDead) && !errors.Is(err, ErrClosed) {
		s.Errorf("order %s: %v", order, err)
	}
}

// minute lets Alipay send its notices, and the schedule run; sometimes an operator refunds something.
func (s *soak) minute() {
	s.clock.move(time.Minute)
	s.gateway.Deliver(s.Context())
	_, _ = s.watchman.Walk(s.Context(), 0) // a round may fail: there is another
	if !s.calm.Load() && s.random.IntN(2) == 0 {
		wish := recharge.RefundWish{Order: s.ids[s.random.IntN(len(s.ids))], Once: "r", Amount: "0.01", Reason: "soak", Actor: "operator-1"}
		_, _, _ = s.desk.Refund(s.Context(), wish) // of an unpaid order it is refused
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

// complain has those who paid one order twice ask for the payment by Alipay's number, where its notice never came: a query
// by the order tells one trade only. (The daily proof finds them too: they are in Alipay's bill, and nowhere here.)
func (s *soak) complain() {
	s.Helper()
	for _, trade := range s.gateway.Trades() {
		order, err := s.desk.Find(s.Context(), s.orders[trade.OutTradeNo], trade.OutTradeNo)
		if err != nil {
			s.Fatal(err)
		}
		if trade.PaidAt.IsZero() || order.Trade == trade.TradeNo || trade.sentBack() > 0 {
			continue
		}
		s.clock.move(time.Minute)
		if _, err := s.desk.Ask(s.Context(), s.orders[trade.OutTradeNo], trade.OutTradeNo, trade.TradeNo); err != nil {
			s.Errorf("asking for trade %s: %v", trade.TradeNo, err)
		}
	}
}

// open tells whether anything is still watched or pending.
func (s *soak) open() bool {
	for _, list := range []string{"recharges#open", "refunds#open"} {
		if page, err := s.store.List(s.Context(), list, "", 1); err != nil || len(page) > 0 {
			return true
		}
	}
	return false
}

// balance is the proof: what Alipay has taken and not sent back is in the wallets, to the fen, and each trade has its story.
func (s *soak) balance() {
	s.Helper()
	s.desk.Ledger.Store = s.store
	taken, credited, refunds := int64(0), 0, 0
	for _, trade := range s.gateway.Trades() {
		if trade.PaidAt.IsZero() {
			continue
		}
		total, _ := minor(trade.TotalAmount)
		taken += total - trade.sentBack()
		refunds += len(trade.Refunds)
		order, err := s.desk.Find(s.Context(), s.orders[trade.OutTradeNo], trade.OutTradeNo)
		if err != nil {
			s.Fatal(err)
		}
		switch {
		case order.State == recharge.Credited && order.Trade == trade.TradeNo:
			credited++
			if trade.sentBack() != order.Refunded {
				s.Errorf("order %s: Alipay sent %d fen back, we know of %d", order.ID, trade.sentBack(), order.Refunded)
			}
		case trade.sentBack() == total:
		default:
			s.Errorf("trade %s of order %s (%s) is neither credited nor sent back, case %q", trade.TradeNo, order.ID, order.State, s.cases[trade.TradeNo])
		}
	}
	held := int64(0)
	for i := range accounts {
		entries, err := s.store.Journal(s.Context(), account(i), 0, 10_000)
		if err != nil {
			s.Fatal(err)
		}
		for _, e := range entries {
			for _, p := range e.Postings {
				if p.To.Kind == wallet.InCash {
					held += p.Amount.Minor()
				}
				if p.From.Kind == wallet.InCash {
					held -= p.Amount.Minor()
				}
			}
		}
	}
	if held != taken {
		s.Errorf("Alipay holds %d fen for us, the wallets hold %d", taken, held)
	}
	s.Logf("%d orders: %d credited, %d refunds, %d notices quarantined and %d refused, %d cases, %d.%02d in the wallets",
		len(s.orders), credited, refunds, s.kept.Load(), s.refused.Load(), len(s.cases), held/100, held%100)
}
