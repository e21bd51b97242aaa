package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/proof"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

var (
	operator = api.Caller{Subject: "olga", Role: api.Operator}
	partner  = api.Caller{Subject: "paul", Role: api.Partner, Partner: "reseller"}
)

// world is the desk over an account, acme, in CNY.
type world struct {
	handler
	t     *testing.T
	serve api.Handler
	now   time.Time
	queue *tray // of usage bills
	told  *tray // of events
}

// tray is a queue whose messages stay.
type tray struct {
	mu   sync.Mutex
	sent []string
	err  error
}

func (q *tray) Send(_ context.Context, body string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.sent = append(q.sent, body)
	}
	return q.err
}

// dice gives the same codes in every run, to as many as ask at once.
type dice struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func (d *dice) Read(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.source.Read(b)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC), queue: new(tray), told: new(tray)}
	now := func() time.Time { return w.now }
	metrics := &metric.Metrics{Out: new(bytes.Buffer), Now: now}
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	w.handler = handler{
		ledger:     l,
		vouchers:   &voucher.Desk{Ledger: l, Key: []byte("a key of tests"), Metrics: metrics, Now: now, Chance: &dice{source: rand.NewChaCha8([32]byte{7})}},
		quarantine: &quarantine.Quarantine{Store: l.Store, Now: now, Metrics: metrics},
		replays:    map[string]sender{billSource: w.queue, noticeSource: w.told},
		proofs:     &proof.Book{Store: l.Store, Now: now},
		charges:    &charge.Desk{Store: l.Store, Now: now, Log: slog.New(slog.DiscardHandler)},
		cursors:    api.Cursors{Key: []byte("a key of tests")},
	}
	w.serve = api.Serve(slog.New(slog.DiscardHandler), w.routes()...)
	w.do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"})
	return w
}

// do runs a command on acme.
func (w *world) do(command wallet.Command) wallet.Entry {
	w.t.Helper()
	receipt, err := w.ledger.Do(w.t.Context(), "acme", ledger.Intent{Command: command, After: charge.Of})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Entry
}

// settle settles a bill of the day before: 13.40 of logs and 5.00 of SMS.
func (w *world) settle(id wallet.BillID, method wallet.Method) wallet.Entry {
	w.t.Helper()
	lines := []wallet.Line{{Product: "logs", Usage: "67", Unit: "GB"}, {Product: "sms", Usage: "50", Unit: "message"}}
	for i, amount := range []string{"13.4", "5"} {
		var err error
		if lines[i].Amount, err = money.ParseExact("", amount, money.CNY); err != nil {
			w.t.Fatal(err)
		}
	}
	return w.do(wallet.Settle{
		Bill:   wallet.Bill{ID: id, Workspace: "ws-1", Day: "2026-11-01", Currency: money.CNY, Lines: lines},
		DayEnd: time.Date(2026, 11, 1, 16, 0, 0, 0, time.UTC), Method: method, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-1"},
	})
}

func (w *world) cash(units int64) {
	w.do(wallet.Adjust{Account: "acme", Once: "seed", Amount: money.Units(money.CNY, units), Reason: "seed"})
}

// voucher gives acme a regular voucher.
func (w *world) voucher(once string, units int64) wallet.Lot {
	return w.do(wallet.Activate{
		Account: "acme", Once: once, Kind: wallet.Regular, Source: wallet.FromOperator, Face: money.Units(money.CNY, units), MinBill: money.Zero(money.CNY),
	}).Lots[0]
}

func (w *world) keep(id, source, body string) {
	w.t.Helper()
	if err := w.quarantine.Keep(w.t.Context(), quarantine.Message{ID: id, Source: source, Kind: "invalid", Detail: "invalid: broken", Body: []byte(body)}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) quotaOf(units int64) {
	w.t.Helper()
	if err := w.writeQuota(w.t.Context(), "reseller", money.Units(money.CNY, units), "olga"); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) head() wallet.Head {
	w.t.Helper()
	head, err := w.ledger.Open(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	return head
}

// send sends a request of an operator.
func (w *world) send(route, key, body string, params ...string) apitest.Answer {
	w.t.Helper()
	return w.sendBy(operator, route, key, body, params...)
}

// sendBy sends a request; params are names and values of its path, and the account is acme.
func (w *world) sendBy(who api.Caller, route, key, body string, params ...string) apitest.Answer {
	w.t.Helper()
	c := apitest.Call{Route: route, Params: map[string]string{"account": "acme"}, Caller: who, Key: key, Body: body}
	for i := 0; i < len(params); i += 2 {
		c.Params[params[i]] = params[i+1]
	}
	return apitest.Send(w.t, w.serve, c.Event())
}

func (w *world) want(got apitest.Answer, status int, what string, args ...any) {
	w.t.Helper()
	if got.Status != status {
		w.t.Errorf("%s: %d %s, want %d", fmt.Sprintf(what, args...), got.Status, got.Body, status)
	}
}
