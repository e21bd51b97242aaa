package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
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
	a := open(t, fmt.Sprint("payments-", time.Now().UnixNano()), "CNY")
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

// By hand, as with `aws lambda invoke`: a schedule's function runs without waiting for its time, and what isn't its event fails.
func TestAScheduleIsStartedByHand(t *testing.T) {
	s := running(t)
	t.Parallel()
	invoke := func(function, event string) (status int, failed, answer string) {
		t.Helper()
		response, err := http.Post(s.Running.AWS+"/2015-03-31/functions/"+function+"/invocations", "application/json", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, response.Header.Get("X-Amz-Function-Error"), string(text)
	}
	if status, failed, answer := invoke("payment-poller", `{"duty":"payments"}`); status != http.StatusOK || failed != "" || !strings.Contains(answer, `"asked":`) {
		t.Errorf("the poller: %d %q %s", status, failed, answer)
	}
	// Of a test that goes over midnight in GMT+8 yesterday's bill isn't made yet: then the proof says so, and fails.
	if status, failed, answer := invoke("proof", `{"duty":"proof"}`); status != http.StatusOK || !strings.Contains(answer, `"proofs":14`) && failed == "" {
		t.Errorf("the proof: %d %q %s", status, failed, answer)
	}
	if status, failed, answer := invoke("ProofFunction", `{"duty":"expiry"}`); status != http.StatusOK || failed != "Unhandled" || !strings.Contains(answer, "proof schedule") {
		t.Errorf("another's event: %d %q %s", status, failed, answer)
	}
	if status, _, answer := invoke("nobody", "{}"); status != http.StatusNotFound {
		t.Errorf("no function: %d %s", status, answer)
	}
}
