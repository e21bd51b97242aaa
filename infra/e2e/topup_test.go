package e2e

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/receipt"
)

// recharge is a recharge order as its customer sees it.
type recharge struct {
	ID        string `json:"recharge_id"`
	State     string `json:"state"`
	QRContent string `json:"qr_content"`
	QRImage   string `json:"qr_image"`
}

func (a *account) recharge(key, amount string) (order recharge, repeated bool) {
	a.t.Helper()
	repeated = a.post(a.owner, a.path("/recharges"), key, map[string]string{"amount": amount, "channel": "alipay"}, &order)
	return order, repeated
}

// The way of README rule 1, with arrears to repay first (rule 3).
func TestATopUpThroughAlipay(t *testing.T) {
	s := running(t)
	t.Parallel()
	a := open(t, "topup", "CNY")
	a.bind("topup-workspace")
	a.send(a.bill("topup-owed", "topup-workspace", "logs", "5.40"))
	a.settled("topup-owed")

	order, _ := a.recharge("first", "100.00")
	if order.State != "awaiting_payment" || !strings.HasPrefix(order.QRContent, s.Running.Alipay+"/pay/") {
		t.Fatalf("%+v", order)
	}
	if again, repeated := a.recharge("first", "100.00"); !repeated || again != order {
		t.Errorf("asking again gave %+v, want the same order", again)
	}
	_, err := a.owner.Post(t.Context(), a.path("/recharges"), "first", map[string]string{"amount": "200.00", "channel": "alipay"}, nil)
	if status(err) != http.StatusUnprocessableEntity {
		t.Errorf("the key with another amount: %v", err)
	}
	png, err := a.owner.Do(t.Context(), http.MethodGet, order.QRImage, "", nil)
	if err != nil || png.Header.Get("Content-Type") != "image/png" || !bytes.HasPrefix(png.Body, []byte("\x89PNG")) {
		t.Errorf("no picture of the code: %v", err)
	}

	if _, err := s.Alipay.Scan(order.ID); err != nil {
		t.Fatal(err)
	}
	if w := a.wallet(); w.Arrears != "5.40" || w.Cash != "0.00" {
		t.Errorf("before the payment: cash %s, arrears %s", w.Cash, w.Arrears)
	}
	if _, err := s.Alipay.Pay(order.ID); err != nil {
		t.Fatal(err)
	}
	a.credited(order.ID)
	if w := a.wallet(); w.Arrears != "0.00" || w.Cash != "94.60" {
		t.Errorf("after the payment: cash %s, arrears %s; want 94.60 and nothing", w.Cash, w.Arrears)
	}
	await(t, "Alipay hears success", func() (bool, error) {
		notices := s.Alipay.Notices(order.ID)
		return len(notices) > 0 && notices[0].Accepted(), nil
	})
}

func (a *account) credited(order string) {
	a.t.Helper()
	await(a.t, "order "+order+" is credited", func() (bool, error) {
		var now recharge
		err := a.owner.Get(a.t.Context(), a.path("/recharges/"+order), &now)
		return now.State == "credited", err
	})
}

// The signature is the only proof: the same notice again credits nothing, a forged one isn't answered with success.
func TestNoticesProveThemselves(t *testing.T) {
	s := running(t)
	t.Parallel()
	a := open(t, "notices", "CNY")
	order, _ := a.recharge("first", "0.01")
	if _, err := s.Alipay.Scan(order.ID); err != nil {
		t.Fatal(err)
	}
	trade, err := s.Alipay.Pay(order.ID)
	if err != nil {
		t.Fatal(err)
	}
	a.credited(order.ID)
	notice := s.Alipay.Notices(order.ID)[0]
	fields := s.Alipay.Credentials().NoticeFields(trade, notice, time.Now())
	form, err := s.Alipay.Credentials().SignNotice(fields)
	if err != nil {
		t.Fatal(err)
	}
	if got := a.notify(form); got != "success" {
		t.Errorf("the same notice again is answered %q: Alipay would go on sending it", got)
	}
	forged := strings.Replace(form, "total_amount=0.01", "total_amount=9.99", 1)
	if forged == form {
		t.Fatalf("the notice has no amount: %s", form)
	}
	if got := a.notify(forged); got == "success" {
		t.Error("a forged notice is taken")
	}
	if w := a.wallet(); w.Cash != "0.01" {
		t.Errorf("cash %s, want 0.01", w.Cash)
	}
}

// notify posts a notice's form, as Alipay does, and returns the answer.
func (a *account) notify(form string) string {
	a.t.Helper()
	response, err := http.Post(a.centre.API("/v1/payments/alipay/notices"), "application/x-www-form-urlencoded; charset=utf-8", strings.NewReader(form))
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		a.t.Fatal(err)
	}
	return text.String()
}

// README rules 5 and 10: a code works once, for one account; cash buys cards, and large orders earn a gift.
func TestCodesAndCards(t *testing.T) {
	running(t)
	t.Parallel()
	a, b := open(t, "codes-a", "CNY"), open(t, "codes-b", "CNY")
	var batch struct {
		Codes []string `json:"codes"`
	}
	a.post(a.operator, "/v1/operator/voucher-batches", "codes", map[string]any{
		"kind": "regular", "currency": "CNY", "face_value": "20.00", "count": 1,
		"code_valid_until": time.Now().AddDate(0, 1, 0).UTC().Format(time.RFC3339), "note": "test",
	}, &batch)
	if len(batch.Codes) != 1 {
		t.Fatalf("codes %v", batch.Codes)
	}
	code := map[string]string{"code": strings.ToLower(batch.Codes[0])}
	var first, again receipt.Receipt
	a.post(a.owner, a.path("/voucher-activations"), "one", code, &first)
	if repeated := a.post(a.owner, a.path("/voucher-activations"), "one", code, &again); !repeated || again.Key != first.Key {
		t.Errorf("one's own code again: repeated %v, %s, want the first answer %s", repeated, again.Key, first.Key)
	}
	_, err := b.owner.Post(t.Context(), b.path("/voucher-activations"), "one", code, nil)
	if s := status(err); s < 400 || s >= 500 {
		t.Errorf("somebody else's used code: %v", err)
	}
	a.cash("10000.00")
	a.post(a.owner, a.path("/card-purchases"), "card", map[string]string{"face_value": "10000.00"}, nil)
	if w := a.wallet(); w.Vouchers.Regular != "20.00" || w.Vouchers.Discount != "1000.00" || w.Cards != "10000.00" || w.Cash != "0.00" {
		t.Errorf("%+v", w)
	}
	_, err = a.owner.Post(t.Context(), a.path("/card-purchases"), "another", map[string]string{"face_value": "100.00"}, nil)
	if status(err) != http.StatusUnprocessableEntity {
		t.Errorf("a card without cash: %v", err)
	}
}
