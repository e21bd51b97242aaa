package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/directory"
	"billingcentre/shared/export/desk"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/shelf"
	"billingcentre/shared/wallet"
)

var owner = api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"}

// world is the function with the accounts acme and zen, and a queue that keeps what it is sent.
type world struct {
	handler
	t     *testing.T
	serve api.Handler
	now   time.Time
	queue []string
	away  bool // the queue is
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 5, 3, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	for _, account := range []wallet.AccountID{"acme", "zen"} {
		opening := directory.Opening(directory.Account{ID: account, Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga")
		if _, err := l.Do(t.Context(), account, opening); err != nil {
			t.Fatal(err)
		}
	}
	w.handler = handler{
		desk:    &desk.Desk{Store: l.Store, Links: links{}, Send: w.send, Now: now, Days: 7},
		cursors: api.Cursors{Key: []byte("a key of tests")},
	}
	w.serve = api.Serve(slog.New(slog.DiscardHandler), w.routes()...)
	return w
}

func (w *world) send(_ context.Context, body string) error {
	if w.away {
		return errors.New("the queue is away")
	}
	w.queue = append(w.queue, body)
	return nil
}

// links sign nothing: shared/shelf is tested with the real client.
type links struct{}

func (links) URL(_ context.Context, key, name string, valid time.Duration) (string, error) {
	return fmt.Sprintf("https://files.example.com/%s?name=%s&valid=%s", key, name, valid), nil
}

// void takes files and forgets them.
type void struct{ desk.Shelf }

func (void) Put(context.Context, string, string, []byte) error { return nil }

// ask asks for what the event "ask" asks for.
func (w *world) ask() {
	w.t.Helper()
	if got := apitest.Send(w.t, w.serve, apitest.Event(w.t, "exports", "ask")); got.Status != http.StatusAccepted {
		w.t.Fatal(got)
	}
}

// make makes the export of the last message.
func (w *world) make(change func(m *desk.Maker)) {
	w.t.Helper()
	m := &desk.Maker{Store: w.desk.Store, Shelf: void{}, Send: w.send, Now: w.desk.Now, Log: slog.New(slog.DiscardHandler), Provider: "Billing Centre"}
	change(m)
	id, err := desk.ReadMessage(w.queue[len(w.queue)-1])
	if err == nil {
		err = m.Make(w.t.Context(), id, func() bool { return true })
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) done() {
	w.ask()
	w.now = w.now.Add(2 * time.Second)
	w.make(func(*desk.Maker) {})
}

// given is what must have happened before each event.
var given = map[string]func(w *world){
	"ask":            func(*world) {},
	"ask-focus":      func(*world) {},
	"ask-again":      func(w *world) { w.ask() },
	"ask-other-wish": func(w *world) { w.ask() },
	"ask-bad":        func(*world) {},
	"ask-no-key":     func(*world) {},
	"ask-queue-away": func(w *world) { w.away = true },
	"get-pending":    func(w *world) { w.ask() },
	"get-ready":      func(w *world) { w.done() },
	"get-expired":    func(w *world) { w.done(); w.now = w.now.AddDate(0, 0, 7) },
	"get-failed": func(w *world) {
		w.ask()
		m := &desk.Maker{Store: w.desk.Store, Now: w.desk.Now, Log: slog.New(slog.DiscardHandler)}
		id, _ := desk.ReadMessage(w.queue[0])
		if err := m.Fail(w.t.Context(), id); err != nil {
			w.t.Fatal(err)
		}
	},
	"get-of-another": func(w *world) { w.ask() },
	"list":           func(w *world) { w.done() },
}

func TestEvents(t *testing.T) {
	apitest.Run(t, "exports", func(t *testing.T, name string) api.Handler {
		prepare, known := given[name]
		if !known {
			t.Fatal("the test doesn't know this event")
		}
		w := newWorld(t)
		prepare(w)
		return w.serve
	})
}

func (w *world) call(c apitest.Call) apitest.Answer {
	w.t.Helper()
	return apitest.Send(w.t, w.serve, c.Event())
}

const wish = `{"what":"bills"}`

func TestWhoMayExport(t *testing.T) {
	for _, route := range newWorld(t).routes() {
		for _, row := range []struct {
			who    api.Caller
			status int
		}{
			{owner, http.StatusOK},
			{api.Caller{Subject: "vera", Role: api.Viewer, Account: "acme"}, http.StatusOK},
			{api.Caller{Subject: "olga", Role: api.Operator}, http.StatusOK},
			{api.Caller{Subject: "zoe", Role: api.Owner, Account: "zen"}, http.StatusNotFound},
			{api.Caller{Subject: "paul", Role: api.Partner, Partner: "reseller"}, http.StatusForbidden},
			{api.Caller{}, http.StatusUnauthorized},
		} {
			w := newWorld(t)
			var asked export
			w.call(apitest.Call{Route: "POST /v1/accounts/{account}/exports", Params: map[string]string{"account": "acme"}, Caller: owner, Key: "k", Body: wish}).Into(t, &asked)
			c := apitest.Call{Route: route.Key, Caller: row.who, Params: map[string]string{"account": "acme"}}
			if strings.Contains(route.Key, "{export}") {
				c.Params["export"] = asked.ID
			}
			if strings.HasPrefix(route.Key, "POST") {
				c.Key, c.Body = "k", wish
			}
			if got := w.call(c); got.Status != row.status {
				t.Errorf("%s by %s of %q: %d %s", route.Key, row.who.Role, row.who.Account, got.Status, got.Body)
			}
		}
	}
}

func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	acme := map[string]string{"account": "acme"}
	for name, c := range map[string]apitest.Call{
		"an unknown member":         {Route: "POST /v1/accounts/{account}/exports", Params: acme, Key: "k", Body: `{"what":"bills","state":"ready"}`},
		"two documents":             {Route: "POST /v1/accounts/{account}/exports", Params: acme, Key: "k", Body: wish + wish},
		"null":                      {Route: "POST /v1/accounts/{account}/exports", Params: acme, Key: "k", Body: `null`},
		"a key twice":               {Route: "POST /v1/accounts/{account}/exports", Params: acme, Key: "k", Body: `{"what":"bills","what":"bills"}`},
		"a huge key":                {Route: "POST /v1/accounts/{account}/exports", Params: acme, Key: strings.Repeat("k", 300), Body: wish},
		"a foreign cursor":          {Route: "GET /v1/accounts/{account}/exports", Params: acme, Query: "cursor=" + w.cursors.Encode(desk.ListOf("zen"), "2026")},
		"an edited cursor":          {Route: "GET /v1/accounts/{account}/exports", Params: acme, Query: "cursor=AAAA"},
		"a limit of 0":              {Route: "GET /v1/accounts/{account}/exports", Params: acme, Query: "limit=0"},
		"an unknown filter":         {Route: "GET /v1/accounts/{account}/exports", Params: acme, Query: "state=ready"},
		"a parameter of one export": {Route: "GET /v1/accounts/{account}/exports/{export}", Params: map[string]string{"account": "acme", "export": "X1"}, Query: "valid=1000"},
	} {
		c.Caller = owner
		if got := w.call(c); got.Status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	for _, id := range []string{"X1", "../", strings.Repeat("x", 3_000), "a#b"} {
		c := apitest.Call{Route: "GET /v1/accounts/{account}/exports/{export}", Params: map[string]string{"account": "acme", "export": id}, Caller: owner}
		if got := w.call(c); got.Status != http.StatusNotFound {
			t.Errorf("export %.10s: %d %s", id, got.Status, got.Body)
		}
	}
}

var _ desk.Shelf = (*shelf.Shelf)(nil)
