package alipay

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/payment"
)

// set sets the switchboard as its page does, and returns what the browser shows then.
func (w *town) set(pairs ...string) (status int, page string) {
	w.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	answer, err := http.PostForm(w.server.URL+"/switchboard", form)
	if err != nil {
		w.Fatal(err)
	}
	defer drain(answer.Body)
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestSwitchboardOfPeople: what is set on the page happens as often as was said, and then no more.
func TestSwitchboardOfPeople(t *testing.T) {
	w := newTown(t)
	w.create("rch_1")
	if status, page := w.set("what", "notice", "fate", "late"); status != http.StatusOK || !strings.Contains(page, "1 × notice: late") {
		t.Fatalf("%d %s", status, page)
	}
	if _, err := w.gateway.Pay("rch_1"); err != nil {
		t.Fatal(err)
	}
	if w.gateway.Deliver(w.ctx()); len(w.notices) != 0 {
		t.Errorf("%d notices came at once", len(w.notices))
	}
	if w.clock.move(late); w.gateway.Deliver(w.ctx()) != 1 || len(w.notices) != 1 || w.notices[0].State != payment.Paid {
		t.Errorf("half an hour later: %+v", w.notices)
	}
	w.set("what", "alipay.trade.query", "fate", "busy", "times", "2")
	w.set("what", "call", "fate", "answer_lost")
	for i, want := range []bool{false, false, false, true} {
		if _, err := w.channel.Query(w.ctx(), "rch_1"); (err == nil) != want || err != nil && !errors.Is(err, payment.ErrUnknownOutcome) {
			t.Errorf("query %d: %v", i, err)
		}
	}
	for _, wrong := range [][]string{
		{"what", "nothing", "fate", "lost"},
		{"what", "notice", "fate", "busy"},
		{"what", "call", "fate", "twice"},
		{"what", "call", "fate", "x"},
		{"what", "call", "fate", "lost", "times", "0"},
		{"what", "call", "fate", "lost", "times", "many"},
		{"speed", "0"},
	} {
		if status, page := w.set(wrong...); status != http.StatusBadRequest {
			t.Errorf("%v: %d %s", wrong, status, page)
		}
	}
}

// TestSpeed: repeats come as much faster as the switchboard says.
func TestSpeed(t *testing.T) {
	w := newTown(t)
	w.create("rch_1")
	w.set("speed", "60")
	w.replies = []string{"fail"}
	if _, err := w.gateway.Pay("rch_1"); err != nil {
		t.Fatal(err)
	}
	w.gateway.Deliver(w.ctx())
	if w.clock.move(4 * time.Second); w.gateway.Deliver(w.ctx()) != 1 {
		t.Error("no repeat after four seconds for four minutes")
	}
}
