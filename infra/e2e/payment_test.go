package e2e

import (
	"net/http"
	"testing"
)

type refunds struct {
	Items []struct {
		ID    string `json:"refund_id"`
		Cause string `json:"cause"`
		State string `json:"state"`
	} `json:"items"`
}

// poll runs the payment poller now, and fails when it does.
func (a *account) poll() {
	a.t.Helper()
	if _, err := running(a.t).Invoke(a.t.Context(), "PaymentPollerFunction", []byte(`{"duty":"payments"}`)); err != nil {
		a.t.Fatal(err)
	}
}

func (a *account) refunded(order string, cause string) {
	a.t.Helper()
	await(a.t, "the "+cause+" refund of "+order, func() (bool, error) {
		a.poll()
		var all refunds
		err := a.operator.Get(a.t.Context(), "/v1/operator/recharges/"+order+"/refunds", &all)
		for _, r := range all.Items {
			if r.Cause == cause && r.State == "paid" {
				return true, err
			}
		}
		return false, err
	})
}

// Alipay's page instead of a code, a payment that is asked for, one that comes twice, and a refund: all the way through.
func TestPaymentsGoTheirWaysAndBack(t *testing.T) {
	s := running(t)
	t.Parallel()
	a := open(t, "payments", "CNY")
	var order struct {
		ID   string `json:"recharge_id"`
		Page string `json:"page_url"`
	}
	a.post(a.owner, a.path("/recharges"), "page", map[string]string{
		"amount": "100.00", "way": "page", "return_url": "https://console.example.com/done",
	}, &order)
	answer, err := http.Get(order.Page)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("Alipay's page: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
	first, err := s.Alipay.Pay(order.ID)
	if err != nil {
		t.Fatal(err)
	}
	a.credited(order.ID)
	a.post(a.owner, a.path("/recharges/"+order.ID+"/query"), "", nil, nil)

	if _, err := s.Alipay.PayTwice(order.ID); err != nil {
		t.Fatal(err)
	}
	a.refunded(order.ID, "second_payment")
	if w := a.wallet(); w.Cash != "100.00" {
		t.Errorf("paid twice: cash %s", w.Cash)
	}

	a.post(a.operator, "/v1/operator/recharges/"+order.ID+"/refunds", "refund", map[string]string{"amount": "30.00", "reason": "paid by mistake"}, nil)
	if w := a.wallet(); w.Cash != "70.00" {
		t.Errorf("the cash isn't held: %s", w.Cash)
	}
	a.refunded(order.ID, "cash")
	if trade, _ := s.Alipay.Trade(order.ID); len(trade.Refunds) != 1 || trade.Refunds[0].Amount != "30.00" || trade.TradeNo != first.TradeNo {
		t.Errorf("%+v", trade.Refunds)
	}
}
