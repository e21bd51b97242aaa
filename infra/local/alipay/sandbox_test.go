package alipay

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	channel "billingcentre/shared/payment/alipay"
)

// story is what a channel goes through with whatever gateway it has: the stand-in in both modes, or Alipay's own sandbox.
type story struct {
	channel *channel.Channel
	now     func() time.Time
	pay     func(t *testing.T, id string, checkout payment.Checkout) // nil when nobody is there to pay
	pause   func(time.Duration)
}

// TestStory: the stand-in answers as Alipay's sandbox does, as far as both were asked.
func TestStory(t *testing.T) {
	for name, credentials := range modes() {
		t.Run("stand-in, "+name, func(t *testing.T) {
			w := newTownOf(t, credentials)
			story{w.channel, w.clock.now, func(t *testing.T, id string, _ payment.Checkout) {
				if _, err := w.gateway.Pay(id); err != nil {
					t.Fatal(err)
				}
			}, w.clock.move}.live(t, fmt.Sprint("rch_", name[:3]))
		})
	}
	t.Run("Alipay's sandbox", func(t *testing.T) {
		sandbox(t).live(t, fmt.Sprintf("bc_%d", time.Now().UnixNano()))
	})
}

// sandbox is the channel of the app whose secret a file holds. Nobody has to have one, and CI never does.
func sandbox(t *testing.T) story {
	t.Helper()
	file := os.Getenv("ALIPAY_SANDBOX_SECRET")
	if file == "" || os.Getenv("CI") != "" {
		t.Skip("ALIPAY_SANDBOX_SECRET doesn't name a file with the secret of an app of Alipay's sandbox (shared/payment/alipay/README.md)")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := channel.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	notify := os.Getenv("ALIPAY_SANDBOX_NOTIFY_URL")
	if notify == "" {
		notify = "https://billing.example.com/v1/payments/alipay/notices" // nobody has to hear: queries prove
	}
	c, err := channel.New(channel.Config{Mode: channel.Sandbox, Secret: secret, NotifyURL: notify})
	if err != nil {
		t.Fatal(err)
	}
	s := story{channel: c, now: time.Now, pause: time.Sleep}
	if os.Getenv("ALIPAY_SANDBOX_PAY") != "" {
		s.pay = func(t *testing.T, id string, checkout payment.Checkout) {
			fmt.Printf("\nScan this with the sandbox's Alipay app, and pay %s within five minutes:\n  %s\n\n", id, checkout.Content)
		}
	}
	return s
}

func (s story) order(id string, fen int64) payment.Order {
	return payment.Order{ID: id, Amount: money.Of(money.CNY, fen), Subject: "Billing centre, test", ExpiresAt: s.now().Add(10 * time.Minute).Truncate(time.Second)}
}

func (s story) live(t *testing.T, id string) {
	order := s.order(id, 3)
	checkout, err := s.channel.Create(t.Context(), order)
	if err != nil || checkout.Content == "" {
		t.Fatalf("create: %+v, %v", checkout, err)
	}
	if again, err := s.channel.Create(t.Context(), order); err != nil || again.Content == "" {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	var refused *payment.Refused
	if _, err := s.channel.Create(t.Context(), s.order(id, 4)); err == nil {
		t.Error("another amount under the same id is taken")
	}
	if _, err := s.channel.Query(t.Context(), id); !errors.Is(err, payment.ErrNoTrade) {
		t.Errorf("query before the scan: %v", err)
	}
	if err := s.channel.Close(t.Context(), id); !errors.Is(err, payment.ErrNoTrade) {
		t.Errorf("close before the scan: %v", err)
	}
	if _, err := s.channel.Find(t.Context(), "2026000000000000000000000000"); !errors.Is(err, payment.ErrNoTrade) {
		t.Errorf("a trade of nobody: %v", err)
	}
	if rows, err := s.channel.Bill(t.Context(), s.now().In(gmt8).Format(time.DateOnly)); !errors.Is(err, payment.ErrNoBill) && !errors.As(err, &refused) {
		t.Errorf("the bill of today: %v, %v", rows, err)
	}
	s.page(t, id+"_page")
	if s.pay == nil {
		t.Log("nobody pays: set ALIPAY_SANDBOX_PAY=1 and run with -v to pay by phone")
		return
	}
	s.pay(t, id, checkout)
	s.refunds(t, order, s.paid(t, order))
}

func (s story) page(t *testing.T, id string) {
	t.Helper()
	page, err := s.channel.Page(t.Context(), s.order(id, 3), "https://billing.example.com/done")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(page.Content)
	if err != nil {
		t.Fatal(err)
	}
	defer drain(answer.Body)
	if answer.StatusCode != http.StatusOK || strings.Contains(answer.Request.URL.String(), "error") {
		t.Errorf("the page: %d at %s", answer.StatusCode, answer.Request.URL)
	}
}

// paid waits until the payer has paid.
func (s story) paid(t *testing.T, order payment.Order) payment.Trade {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); s.pause(3 * time.Second) {
		trade, err := s.channel.Query(t.Context(), order.ID)
		switch {
		case err == nil && trade.State == payment.Paid:
			if err := trade.Proves(order, ""); err != nil {
				t.Fatal(err)
			}
			if found, err := s.channel.Find(t.Context(), trade.Ref); err != nil || found.OrderID != order.ID {
				t.Errorf("by its number: %+v, %v", found, err)
			}
			return trade
		case err != nil && !errors.Is(err, payment.ErrNoTrade) && !errors.Is(err, payment.ErrUnknownOutcome):
			t.Fatal(err)
		}
	}
	t.Fatal("nobody has paid")
	return payment.Trade{}
}

// refunds sends a part back, the same again, and then the rest.
func (s story) refunds(t *testing.T, order payment.Order, trade payment.Trade) {
	t.Helper()
	if err := s.channel.Close(t.Context(), order.ID); err == nil {
		t.Error("a paid trade is closed")
	}
	for _, r := range []payment.Refund{
		{ID: order.ID + "_r1", Amount: money.Of(money.CNY, 1)},
		{ID: order.ID + "_r1", Amount: money.Of(money.CNY, 1)},
		{ID: order.ID + "_r2", Amount: money.Of(money.CNY, 2)},
	} {
		r.OrderID, r.Ref, r.Reason = order.ID, trade.Ref, "test"
		if _, err := s.channel.Refund(t.Context(), r); err != nil {
			t.Errorf("refund %s: %v", r.ID, err)
		}
		s.pause(4 * time.Second)
		if state, err := s.channel.QueryRefund(t.Context(), r); err != nil || state != payment.RefundDone {
			t.Errorf("refund %s is %s, %v", r.ID, state, err)
		}
	}
	if now, err := s.channel.Query(t.Context(), order.ID); err != nil || now.State != payment.Refunded {
		t.Errorf("after all was sent back: %+v, %v", now, err)
	}
}
