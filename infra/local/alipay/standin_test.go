package alipay

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	sdk "github.com/smartwalle/alipay/v3"

	"billingcentre/shared/payment"
)

// TestTopUp is a payment from its order to its verified notice, over real HTTP.
func TestTopUp(t *testing.T) {
	w := newTown(t)
	order := w.order("rch_1")
	checkout := w.create("rch_1")
	if checkout.ExpiresAt.After(order.ExpiresAt) || !strings.HasPrefix(checkout.Content, w.server.URL+"/pay/bax") {
		t.Errorf("checkout %+v", checkout)
	}
	if _, err := w.channel.Query(w.ctx(), "rch_1"); !errors.Is(err, payment.ErrNoTrade) {
		t.Errorf("before the scan: %v, want no trade", err)
	}
	page := w.browse(http.MethodGet, checkout.Content, "")
	for _, must := range []string{"¥ 88.88", "Top-up of a b c d", "Pay ¥", "rch_1", "WAIT_BUYER_PAY"} {
		if !strings.Contains(page, must) {
			t.Errorf("the page doesn't show %q:\n%s", must, page)
		}
	}
	if trade, err := w.channel.Query(w.ctx(), "rch_1"); err != nil || trade.State != payment.Waiting {
		t.Errorf("after the scan: %+v, %v", trade, err)
	}
	if page := w.browse(http.MethodPost, checkout.Content, ""); !strings.Contains(page, "Paid. Thank you.") {
		t.Errorf("after paying the page shows:\n%s", page)
	}
	if sent := w.gateway.Deliver(w.ctx()); sent != 1 {
		t.Errorf("%d notices sent", sent)
	}
	if len(w.notices) != 1 || w.errs[0] != nil {
		t.Fatalf("the shop got %d notices, errors %v", len(w.notices), w.errs)
	}
	n := w.notices[0]
	if n.State != payment.Paid || n.Proves(order, "") != nil || n.PaidAt.Sub(w.clock.now()).Abs() > time.Second {
		t.Errorf("notice %+v proves %v", n.Trade, n.Proves(order, ""))
	}
	trade, err := w.channel.Query(w.ctx(), "rch_1")
	if err != nil || trade.State != payment.Paid || trade.Proves(order, n.Ref) != nil {
		t.Errorf("after paying: %+v, %v", trade, err)
	}
	if sent := w.gateway.Notices("rch_1"); len(sent) != 1 || !sent[0].Accepted() {
		t.Errorf("notices %+v", sent)
	}
	w.clock.move(48 * time.Hour)
	if sent := w.gateway.Deliver(w.ctx()); sent != 0 {
		t.Errorf("%d notices sent after the accepted one", sent)
	}
}

// browse does what a browser does, following the redirect; with accept it asks for JSON.
func (w *town) browse(method, target, accept string) string {
	w.Helper()
	r, err := http.NewRequestWithContext(w.ctx(), method, target, nil)
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(body)
}

// TestPayByScript: a script pays with one POST and reads JSON.
func TestPayByScript(t *testing.T) {
	w := newTown(t)
	var got view
	if err := json.Unmarshal([]byte(w.browse(http.MethodPost, w.create("rch_1").Content, "application/json")), &got); err != nil {
		t.Fatal(err)
	}
	if got.Status != success || got.Amount != "88.88" || got.Order != "rch_1" {
		t.Errorf("got %+v", got)
	}
	if text := w.browse(http.MethodPost, w.server.URL+"/pay/unknown", "application/json"); !strings.Contains(text, "no such payment") {
		t.Errorf("unknown code: %s", text)
	}
}

// TestSchedule: a notice that isn't answered with exactly "success" comes eight times in 24 hours 22 minutes, then never again.
func TestSchedule(t *testing.T) {
	w := newTown(t)
	w.create("rch_1")
	w.replies = []string{"fail", "success\n", " success", "SUCCESS", "<html>success</html>", "redirect", "", "no"}
	if _, err := w.gateway.Pay("rch_1"); err != nil {
		t.Fatal(err)
	}
	start := w.clock.now()
	for w.clock.now().Before(start.Add(72 * time.Hour)) {
		w.gateway.Deliver(w.ctx())
		w.clock.move(time.Minute)
	}
	sends := w.gateway.Notices("rch_1")[0].Sends
	want := []time.Duration{0, 4, 14, 24, 84, 204, 564, 1464} // minutes
	if len(sends) != len(want) {
		t.Fatalf("%d sends, want %d", len(sends), len(want))
	}
	for i, s := range sends {
		if at := s.At.Sub(start); at != want[i]*time.Minute {
			t.Errorf("send %d after %v, want %v", i+1, at, want[i]*time.Minute)
		}
	}
	if ids := map[string]bool{}; true {
		for _, n := range w.notices {
			ids[n.ID] = true
		}
		if len(ids) != 1 {
			t.Errorf("the repeats bear %d ids", len(ids))
		}
	}
}

// TestRun: the loop sends at once after a payment, and repeats faster when sped up.
func TestRun(t *testing.T) {
	w := &town{T: t, clock: &clock{at: time.Now()}, keys: keys(), replies: []string{"fail", "fail"}}
	w.open(Options{Speed: 100_000, Now: time.Now})
	w.create("rch_1")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.gateway.Run(ctx) }()
	if _, err := w.gateway.Pay("rch_1"); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		if n := w.gateway.Notices("rch_1")[0]; n.Accepted() {
			if len(n.Sends) != 3 {
				t.Errorf("%d sends, want 3", len(n.Sends))
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("never accepted")
		}
		time.Sleep(2 * time.Millisecond)
	}
	stop()
	<-done
}

// TestRestart: what was kept goes on, a notice that is still owed included.
func TestRestart(t *testing.T) {
	w := newTown(t)
	journal := w.gateway.options.Journal
	w.create("rch_1")
	w.create("rch_2")
	if _, err := w.gateway.Pay("rch_1"); err != nil {
		t.Fatal(err)
	}
	if err := w.gateway.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := New(keys(), Options{Journal: journal, Now: w.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if trade, _ := again.Trade("rch_1"); trade.Status != success {
		t.Errorf("trade %+v", trade)
	}
	if sent := again.Deliver(w.ctx()); sent != 1 || !again.Notices("rch_1")[0].Accepted() {
		t.Errorf("%d notices sent, %+v", sent, again.Notices("rch_1"))
	}
	if trade, err := again.Pay("rch_2"); err != nil || trade.Status != success {
		t.Errorf("the other order: %+v, %v", trade, err)
	}
}

// TestExpiry: a code dies with its order or after two hours; a trade that was opened is closed.
func TestExpiry(t *testing.T) {
	w := newTown(t)
	w.create("rch_dies")
	w.create("rch_opened")
	if _, err := w.gateway.Scan("rch_opened"); err != nil {
		t.Fatal(err)
	}
	w.clock.move(31 * time.Minute)
	if _, err := w.gateway.Pay("rch_dies"); !errors.Is(err, ErrDead) {
		t.Errorf("a dead code: %v", err)
	}
	if _, err := w.gateway.Pay("rch_opened"); !errors.Is(err, ErrClosed) {
		t.Errorf("an expired trade: %v", err)
	}
	if trade, err := w.channel.Query(w.ctx(), "rch_opened"); err != nil || trade.State != payment.Closed {
		t.Errorf("an expired trade is %+v, %v", trade, err)
	}
	long := w.order("rch_long")
	long.ExpiresAt = w.clock.now().Add(24 * time.Hour)
	checkout, err := w.channel.Create(w.ctx(), long)
	if err != nil || checkout.ExpiresAt.Sub(w.clock.now()) > codeLife {
		t.Errorf("checkout %+v, %v", checkout, err)
	}
	w.clock.move(codeLife)
	if page := w.browse(http.MethodPost, checkout.Content, ""); !strings.Contains(page, "expired") {
		t.Errorf("a dead code shows:\n%s", page)
	}
	fresh, err := w.channel.Create(w.ctx(), long)
	if err != nil || fresh.Content == checkout.Content {
		t.Errorf("a new code for the same order: %+v, %v", fresh, err)
	}
	if _, err := w.gateway.Pay("rch_long"); err != nil {
		t.Errorf("the new code: %v", err)
	}
}

// TestRepeatedPrecreate: the same order is answered again, another one under its id is refused, a paid one too.
func TestRepeatedPrecreate(t *testing.T) {
	w := newTown(t)
	first := w.create("rch_1")
	if second := w.create("rch_1"); second.Content != first.Content {
		t.Errorf("another code: %v", second)
	}
	other := w.order("rch_1")
	other.Subject = "something else"
	var refused *payment.Refused
	if _, err := w.channel.Create(w.ctx(), other); !errors.As(err, &refused) || refused.Code != "40004 ACQ.CONTEXT_INCONSISTENT" {
		t.Errorf("another order under the id: %v", err)
	}
	if _, err := w.gateway.Pay("rch_1"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.channel.Create(w.ctx(), w.order("rch_1")); !errors.Is(err, payment.ErrAlreadyPaid) {
		t.Errorf("a paid order: %v", err)
	}
}

// TestSDKAgrees: the SDK, which knows nothing of our readings of the rule, takes the stand-in's notices.
func TestSDKAgrees(t *testing.T) {
	w := newTown(t)
	w.create("rch_1")
	trade, err := w.gateway.Pay("rch_1")
	if err != nil {
		t.Fatal(err)
	}
	form, err := keys().SignNotice(keys().NoticeFields(trade, trade.Notices[0], w.clock.now()))
	if err != nil {
		t.Fatal(err)
	}
	values, err := url.ParseQuery(form)
	if err != nil {
		t.Fatal(err)
	}
	public, err := publicPEM(&keys().Alipay.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	client, err := sdk.New(keys().AppID, pemKey(keys().App), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.LoadAliPayPublicKey(public); err != nil {
		t.Fatal(err)
	}
	if n, err := client.DecodeNotification(values); err != nil || n.OutTradeNo != "rch_1" || n.TotalAmount != "88.88" {
		t.Errorf("the SDK reads %+v, %v", n, err)
	}
}

// TestLoadOrCreate: the credentials stay the same from run to run.
func TestLoadOrCreate(t *testing.T) {
	dir := t.TempDir() + "/deep/er"
	first, err := LoadOrCreate(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreate(dir)
	if err != nil || second.AppID != first.AppID || !second.App.Equal(first.App) || !second.Alipay.Equal(first.Alipay) {
		t.Errorf("second time: %v, app %s, was %s", err, second.AppID, first.AppID)
	}
}
