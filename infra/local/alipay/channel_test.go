package alipay

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	channel "billingcentre/shared/payment/alipay"
)

// signed wraps an answer as the gateway does, with a key of the test's choice.
func signed(t *testing.T, key *rsa.PrivateKey, name, answer string) string {
	t.Helper()
	signature, err := sign(key, answer)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`{"%s":%s,"sign":"%s"}`, name, answer, signature)
}

const queryAnswer = "alipay_trade_query_response"

func answerOf(members string) string {
	return `{"code":"10000","msg":"Success","out_trade_no":"rch_1","trade_no":"2026110122001","trade_status":"TRADE_SUCCESS",` +
		`"total_amount":"88.88","send_pay_date":"2026-11-01 10:00:00"` + members + `}`
}

// TestUnprovenAnswers: whatever isn't a whole, signed answer about our order leaves the outcome unknown: never success, never failure.
func TestUnprovenAnswers(t *testing.T) {
	good := signed(t, keys().Alipay, queryAnswer, answerOf(""))
	verdict := func(code, sub string) string {
		return signed(t, keys().Alipay, queryAnswer, fmt.Sprintf(`{"code":"%s","sub_code":"%s","out_trade_no":"rch_1","trade_no":"1","trade_status":"TRADE_SUCCESS","total_amount":"88.88"}`, code, sub))
	}
	for _, row := range []struct {
		name   string
		status int
		body   string
	}{
		{"500", 500, good},
		{"502 with a page", 502, "<html>Bad gateway</html>"},
		{"redirect", 302, good},
		{"200 with a page", 200, "<html></html>"},
		{"nothing", 200, ""},
		{"cut off", 200, good[:len(good)-20]},
		{"too large", 200, good + strings.Repeat(" ", 1<<20)},
		{"signed by the app itself", 200, signed(t, keys().App, queryAnswer, answerOf(""))},
		{"one character changed", 200, strings.Replace(good, "88.88", "98.88", 1)},
		{"unsigned", 200, `{"` + queryAnswer + `":` + answerOf("") + `}`},
		{"empty signature", 200, `{"` + queryAnswer + `":` + answerOf("") + `,"sign":""}`},
		{"unsigned TRADE_NOT_EXIST", 200, `{"` + queryAnswer + `":{"code":"40004","sub_code":"ACQ.TRADE_NOT_EXIST"}}`},
		{"unsigned error_response", 200, `{"error_response":{"code":"40002","sub_code":"isv.invalid-app-id"}}`},
		{"two answers", 200, strings.Replace(good, `{"`+queryAnswer, `{"x_response":{},"`+queryAnswer, 1)},
		{"a member twice", 200, strings.Replace(good, `,"sign"`, `,"sign":"AAAA","sign"`, 1)},
		{"another method's answer", 200, signed(t, keys().Alipay, "alipay_trade_close_response", answerOf(""))},
		{"about another order", 200, signed(t, keys().Alipay, queryAnswer, strings.Replace(answerOf(""), "rch_1", "rch_2", 1))},
		{"10003 in process", 200, verdict("10003", "")},
		{"20000", 200, verdict("20000", "isp.unknow-error")},
		{"SYSTEM_ERROR", 200, verdict("40004", "ACQ.SYSTEM_ERROR")},
		{"40005 too many calls", 200, verdict("40005", "isv.call-limited")},
		{"10000 with a sub-code", 200, verdict("10000", "ACQ.WHAT")},
		{"no code", 200, verdict("", "")},
		{"a code that nobody knows", 200, verdict("70000", "")},
		{"an amount with three decimals", 200, signed(t, keys().Alipay, queryAnswer, answerOf(`,"receipt_amount":"88.880"`))},
		{"another currency", 200, signed(t, keys().Alipay, queryAnswer, answerOf(`,"trans_currency":"USD"`))},
	} {
		t.Run(row.name, func(t *testing.T) {
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(row.status)
				_, _ = io.WriteString(w, row.body)
			}))
			defer gateway.Close()
			trade, err := newChannel(t, gateway.URL).Query(t.Context(), "rch_1")
			if !errors.Is(err, payment.ErrUnknownOutcome) {
				t.Errorf("trade %+v, error %v", trade, err)
			}
			var refused *payment.Refused
			if errors.As(err, &refused) {
				t.Errorf("taken for a refusal: %v", refused)
			}
		})
	}
}

// TestSilence: a gateway that doesn't answer, or isn't there, leaves the outcome unknown, in bounded time.
func TestSilence(t *testing.T) {
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer silent.Close()
	defer close(release)
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	for name, url := range map[string]string{"silent": silent.URL, "gone": gone.URL} {
		c := newChannel(t, url, func(c *channel.Config) { c.Timeout = 50 * time.Millisecond })
		start := time.Now()
		if _, err := c.Query(t.Context(), "rch_1"); !errors.Is(err, payment.ErrUnknownOutcome) || time.Since(start) > 5*time.Second {
			t.Errorf("%s: %v after %v", name, err, time.Since(start))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newChannel(t, silent.URL).Query(ctx, "rch_1"); !errors.Is(err, payment.ErrUnknownOutcome) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestQueryStates: what a query says, in our words.
func TestQueryStates(t *testing.T) {
	for _, row := range []struct {
		name, members string
		want          payment.State
	}{
		{"paid", "", payment.Paid},
		{"paid on credit", `,"credit_pay_mode":"creditAdvanceV2"`, payment.Unknown},
		{"paid, not received", `,"additional_status":"SELLER_NOT_RECEIVED"`, payment.Waiting},
		{"full refund", `,"trade_status":"TRADE_CLOSED"`, payment.Refunded},
		{"closed", `,"trade_status":"TRADE_CLOSED","send_pay_date":""`, payment.Closed},
		{"unknown word", `,"trade_status":"TRADE_DREAMT"`, payment.Unknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, signed(t, keys().Alipay, queryAnswer, answerOf(row.members)))
			}))
			defer gateway.Close()
			trade, err := newChannel(t, gateway.URL).Query(t.Context(), "rch_1")
			if err != nil || trade.State != row.want || trade.Total != money.Of(money.CNY, 8888) || trade.Received != trade.Total {
				t.Errorf("trade %+v, error %v", trade, err)
			}
		})
	}
}

// TestAnswersDuringRotation: while Alipay changes its key, answers signed by either are taken, and an alipay_cert_sn in them
// makes nobody fetch a certificate.
func TestAnswersDuringRotation(t *testing.T) {
	next, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := publicPEM(&next.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	var key atomic.Pointer[rsa.PrivateKey]
	var calls atomic.Int32
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		body := signed(t, key.Load(), queryAnswer, answerOf(""))
		_, _ = io.WriteString(w, strings.Replace(body, `,"sign"`, `,"alipay_cert_sn":"0123456789abcdef","sign"`, 1))
	}))
	defer gateway.Close()
	c := newChannel(t, gateway.URL, func(c *channel.Config) { c.Secret.NextKey = public })
	for i, row := range []struct {
		key   *rsa.PrivateKey
		calls int32
	}{{keys().Alipay, 1}, {next, 2}, {next, 1}, {keys().Alipay, 2}} {
		key.Store(row.key)
		calls.Store(0)
		if trade, err := c.Query(t.Context(), "rch_1"); err != nil || trade.State != payment.Paid {
			t.Errorf("query %d: %+v, %v", i, trade, err)
		}
		if calls.Load() != row.calls {
			t.Errorf("query %d took %d calls, want %d", i, calls.Load(), row.calls)
		}
	}
}

// TestOrdersAreChecked: what Alipay would refuse isn't sent.
func TestOrdersAreChecked(t *testing.T) {
	w := newTown(t)
	for _, row := range []struct {
		field  string
		change func(*payment.Order)
	}{
		{"id", func(o *payment.Order) { o.ID = "rch-1" }},
		{"id", func(o *payment.Order) { o.ID = "" }},
		{"amount", func(o *payment.Order) { o.Amount = money.Of(money.USD, 100) }},
		{"amount", func(o *payment.Order) { o.Amount = money.Zero(money.CNY) }},
		{"amount", func(o *payment.Order) { o.Amount = money.Of(money.CNY, -1) }},
		{"amount", func(o *payment.Order) { o.Amount = money.Of(money.CNY, 10_000_000_001) }},
		{"expires_at", func(o *payment.Order) { o.ExpiresAt = w.clock.now() }},
		{"expires_at", func(o *payment.Order) { o.ExpiresAt = w.clock.now().Add(16 * 24 * time.Hour) }},
		{"expires_at", func(o *payment.Order) { o.ExpiresAt = time.Time{} }},
		{"subject", func(o *payment.Order) { o.Subject = " /&=\u202e\x00 " }},
	} {
		order := w.order("rch_1")
		row.change(&order)
		var refused *payment.OrderError
		if _, err := w.channel.Create(w.ctx(), order); !errors.As(err, &refused) || refused.Field != row.field {
			t.Errorf("%+v: %v, want an error about %s", order, err, row.field)
		}
	}
	if _, found := w.gateway.Trade("rch_1"); found {
		t.Error("an order was sent")
	}
	for _, minor := range []int64{1, 10_000_000_000} { // the edges (H85)
		order := w.order(fmt.Sprint("rch_", minor))
		order.Amount, order.Subject = money.Of(money.CNY, minor), strings.Repeat("充值🙂", 100)
		if _, err := w.channel.Create(w.ctx(), order); err != nil {
			t.Errorf("%s: %v", order.Amount, err)
		}
	}
}
