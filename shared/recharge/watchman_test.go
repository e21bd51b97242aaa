package recharge

import (
	"errors"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/refusal"
)

// T-50: the notice is lost for ever; the poller credits within five minutes, whenever the payment was made.
func TestAPaymentWhoseNoticeIsLostIsCreditedWithinFiveMinutes(t *testing.T) {
	for after := time.Minute / 2; after < 30*time.Minute; after += 3 * time.Minute / 2 {
		w := newWorld(t)
		o := w.order("k", "12.34")
		for w.now.Before(o.CreatedAt.Add(after)) {
			w.round()
		}
		w.pay(o)
		paid := w.now
		for w.find(o.ID).State != Credited && w.now.Before(paid.Add(time.Hour)) {
			w.round()
		}
		if late := w.now.Sub(paid); late > 5*time.Minute || w.cash() != "12.34" {
			t.Errorf("paid after %v: credited %v later, cash %s", after, late, w.cash())
		}
		if sum := w.until(4 * time.Hour); sum.Credited != 0 || w.cash() != "12.34" {
			t.Errorf("credited again: %+v, cash %s", sum, w.cash())
		}
	}
}

// The trade exists only after the scan, and a code can be paid until it dies: an order stays open for that long.
func TestAnOrderThatNobodyPaysIsClosedAtItsEndAndNotBefore(t *testing.T) {
	w := newWorld(t)
	o := w.order("k", "1.00")
	sum := w.until(o.Ends().Sub(w.now) - time.Minute)
	if w.find(o.ID).State == Closed {
		t.Error("closed too early")
	}
	sum.add(w.until(10 * time.Minute))
	if got := w.find(o.ID).State; got != Closed || sum.Over != 1 {
		t.Errorf("state %s, %+v", got, sum)
	}
	if sum.Asked > 20 {
		t.Errorf("asked %d times: it should back off", sum.Asked)
	}
	if sum := w.until(24 * time.Hour); sum != (Round{}) {
		t.Errorf("asked on after the end: %+v", sum)
	}
}

func TestATradeThatStaysOpenIsEndedAtTheProviderFirst(t *testing.T) {
	w := newWorld(t)
	o := w.order("k", "1.00")
	trade := w.pay(o)
	trade.State = payment.Waiting
	w.provider.trades[o.ID] = trade
	w.until(3 * time.Hour)
	if got := w.find(o.ID).State; got != Closed || w.provider.trades[o.ID].State != payment.Closed {
		t.Errorf("state %s, at the provider %s", got, w.provider.trades[o.ID].State)
	}
}

func TestAnOrderIsNeverClosedWithoutAnAnswer(t *testing.T) {
	w := newWorld(t)
	o := w.order("k", "1.00")
	w.provider.silent = func(string) answered { return answered{} }
	w.until(24 * time.Hour)
	w.pay(o)
	if got := w.find(o.ID).State; got == Closed {
		t.Error("closed though nobody answered")
	}
	w.provider.silent = nil
	w.until(2 * time.Hour)
	if w.cash() != "1.00" {
		t.Errorf("cash %s", w.cash())
	}
}

func TestWhatTheProviderSaysOfAnOrder(t *testing.T) {
	for _, row := range []struct {
		says   string
		change func(*payment.Trade)
		state  State
		cash   string
		kase   string
	}{
		{"paid", func(*payment.Trade) {}, Credited, "100.00", ""},
		{"closed", func(t *payment.Trade) { t.State = payment.Closed }, Closed, "0.00", ""},
		{"another amount", func(t *payment.Trade) { t.Total = money.Of(money.CNY, 1) }, Awaiting, "0.00", "amount"},
		{"a coupon of ours paid a part", func(t *payment.Trade) { t.Received = money.Of(money.CNY, 1) }, Awaiting, "0.00", "received"},
		{"sent back before it was credited", func(t *payment.Trade) { t.State = payment.Refunded }, Awaiting, "0.00", "refunded"},
		{"a word that nobody knows, to the end", func(t *payment.Trade) { t.State = payment.Unknown }, Awaiting, "0.00", "state"},
	} {
		w := newWorld(t)
		o := w.order("k", "100.00")
		trade := w.pay(o)
		row.change(&trade)
		w.provider.trades[o.ID] = trade
		w.until(6 * time.Hour)
		kase := ""
		if len(w.cases) == 1 {
			kase = w.cases[0]
		}
		if got := w.find(o.ID).State; got != row.state || w.cash() != row.cash || kase != row.kase || len(w.cases) > 1 {
			t.Errorf("%s: state %s, cash %s, cases %v", row.says, got, w.cash(), w.cases)
		}
	}
}

func TestAPaymentThatTheWalletRefusesIsACase(t *testing.T) {
	w := newWorld(t)
	o := w.order("k", "100.00")
	w.desk.Ledger.Policy.MaxTopUp = 10
	w.pay(o)
	w.until(4 * time.Hour)
	if len(w.cases) != 1 || w.cases[0] != "not_bookable" || w.cash() != "0.00" {
		t.Errorf("cases %v, cash %s", w.cases, w.cash())
	}
}

func TestALatePaymentOfAClosedOrderIsCredited(t *testing.T) {
	w := newWorld(t)
	o := w.order("k", "1.00")
	w.until(4 * time.Hour)
	trade := w.pay(o)
	if _, err := w.desk.Credit(t.Context(), trade); err != nil || w.cash() != "1.00" || w.find(o.ID).State != Credited {
		t.Errorf("%v, cash %s", err, w.cash())
	}
}

func TestFindMyPayment(t *testing.T) {
	w := newWorld(t)
	o := w.order("k", "1.00")
	if _, err := w.desk.Ask(t.Context(), "other", o.ID, ""); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("somebody else's order: %v", err)
	}
	if got, err := w.desk.Ask(t.Context(), "acme", o.ID, ""); err != nil || got.State != Awaiting {
		t.Errorf("nothing paid: %+v, %v", got, err)
	}
	if _, err := w.desk.Ask(t.Context(), "acme", o.ID, ""); !refusal.Is(err, refusal.TooMany) {
		t.Errorf("at once again: %v", err)
	}
	trade := w.pay(o)
	w.now = w.now.Add(askPause)
	w.provider.silent = func(string) answered { return answered{} }
	if _, err := w.desk.Ask(t.Context(), "acme", o.ID, ""); !refusal.Is(err, refusal.Unavailable) {
		t.Errorf("no answer: %v", err)
	}
	w.provider.silent = nil
	for range 3 {
		w.now = w.now.Add(askPause)
		if got, err := w.desk.Ask(t.Context(), "acme", o.ID, ""); err != nil || got.State != Credited || w.cash() != "1.00" {
			t.Errorf("paid: %+v, %v, cash %s", got, err, w.cash())
		}
	}
	second := w.second(trade)
	w.now = w.now.Add(askPause)
	if got, err := w.desk.Ask(t.Context(), "acme", o.ID, second.Ref); err != nil || len(got.Refunds) != 1 || w.cash() != "1.00" {
		t.Errorf("by the number of a second payment: %+v, %v, cash %s", got, err, w.cash())
	}
	w.now = w.now.Add(askPause)
	if got, err := w.desk.Ask(t.Context(), "acme", o.ID, "nobodys"); err != nil || len(got.Refunds) != 1 {
		t.Errorf("by the number of no payment: %+v, %v", got, err)
	}
}

// N55: the first payment is credited, the second is sent back, whole, once.
func TestASecondPaymentIsSentBack(t *testing.T) {
	w := newWorld(t)
	o, trade := w.credited("k", "100.00")
	second := w.second(trade)
	for range 5 {
		if receipt, err := w.desk.Credit(t.Context(), second); err != nil || !receipt.Repeated {
			t.Errorf("%+v, %v", receipt, err)
		}
	}
	w.until(10 * time.Minute)
	if w.cash() != "100.00" || w.provider.sent() != 100_00 || len(w.provider.refunds) != 1 {
		t.Errorf("cash %s, sent back %v", w.cash(), w.provider.refunds)
	}
	for _, r := range w.provider.refunds {
		if r.Ref != second.Ref {
			t.Errorf("the first payment was sent back: %+v", r)
		}
	}
	refunds, err := w.desk.Refunds(t.Context(), o.ID)
	if err != nil || len(refunds) != 1 || refunds[0].State != RefundPaid {
		t.Errorf("%+v, %v", refunds, err)
	}
	if _, err := w.desk.Credit(t.Context(), trade); err != nil || w.cash() != "100.00" {
		t.Errorf("the first once more: %v, cash %s", err, w.cash())
	}
	third := w.second(second)
	third.Total, third.Received = money.Of(money.CNY, 1), money.Of(money.CNY, 1)
	var unfit *payment.NoticeError
	if _, err := w.desk.Credit(t.Context(), third); !errors.As(err, &unfit) || unfit.Reason != "amount" {
		t.Errorf("a third that doesn't fit: %v", err)
	}
}
