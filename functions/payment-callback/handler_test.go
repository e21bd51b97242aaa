package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/counter"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/payment/alipay"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// The events are about one order, of 100.00, and are signed with the keys beside them.
const (
	order  = "rch_20261101_0001"
	events = "../../events/payment-callback/"
)

var noon = time.Date(2026, 11, 1, 2, 0, 30, 0, time.UTC)

// world is the function over an account "acme", which waits for the order to be paid.
type world struct {
	t     *testing.T
	store *counted
	handler
}

// counted counts the calls of a store, and can be out of order.
type counted struct {
	ledger.Store
	mu    sync.Mutex
	calls int
	down  bool
}

func (c *counted) call() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.down {
		return ledger.ErrUnknown
	}
	return nil
}

func (c *counted) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	if err := c.call(); err != nil {
		return nil, err
	}
	return c.Store.Documents(ctx, keys...)
}

func (c *counted) Put(ctx context.Context, documents ...ledger.Document) error {
	if err := c.call(); err != nil {
		return err
	}
	return c.Store.Put(ctx, documents...)
}

func newWorld(t *testing.T) *world { return newWorldFor(t, "paid") }

// newWorldFor is the world of an event: some are for an app in certificate mode, some tell of refunds that we made.
func newWorldFor(t *testing.T, event string) *world {
	secretFile := "secret.json"
	if strings.HasPrefix(event, "certificate-") {
		secretFile = "secret-certificates.json"
	}
	text, err := os.ReadFile(events + "testdata/" + secretFile)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := alipay.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	channel, err := alipay.New(alipay.Config{Mode: alipay.Sandbox, Secret: secret, NotifyURL: "https://api.billing.example.com/v1/payments/alipay/notices"})
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return noon }
	books := &ledger.Ledger{Store: &memory.Store{}, Policy: wallet.DefaultPolicy(), Now: now}
	if _, err := books.Do(t.Context(), "acme", ledger.Intent{Command: wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}}); err != nil {
		t.Fatal(err)
	}
	waiting := recharge.Order{
		ID: order, Account: "acme", Channel: "alipay", Currency: money.CNY, Minor: 100_00, State: recharge.Awaiting,
		CreatedAt: noon, ExpiresAt: noon.Add(30 * time.Minute),
	}
	if err := books.Store.Put(t.Context(), ledger.Document{Key: ledger.DocumentKey{Kind: "recharge", ID: order}}.With(waiting)); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: &counted{Store: books.Store}}
	books.Store = w.store
	metrics := &metric.Metrics{Out: io.Discard}
	w.handler = handler{counter.Notices{
		Channel: channel, Desk: &recharge.Desk{Ledger: books}, Metrics: metrics, Log: slog.New(slog.DiscardHandler),
		Quarantine: &quarantine.Quarantine{Store: w.store, Now: now, Metrics: metrics},
	}}
	if strings.HasPrefix(event, "refund-of-") {
		w.refund(event)
	}
	return w
}

// refund makes what a refund's notice tells of: an operator's refund of the paid order, or that of a second payment.
func (w *world) refund(event string) {
	w.t.Helper()
	w.send("paid")
	if event == "refund-of-second-payment" {
		w.send("second-trade")
		return
	}
	amount := "30.00"
	if event == "refund-of-ours-in-full" {
		amount = "100.00"
	}
	wish := recharge.RefundWish{Order: order, Once: "refund-1", Amount: amount, Reason: "test", Actor: "operator-1"}
	if _, _, err := w.Desk.Refund(w.t.Context(), wish); err != nil {
		w.t.Fatal(err)
	}
}

// send delivers one of the events, and tells what the provider hears.
func (w *world) send(name string) string {
	w.t.Helper()
	var said string
	apitest.Send(w.t, w.serve(), apitest.Event(w.t, "payment-callback", name)).Into(w.t, &said)
	return said
}

func (w *world) serve() api.Handler { return api.Serve(w.Log, w.routes()...) }

func (w *world) cash() string {
	w.t.Helper()
	head, err := w.store.Head(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	return head.Cash.String()
}

func (w *world) kept() []quarantine.Message {
	w.t.Helper()
	messages, _, err := w.Quarantine.List(w.t.Context(), "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	return messages
}

func TestEvents(t *testing.T) {
	apitest.Run(t, "payment-callback", func(t *testing.T, name string) api.Handler { return newWorldFor(t, name).serve() })
}

// What each event must lead to, whatever the answer looks like. accepted is what the provider hears; a notice that
// isn't genuine must not reach the store at all.
func TestWhatEachNoticeDoes(t *testing.T) {
	const (
		credits  = "credits"
		nothing  = "accepted, without effect"
		kept     = "kept for an operator, then accepted"
		rejected = "not accepted, and no trace"
	)
	for name, want := range map[string]string{
		"paid": credits, "paid-base64": credits, "paid-short-amount": credits, "paid-zero-refund": credits, "finished": credits, "paid-replayed": credits,
		"second-trade": credits, "waiting": nothing, "closed": nothing,
		"amount-too-small": kept, "amount-too-large": kept, "amount-exponent": kept, "coupon": kept, "other-app": kept, "other-seller": kept,
		"other-auth-app": kept, "unknown-order": kept, "strange-order-id": kept, "refunded-in-part": kept, "refunded-in-full": kept, "pending": kept,
		"certificate-paid": credits, "certificate-unnamed": credits, "certificate-unknown": rejected,
		"unsigned": rejected, "forged-signature": rejected, "forged-key": rejected, "forged-amount": rejected, "forged-cert-sn": rejected, "forged-extra-param": rejected,
		"sign-type-md5": rejected, "duplicate-key": rejected, "duplicate-sign": rejected, "empty": rejected, "text-plain": rejected, "bad-escape": rejected,
		"bad-utf8": rejected, "charset-evil": rejected, "base64-flag-lies": rejected, "too-many-fields": rejected,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldFor(t, name)
			said, got := w.send(name), ""
			switch {
			case w.cash() == "100.00" && len(w.kept()) == 0 && said == "success":
				got = credits
			case w.cash() == "0.00" && len(w.kept()) == 1 && said == "success":
				got = kept
			case w.cash() == "0.00" && w.store.calls == 0 && said != "success":
				got = rejected
			case w.cash() == "0.00" && len(w.kept()) == 0 && said == "success":
				got = nothing
			}
			if got != want {
				t.Errorf("said %q, cash %s, kept %v, store asked %d times: want %q", said, w.cash(), w.kept(), w.store.calls, want)
			}
		})
	}
}

func TestAnOrderIsCreditedOnceWhateverRepeats(t *testing.T) {
	w := newWorld(t)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if said := w.send("paid"); said != "success" {
				t.Errorf("said %q", said)
			}
		})
	}
	all.Wait()
	for _, again := range []string{"paid-again", "finished", "paid-replayed", "waiting", "closed"} {
		if said := w.send(again); said != "success" {
			t.Errorf("%s: said %q", again, said)
		}
	}
	if w.cash() != "100.00" || len(w.kept()) != 0 {
		t.Errorf("cash %s, kept %v", w.cash(), w.kept())
	}
}

func TestASecondPaymentOfAnOrderOpensItsRefundOnce(t *testing.T) {
	w := newWorld(t)
	w.send("paid")
	for range 3 {
		if said := w.send("second-trade"); said != "success" || w.cash() != "100.00" || len(w.kept()) != 0 {
			t.Errorf("said %q, cash %s, kept %v", said, w.cash(), w.kept())
		}
	}
	refunds, err := w.Desk.Refunds(t.Context(), order)
	if err != nil || len(refunds) != 1 || refunds[0].Cause != recharge.SecondPayment || refunds[0].Amount().String() != "100.00" {
		t.Errorf("refunds %+v, %v", refunds, err)
	}
}

// A refund that we asked for is told at the payment's URL: as TRADE_SUCCESS once more, or TRADE_CLOSED. It credits nothing, books
// nothing, which is payment-poller's, and is no case.
func TestNoticesOfOurOwnRefundsChangeNothing(t *testing.T) {
	for name, cash := range map[string]string{"refund-of-ours": "70.00", "refund-of-ours-in-full": "0.00", "refund-of-second-payment": "100.00"} {
		w := newWorldFor(t, name)
		if w.cash() != cash {
			t.Errorf("%s: cash %s before", name, w.cash())
		}
		for range 2 {
			if said := w.send(name); said != "success" || w.cash() != cash || len(w.kept()) != 0 {
				t.Errorf("%s: said %q, cash %s, kept %v", name, said, w.cash(), w.kept())
			}
		}
		if refunds, err := w.Desk.Refunds(t.Context(), order); err != nil || len(refunds) != 1 || refunds[0].State != recharge.RefundPending {
			t.Errorf("%s: refunds %+v, %v", name, refunds, err)
		}
	}
}

func TestALatePaymentOfAClosedOrderCredits(t *testing.T) {
	w := newWorld(t)
	w.send("closed")
	if said := w.send("paid"); said != "success" || w.cash() != "100.00" {
		t.Errorf("said %q, cash %s", said, w.cash())
	}
}

func TestWithoutTheDatabaseNothingIsAccepted(t *testing.T) {
	for _, name := range []string{"paid", "unknown-order", "closed", "amount-too-small"} {
		w := newWorld(t)
		w.store.down = true
		if said := w.send(name); said == "success" {
			t.Errorf("%s: said %q while the database was down", name, said)
		}
	}
}

// N39: ten thousand forged notices a minute cost arithmetic, and nothing else: no database, no call.
func TestForgedNoticesReachNothing(t *testing.T) {
	w := newWorld(t)
	var metrics bytes.Buffer
	w.Metrics.Out = &metrics
	const many = 1000
	handle, event := w.serve(), apitest.Event(t, "payment-callback", "forged-signature")
	for range many {
		answer, err := handle(t.Context(), event)
		if err != nil || strings.Contains(answer.Body, "success") || answer.Body == base64.StdEncoding.EncodeToString([]byte("success")) {
			t.Fatal("a forged notice is taken")
		}
	}
	if counted := strings.Count(metrics.String(), `"NoticeRefused":1`); w.store.calls != 0 || counted != many || len(w.kept()) != 0 {
		t.Errorf("%d calls of the store, %d counted", w.store.calls, counted)
	}
}

// N70: the notice comes before the provider's answer to precreate was noted; the order was written before the call.
func TestANoticeThatOvertakesItsOrdersAnswerCredits(t *testing.T) {
	w := newWorld(t)
	pending, document, err := ledger.Read[recharge.Order](t.Context(), w.store, recharge.Key(order))
	if err == nil {
		pending.State = recharge.Pending
		err = w.store.Put(t.Context(), document.With(pending))
	}
	if err != nil {
		t.Fatal(err)
	}
	if said := w.send("paid"); said != "success" || w.cash() != "100.00" {
		t.Errorf("said %q, cash %s", said, w.cash())
	}
}
