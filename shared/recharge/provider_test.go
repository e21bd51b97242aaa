package recharge

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/wallet"
)

// provider is a payment provider without a network. It is exact about money: what it was paid, and what it sent back.
type provider struct {
	mu      sync.Mutex
	trades  map[string]payment.Trade // by order: the one that Query tells
	others  map[string]payment.Trade // by ref: second payments
	refunds map[string]payment.Refund
	refuse  bool                       // refunds are refused
	silent  func(call string) answered // how a call goes wrong
	calls   []string
	check   func(payment.Refund) // runs before money is sent back
}

// answered is what becomes of a call: the provider does it or not, and its answer comes or doesn't.
type answered struct{ done, heard bool }

var well = answered{true, true}

func (p *provider) call(what string, do func()) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, what)
	fate := well
	if p.silent != nil {
		fate = p.silent(what)
	}
	if fate.done {
		do()
	}
	if !fate.heard {
		return fmt.Errorf("%s: %w", what, payment.ErrUnknownOutcome)
	}
	return nil
}

func (p *provider) Name() string                 { return "alipay" }
func (p *provider) Currencies() []money.Currency { return []money.Currency{money.CNY} }
func (p *provider) VerifyNotice(payment.Delivery) (payment.Notice, error) {
	return payment.Notice{}, payment.ErrMalformed
}
func (p *provider) Reply(bool) payment.Reply { return payment.Reply{} }

func (p *provider) Create(_ context.Context, order payment.Order) (payment.Checkout, error) {
	err := p.call("create", func() {})
	return payment.Checkout{Content: "https://qr.example.com/" + order.ID, ExpiresAt: order.ExpiresAt}, err
}

var noTrade = &payment.Refused{Channel: "alipay", Code: "40004 ACQ.TRADE_NOT_EXIST", Meaning: payment.ErrNoTrade}

func (p *provider) Query(_ context.Context, id string) (trade payment.Trade, err error) {
	found := false
	if err := p.call("query", func() { trade, found = p.trades[id] }); err != nil {
		return payment.Trade{}, err
	}
	if !found {
		return payment.Trade{}, noTrade
	}
	return trade, nil
}

func (p *provider) Find(_ context.Context, ref string) (payment.Trade, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.trades {
		if t.Ref == ref {
			return t, nil
		}
	}
	if t, found := p.others[ref]; found {
		return t, nil
	}
	return payment.Trade{}, noTrade
}

func (p *provider) Close(_ context.Context, id string) error {
	return p.call("close", func() {
		if t := p.trades[id]; t.State == payment.Waiting {
			t.State = payment.Closed
			p.trades[id] = t
		}
	})
}

func (p *provider) Refund(_ context.Context, refund payment.Refund) (payment.RefundState, error) {
	state := payment.RefundWaiting
	err := p.call("refund", func() {
		if before, again := p.refunds[refund.ID]; again {
			if before != refund {
				panic("a refund was repeated with other parameters")
			}
			return
		}
		if p.refuse {
			return
		}
		if p.check != nil {
			p.check(refund)
		}
		p.refunds[refund.ID], state = refund, payment.RefundDone
	})
	if err == nil && p.refuse && p.refunds[refund.ID].ID == "" {
		return "", &payment.Refused{Channel: "alipay", Code: "40004 ACQ.SELLER_BALANCE_NOT_ENOUGH"}
	}
	return state, err
}

func (p *provider) QueryRefund(_ context.Context, refund payment.Refund) (payment.RefundState, error) {
	state := payment.RefundNone
	err := p.call("refund query", func() {
		if _, known := p.refunds[refund.ID]; known {
			state = payment.RefundDone
		}
	})
	return state, err
}

// sent is what the provider has sent back, in fen.
func (p *provider) sent() (fen int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.refunds {
		fen += r.Amount.Minor()
	}
	return fen
}

// world is a desk with its watchman, over an account "acme", at a provider of the test's.
type world struct {
	testing.TB
	now      time.Time
	store    ledger.Store
	provider *provider
	desk     *Desk
	watchman *Watchman
	cases    []string
	stuck    int
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, now: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC), store: &memory.Store{}}
	w.provider = &provider{trades: map[string]payment.Trade{}, others: map[string]payment.Trade{}, refunds: map[string]payment.Refund{}}
	books := &ledger.Ledger{
		Store: w.store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return w.now },
		Wait: func(ctx context.Context, _ int) error { return ctx.Err() },
	}
	w.desk = &Desk{Ledger: books, Channel: w.provider}
	w.watchman = &Watchman{
		Desk: w.desk, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Stuck: func(Refund) { w.stuck++ },
		Case: func(_ context.Context, order Order, trade payment.Trade, unfit *payment.NoticeError) error {
			w.cases = append(w.cases, unfit.Reason)
			return nil
		},
	}
	if _, err := books.Do(t.Context(), "acme", ledger.Intent{Command: wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}}); err != nil {
		t.Fatal(err)
	}
	return w
}

// order takes an order of so much.
func (w *world) order(key, amount string) Order {
	w.Helper()
	order, _, err := w.desk.Take(w.Context(), Wish{Account: "acme", Once: key, Amount: amount})
	if err != nil {
		w.Fatal(err)
	}
	return order
}

// pay has the provider take the money; nobody is told.
func (w *world) pay(o Order) payment.Trade {
	t := payment.Trade{Channel: "alipay", OrderID: o.ID, Ref: "T" + o.ID[:8], State: payment.Paid, Total: o.Amount(), Received: o.Amount(), Refunded: money.Zero(o.Currency)}
	w.provider.trades[o.ID] = t
	return t
}

// second is another trade that paid for the same order.
func (w *world) second(first payment.Trade) payment.Trade {
	first.Ref += "2"
	w.provider.others[first.Ref] = first
	return first
}

// credited takes an order, and has it paid and credited.
func (w *world) credited(key, amount string) (Order, payment.Trade) {
	w.Helper()
	o := w.order(key, amount)
	trade := w.pay(o)
	if _, err := w.desk.Credit(w.Context(), trade); err != nil {
		w.Fatal(err)
	}
	return w.find(o.ID), trade
}

func (w *world) find(id string) Order {
	w.Helper()
	o, err := w.desk.Find(w.Context(), "acme", id)
	if err != nil {
		w.Fatal(err)
	}
	return o
}

// round makes a round of the watchman, a minute after the last.
func (w *world) round() Round {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	round, err := w.watchman.Walk(w.Context(), 0)
	if err != nil {
		w.Fatal(err)
	}
	return round
}

// until makes rounds for so long.
func (w *world) until(d time.Duration) (sum Round) {
	w.Helper()
	for end := w.now.Add(d); w.now.Before(end); {
		sum.add(w.round())
	}
	return sum
}

func (w *world) cash() string {
	w.Helper()
	head, err := w.store.Head(w.Context(), "acme")
	if err != nil {
		w.Fatal(err)
	}
	return head.Cash.String()
}

// held is what the journal still holds for refunds.
func (w *world) held() (fen int64) {
	w.Helper()
	entries, err := w.store.Journal(w.Context(), "acme", 0, 1000)
	if err != nil {
		w.Fatal(err)
	}
	for _, e := range entries {
		for _, p := range e.Postings {
			if p.To.Kind == wallet.AtRefund {
				fen += p.Amount.Minor()
			}
			if p.From.Kind == wallet.AtRefund {
				fen -= p.Amount.Minor()
			}
		}
	}
	return fen
}
