package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"billingcentre/shared/counter"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// provider says the same of every order.
type provider struct {
	says func(id string) (payment.Trade, error)
}

func (p provider) Name() string                 { return "alipay" }
func (p provider) Currencies() []money.Currency { return []money.Currency{money.CNY} }
func (p provider) Create(_ context.Context, order payment.Order) (payment.Checkout, error) {
	return payment.Checkout{Content: "https://qr.example.com/1", ExpiresAt: order.ExpiresAt}, nil
}
func (p provider) Query(_ context.Context, id string) (payment.Trade, error) { return p.says(id) }
func (p provider) VerifyNotice(payment.Delivery) (payment.Notice, error) {
	return payment.Notice{}, payment.ErrMalformed
}
func (p provider) Reply(bool) payment.Reply { return payment.Reply{} }

func event(t *testing.T) (d counter.Duty) {
	text, err := os.ReadFile("../../events/payment-poller/schedule.json")
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestWhatARoundDoes(t *testing.T) {
	trade := func(id string, fen int64) (payment.Trade, error) {
		amount := money.Of(money.CNY, fen)
		return payment.Trade{OrderID: id, Ref: "T1", State: payment.Paid, Total: amount, Received: amount}, nil
	}
	for _, row := range []struct {
		says string
		said func(id string) (payment.Trade, error)
		want recharge.Round
		cash string
		kept int
	}{
		{"paid", func(id string) (payment.Trade, error) { return trade(id, 100) }, recharge.Round{Asked: 1, Credited: 1, Over: 1}, "1.00", 0},
		{"another amount", func(id string) (payment.Trade, error) { return trade(id, 99) }, recharge.Round{Asked: 1, Cases: 1, Over: 1}, "0.00", 1},
		{"no answer", func(string) (payment.Trade, error) { return payment.Trade{}, payment.ErrUnknownOutcome }, recharge.Round{Asked: 1, Failed: 1}, "0.00", 0},
		{"no trade yet", func(string) (payment.Trade, error) { return payment.Trade{}, payment.ErrNoTrade }, recharge.Round{Asked: 1}, "0.00", 0},
	} {
		t.Run(row.says, func(t *testing.T) {
			now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
			clock := func() time.Time { return now }
			metrics := &metric.Metrics{Out: io.Discard}
			books := &ledger.Ledger{Store: &memory.Store{}, Policy: wallet.DefaultPolicy(), Now: clock}
			h := handler{counter.Rounds{
				Desk: &recharge.Desk{Ledger: books, Channel: provider{row.said}}, Metrics: metrics, Log: slog.New(slog.DiscardHandler),
				Quarantine: &quarantine.Quarantine{Store: books.Store, Now: clock, Metrics: metrics},
			}}
			open := wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}
			if _, err := books.Do(t.Context(), "acme", ledger.Intent{Command: open}); err != nil {
				t.Fatal(err)
			}
			if _, _, err := h.Desk.Take(t.Context(), recharge.Wish{Account: "acme", Once: "k", Amount: "1.00"}); err != nil {
				t.Fatal(err)
			}
			if round, err := h.handle(t.Context(), event(t)); err != nil || round != (recharge.Round{}) {
				t.Errorf("before its time: %+v, %v", round, err)
			}
			now = now.Add(time.Minute)
			if round, err := h.handle(t.Context(), event(t)); err != nil || round != row.want {
				t.Errorf("%+v, %v, want %+v", round, err, row.want)
			}
			kept, _, err := h.Quarantine.List(t.Context(), "", 10)
			head, headErr := books.Store.Head(t.Context(), "acme")
			if err != nil || headErr != nil || len(kept) != row.kept || head.Cash.String() != row.cash {
				t.Errorf("cash %s, kept %v, %v", head.Cash, kept, err)
			}
		})
	}
}

// N76: a verified notice says paid, the provider's query still says waiting: the signature is trusted, and nothing is taken back.
func TestAQueryThatLagsBehindTheNoticeChangesNothing(t *testing.T) {
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	clock, metrics := func() time.Time { return now }, &metric.Metrics{Out: io.Discard}
	books := &ledger.Ledger{Store: &memory.Store{}, Policy: wallet.DefaultPolicy(), Now: clock}
	waits := func(id string) (payment.Trade, error) {
		return payment.Trade{OrderID: id, Ref: "T1", State: payment.Waiting, Total: money.Of(money.CNY, 100), Received: money.Of(money.CNY, 0)}, nil
	}
	h := handler{counter.Rounds{
		Desk: &recharge.Desk{Ledger: books, Channel: provider{waits}}, Metrics: metrics, Log: slog.New(slog.DiscardHandler),
		Quarantine: &quarantine.Quarantine{Store: books.Store, Now: clock, Metrics: metrics},
	}}
	open := wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}
	if _, err := books.Do(t.Context(), "acme", ledger.Intent{Command: open}); err != nil {
		t.Fatal(err)
	}
	order, _, err := h.Desk.Take(t.Context(), recharge.Wish{Account: "acme", Once: "k", Amount: "1.00"})
	if err != nil {
		t.Fatal(err)
	}
	paid := payment.Notice{Trade: payment.Trade{Channel: "alipay", OrderID: order.ID, Ref: "T1", State: payment.Paid, Total: order.Amount(), Received: order.Amount()}}
	if credited, err := h.Desk.Heed(t.Context(), paid); err != nil || !credited {
		t.Fatal(credited, err)
	}
	for now = now.Add(time.Minute); now.Before(order.Ends().Add(time.Hour)); now = now.Add(time.Minute) {
		if _, err := h.handle(t.Context(), event(t)); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Desk.Ask(t.Context(), "acme", order.ID, ""); err != nil {
			t.Fatal(err)
		}
	}
	head, err := books.Store.Head(t.Context(), "acme")
	if found, findErr := h.Desk.Find(t.Context(), "acme", order.ID); err != nil || findErr != nil || head.Cash.String() != "1.00" || found.State != recharge.Credited {
		t.Errorf("cash %s, %+v, %v, %v", head.Cash, found, err, findErr)
	}
}

func TestOtherEventsDoNothing(t *testing.T) {
	if _, err := (handler{}).handle(t.Context(), counter.Duty{Duty: "expiry"}); err == nil {
		t.Error("took another schedule's event")
	}
}
