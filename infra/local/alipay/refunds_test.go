package alipay

import (
	"errors"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
)

func (w *town) refund(id string, trade Trade, fen int64) payment.Refund {
	return payment.Refund{ID: id, OrderID: trade.OutTradeNo, Ref: trade.TradeNo, Amount: money.Of(money.CNY, fen), Reason: "误充 a/b & c=d"}
}

// TestRefunds: each out_request_no sends money back once; fund_change tells, and the refund query; never more than was paid.
func TestRefunds(t *testing.T) {
	w := newTown(t)
	w.create("rch_1")
	trade, err := w.gateway.Pay("rch_1")
	if err != nil {
		t.Fatal(err)
	}
	part := w.refund("F1", trade, 30_00)
	if state, err := w.channel.QueryRefund(w.ctx(), part); err != nil || state != payment.RefundNone {
		t.Errorf("a refund that nobody asked for: %s, %v", state, err)
	}
	if state, err := w.channel.Refund(w.ctx(), part); err != nil || state != payment.RefundDone {
		t.Errorf("%s, %v", state, err)
	}
	if state, err := w.channel.Refund(w.ctx(), part); err != nil || state != payment.RefundWaiting {
		t.Errorf("again, fund_change must be N: %s, %v", state, err)
	}
	if state, err := w.channel.QueryRefund(w.ctx(), part); err != nil || state != payment.RefundDone {
		t.Errorf("queried: %s, %v", state, err)
	}
	other := part
	other.Amount = money.Of(money.CNY, 31_00)
	var refused *payment.Refused
	if _, err := w.channel.Refund(w.ctx(), other); !errors.As(err, &refused) {
		t.Errorf("the same number for another amount: %v", err)
	}
	if _, err := w.channel.Refund(w.ctx(), w.refund("F2", trade, 1_00)); !errors.Is(err, payment.ErrUnknownOutcome) {
		t.Errorf("too soon after the last one: %v", err)
	}
	w.clock.move(refundPause)
	if _, err := w.channel.Refund(w.ctx(), w.refund("F3", trade, 58_89)); !errors.As(err, &refused) {
		t.Errorf("more than is left: %v", err)
	}
	if state, err := w.channel.Refund(w.ctx(), w.refund("F4", trade, 58_88)); err != nil || state != payment.RefundDone {
		t.Errorf("the rest: %s, %v", state, err)
	}
	if got, err := w.channel.Query(w.ctx(), "rch_1"); err != nil || got.State != payment.Refunded {
		t.Errorf("%+v, %v", got, err)
	}
	w.gateway.Deliver(w.ctx())
	for i, want := range []struct {
		state  payment.State
		refund string
		sent   int64
	}{{payment.Paid, "", 0}, {payment.Refunded, "F1", 30_00}, {payment.Refunded, "F4", 88_88}} {
		found := false
		for _, n := range w.notices {
			found = found || n.State == want.state && n.Refund == want.refund && n.Refunded.Minor() == want.sent
		}
		if !found || w.errs[i] != nil {
			t.Errorf("no notice %+v among %+v, %v", want, w.notices, w.errs)
		}
	}
}

// TestPagePay: the address that the channel makes takes a browser to the payment; a changed one is refused.
func TestPagePay(t *testing.T) {
	w := newTown(t)
	checkout, err := w.channel.Page(w.ctx(), w.order("rch_1"), "https://console.example.com/done")
	if err != nil || checkout.ExpiresAt.IsZero() {
		t.Fatal(err)
	}
	if _, found := w.gateway.Trade("rch_1"); found {
		t.Error("making the address made a trade")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{checkout.Content, strings.Replace(checkout.Content, "88.88", "0.01", 1)} {
		answer, err := (&http.Client{Jar: jar, Timeout: 10 * time.Second}).Get(address)
		if err != nil {
			t.Fatal(err)
		}
		drain(answer.Body)
		if paying := strings.HasPrefix(answer.Request.URL.Path, "/pay/"); paying != (address == checkout.Content) {
			t.Errorf("%s led to %s", address, answer.Request.URL)
		}
	}
	if trade, err := w.channel.Query(w.ctx(), "rch_1"); err != nil || trade.State != payment.Waiting {
		t.Errorf("after the payer came: %+v, %v", trade, err)
	}
	trade, err := w.gateway.Pay("rch_1")
	if err != nil || trade.ReturnURL != "https://console.example.com/done" {
		t.Errorf("%+v, %v", trade, err)
	}
	if found, err := w.channel.Find(w.ctx(), trade.TradeNo); err != nil || found.State != payment.Paid || found.OrderID != "rch_1" {
		t.Errorf("by its number: %+v, %v", found, err)
	}
	if _, err := w.channel.Find(w.ctx(), "2026000000000"); !errors.Is(err, payment.ErrNoTrade) {
		t.Errorf("by the number of none: %v", err)
	}
}

// TestCloseIsTold: an unpaid trade that is closed, or times out, is told as TRADE_CLOSED, and isn't taken for a refund.
func TestCloseIsTold(t *testing.T) {
	w := newTown(t)
	w.create("rch_1")
	if err := w.channel.Close(w.ctx(), "rch_1"); !errors.Is(err, payment.ErrNoTrade) {
		t.Errorf("before the scan: %v", err)
	}
	if _, err := w.gateway.Scan("rch_1"); err != nil {
		t.Fatal(err)
	}
	if err := w.channel.Close(w.ctx(), "rch_1"); err != nil {
		t.Error(err)
	}
	if err := w.channel.Close(w.ctx(), "rch_1"); !errors.Is(err, payment.ErrTradeClosed) {
		t.Errorf("again: %v", err)
	}
	w.gateway.Deliver(w.ctx())
	if len(w.notices) != 1 || w.notices[0].State != payment.Closed {
		t.Errorf("%+v, %v", w.notices, w.errs)
	}
	w.create("rch_2")
	if _, err := w.gateway.Pay("rch_2"); err != nil {
		t.Fatal(err)
	}
	var refused *payment.Refused
	if err := w.channel.Close(w.ctx(), "rch_2"); !errors.As(err, &refused) {
		t.Errorf("a paid one: %v", err)
	}
}

// TestSwitchboard: a call whose answer is lost has an unknown outcome, done or not.
func TestSwitchboard(t *testing.T) {
	for fate, done := range map[Fate]bool{Lost: false, AnswerLost: true, Busy: true} {
		w := &town{T: t, keys: keys(), clock: &clock{at: time.Now()}}
		w.open(Options{Spoil: func(what, order string) Fate {
			if what == "alipay.trade.refund" {
				return fate
			}
			return Fine
		}})
		w.create("rch_1")
		trade, err := w.gateway.Pay("rch_1")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.channel.Refund(w.ctx(), w.refund("F1", trade, 1)); !errors.Is(err, payment.ErrUnknownOutcome) {
			t.Errorf("fate %d: %v", fate, err)
		}
		if trade, _ := w.gateway.Trade("rch_1"); (len(trade.Refunds) == 1) != done {
			t.Errorf("fate %d: refunds %v", fate, trade.Refunds)
		}
	}
}
