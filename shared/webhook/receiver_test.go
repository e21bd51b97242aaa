package webhook_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/event"
	"billingcentre/shared/webhook"
)

func TestWhatAnAnswerMeans(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for name, row := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request, n int)
		status webhook.Status
		posts  int
	}{
		"200": {func(http.ResponseWriter, *http.Request, int) {}, webhook.Delivered, 1},
		"204": {func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(204) }, webhook.Delivered, 1},
		"a redirect isn't followed": {func(w http.ResponseWriter, r *http.Request, _ int) {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		}, webhook.Dead, 9},
		"500, then 200":           {func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader([]int{500, 503, 200}[min(n, 2)]) }, webhook.Delivered, 3},
		"400 is tried again, too": {func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader([]int{400, 200}[min(n, 1)]) }, webhook.Delivered, 2},
		"410 is the end":          {func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(410) }, webhook.Dead, 1},
		"a huge body":             {func(w http.ResponseWriter, _ *http.Request, _ int) { _, _ = io.WriteString(w, long) }, webhook.Delivered, 1},
		"huge headers":            {func(w http.ResponseWriter, _ *http.Request, n int) { w.Header().Set("X", long[:(1-min(n, 1))<<16]) }, webhook.Delivered, 2},
		"a closed connection": {func(_ http.ResponseWriter, _ *http.Request, n int) {
			if n == 0 {
				panic(http.ErrAbortHandler)
			}
		}, webhook.Delivered, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t)
			p.receiver.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
			e, _ := p.endpoint()
			p.answer = row.answer
			p.tell(p.topUp("one"))
			p.run()
			if d := p.only(e); d.Status != row.status || len(p.got) != row.posts || len(d.Attempts) != row.posts {
				t.Errorf("%d posts: %+v", len(p.got), d)
			}
			if e := p.endpoints()[0]; e.Enabled == (name == "410 is the end") {
				t.Errorf("endpoint %+v", e)
			}
		})
	}
}

// A body that never ends and headers that never come cost no more than their time-out.
func TestASlowReceiverCostsItsTimeout(t *testing.T) {
	p := newPost(t)
	p.courier.Client.Timeout = 200 * time.Millisecond
	e, _ := p.endpoint()
	let := make(chan struct{})
	t.Cleanup(func() { close(let) })
	p.answer = func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 1 { // headers at once, then a body that drips
			w.WriteHeader(200)
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-let:
		case <-r.Context().Done():
		}
	}
	p.tell(p.topUp("one"))
	began := time.Now()
	p.run()
	if d := p.only(e); d.Status != webhook.Delivered || len(d.Attempts) != 2 || d.Attempts[0].Error != "timeout" || time.Since(began) > 5*time.Second {
		t.Errorf("%+v after %s", d, time.Since(began))
	}
}

// An endpoint that nobody answers for rests, so that its deliveries don't take the time of others.
func TestASilentEndpointRestsAndHurtsNobody(t *testing.T) {
	p := newPost(t)
	p.courier.Client.Timeout = 300 * time.Millisecond
	p.answer = func(_ http.ResponseWriter, r *http.Request, _ int) {
		if r.URL.Path == "/dead" {
			<-r.Context().Done()
		}
	}
	live, _ := p.endpoint()
	dead, _, _, err := p.desk.Add(t.Context(), "acme", "dead", webhook.Wish{URL: p.receiver.URL + "/dead", Events: []string{"*"}, Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	var told []event.Event
	for i := range 30 {
		told = append(told, p.topUp(fmt.Sprint("t", i)))
	}
	p.tell(told...)
	p.take(false)
	for _, d := range p.deliveries(live) {
		if d.Status != webhook.Delivered {
			t.Errorf("%+v", d)
		}
	}
	tried := func() (attempts int) {
		for _, d := range p.deliveries(dead) {
			attempts += len(d.Attempts)
		}
		return attempts
	}
	if n := tried(); n != 3 {
		t.Errorf("%d posts timed out before it rested", n)
	}
	p.courier.Client.Timeout = time.Millisecond // only the dead one is left
	p.run()
	for _, d := range p.deliveries(dead) {
		if d.Status != webhook.Dead || d.EndedAt.Sub(d.CreatedAt) > 60*time.Hour {
			t.Errorf("%+v", d)
		}
	}
	if n := tried(); n > 30*9 {
		t.Errorf("%d posts timed out in all", n)
	}
}
