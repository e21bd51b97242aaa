package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

const route = "POST /v1/accounts/{account}/voucher-activations"

// world is the function with two accounts, acme and zen, and a batch of three codes: always the same ones.
type world struct {
	serve   api.Handler
	desk    *voucher.Desk
	now     time.Time
	codes   []voucher.Code
	metrics bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	for _, account := range []wallet.AccountID{"acme", "zen"} {
		if _, err := l.Do(t.Context(), account, ledger.Intent{Command: wallet.Open{Account: account, Currency: money.CNY, Zone: "Asia/Shanghai"}}); err != nil {
			t.Fatal(err)
		}
	}
	w.desk = &voucher.Desk{
		Ledger: l, Key: []byte("a key of tests"), Metrics: &metric.Metrics{Out: &w.metrics, Now: now}, Now: now, Chance: rand.NewChaCha8([32]byte{7}),
	}
	var err error
	_, w.codes, err = w.desk.Issue(t.Context(), voucher.Order{
		Terms: voucher.Terms{Kind: wallet.Regular, Face: money.Units(money.CNY, 100), MinBill: money.Zero(money.CNY), ValidUntil: w.now.AddDate(0, 1, 0)},
		Count: 3, Once: "batch-1", Actor: "olga",
	})
	if err != nil {
		t.Fatal(err)
	}
	w.serve = api.Serve(slog.New(slog.DiscardHandler), handler{desk: w.desk}.routes()...)
	return w
}

// call is an owner of acme who enters a code.
func call(key, code string) apitest.Call {
	return apitest.Call{
		Route: route, Params: map[string]string{"account": "acme"}, Key: key, Body: fmt.Sprintf(`{"code":%q}`, code),
		Caller: api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"},
	}
}

func (w *world) used(t *testing.T, account wallet.AccountID, once string, code int) {
	t.Helper()
	if _, err := w.desk.Activate(t.Context(), voucher.Activation{Account: account, Code: w.codes[code], Once: once, Actor: "pat"}); err != nil {
		t.Fatal(err)
	}
}

func TestEvents(t *testing.T) {
	before := map[string]func(t *testing.T, w *world){
		"activate":            nil,
		"as-people-write-it":  nil,
		"again":               func(t *testing.T, w *world) { w.used(t, "acme", "activation-1", 0); w.now = w.now.Add(time.Hour) },
		"own-used-code":       func(t *testing.T, w *world) { w.used(t, "acme", "another-key", 0); w.now = w.now.Add(time.Hour) },
		"somebody-elses-code": func(t *testing.T, w *world) { w.used(t, "zen", "activation-1", 0) },
		"unknown-code":        nil,
		"expired-code":        func(_ *testing.T, w *world) { w.now = w.now.AddDate(0, 1, 0) },
		"key-reused":          func(t *testing.T, w *world) { w.used(t, "acme", "activation-1", 1) },
		"mistyped-code":       nil,
		"extra-member":        nil,
		"without-key":         nil,
		"too-many-guesses": func(t *testing.T, w *world) {
			for range 5 {
				apitest.Send(t, w.serve, call("k", "0000-0000-0000-0000-0000").Event())
			}
		},
	}
	apitest.Run(t, "voucher-activation", func(t *testing.T, name string) api.Handler {
		prepare, known := before[name]
		if !known {
			t.Fatal("the test doesn't know this event")
		}
		w := newWorld(t)
		if prepare != nil {
			prepare(t, w)
		}
		return w.serve
	})
}

// The refusals of unknown, expired and foreign codes are the same to the last byte.
func TestRefusalsTellNothing(t *testing.T) {
	foreign, expired, unknown := newWorld(t), newWorld(t), newWorld(t)
	foreign.used(t, "zen", "k", 0)
	expired.now = expired.now.AddDate(0, 1, 0)
	code := foreign.codes[0].String()
	want := apitest.Send(t, unknown.serve, call("k", "0000-0000-0000-0000-0000").Event())
	for name, w := range map[string]*world{"foreign": foreign, "expired": expired} {
		if got := apitest.Send(t, w.serve, call("k", code).Event()); got.Status != want.Status || string(got.Body) != string(want.Body) {
			t.Errorf("%s: %d %s, unknown: %d %s", name, got.Status, got.Body, want.Status, want.Body)
		}
	}
}

func TestWhoMayActivate(t *testing.T) {
	for _, row := range []struct {
		who    api.Caller
		status int
	}{
		{api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"}, http.StatusCreated},
		{api.Caller{Subject: "olga", Role: api.Operator}, http.StatusCreated},
		{api.Caller{Subject: "vera", Role: api.Viewer, Account: "acme"}, http.StatusForbidden},
		{api.Caller{Subject: "zoe", Role: api.Owner, Account: "zen"}, http.StatusNotFound},
		{api.Caller{Subject: "zoe", Role: api.Viewer, Account: "zen"}, http.StatusNotFound},
		{api.Caller{Subject: "paul", Role: api.Partner, Partner: "reseller"}, http.StatusNotFound},
		{api.Caller{}, http.StatusUnauthorized},
	} {
		w := newWorld(t)
		c := call("k", w.codes[0].String())
		c.Caller = row.who
		if got := apitest.Send(t, w.serve, c.Event()); got.Status != row.status {
			t.Errorf("%s of %s: %d %s", row.who.Role, row.who.Account, got.Status, got.Body)
		}
	}
}

func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	code := w.codes[0].String()
	for name, row := range map[string]struct {
		change func(c *apitest.Call)
		status int
	}{
		"H33 a member in capitals": {func(c *apitest.Call) { c.Body = `{"CODE":"` + code + `"}` }, 400},
		"H34 a balance":            {func(c *apitest.Call) { c.Body = `{"code":"` + code + `","balance":1e9}` }, 400},
		"H36 two documents":        {func(c *apitest.Call) { c.Body = `{"code":"` + code + `"}{}` }, 400},
		"H37 a byte order mark":    {func(c *apitest.Call) { c.Body = "\ufeff" + c.Body }, 400},
		"H40 5 MB":                 {func(c *apitest.Call) { c.Body = `{"code":"` + strings.Repeat("A", 5<<20) + `"}` }, 413},
		"H42 no UTF-8":             {func(c *apitest.Call) { c.Body = "{\"code\":\"\xff\"}" }, 400},
		"H43 half a surrogate":     {func(c *apitest.Call) { c.Body = `{"code":"\ud800"}` }, 400},
		"H45 null":                 {func(c *apitest.Call) { c.Body = `null` }, 400},
		"H46 XML":                  {func(c *apitest.Call) { c.Header = map[string]string{"content-type": "application/xml"} }, 415},
		"H49 a key of 256":         {func(c *apitest.Call) { c.Key = strings.Repeat("k", 256) }, 400},
		"H55 an account of dots":   {func(c *apitest.Call) { c.Params = map[string]string{"account": "../"} }, 404},
		"the code twice":           {func(c *apitest.Call) { c.Body = `{"code":"` + code + `","code":"` + code + `"}` }, 400},
		"a code that is a number":  {func(c *apitest.Call) { c.Body = `{"code":1}` }, 400},
	} {
		c := call("k", code)
		row.change(&c)
		if got := apitest.Send(t, w.serve, c.Event()); got.Status != row.status {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
	if w.metrics.Len() > 0 {
		t.Errorf("requests that name no code count as guesses: %s", &w.metrics)
	}
}

func TestTwoHundredGuessesAMinute(t *testing.T) { // H82
	w := newWorld(t)
	statuses := map[int]int{}
	for i := range 200 {
		got := apitest.Send(t, w.serve, call("k", "0000-0000-0000-0000-0000").Event())
		statuses[got.Status]++
		if got.Status == http.StatusTooManyRequests && got.Headers["Retry-After"] == "" {
			t.Fatalf("guess %d isn't told when to come again", i)
		}
		w.now = w.now.Add(300 * time.Millisecond)
	}
	if statuses[422] != 5 || statuses[429] != 195 {
		t.Errorf("answers: %v", statuses)
	}
	if refused := strings.Count(w.metrics.String(), `"RefusedActivations":1`); refused != 200 {
		t.Errorf("the metric counts %d", refused)
	}
}

func TestSameRequestFiftyTimesAtOnce(t *testing.T) { // H52
	w := newWorld(t)
	answers := make([]apitest.Answer, 50)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() { answers[i] = apitest.Send(t, w.serve, call("k", w.codes[0].String()).Event()) })
	}
	wait.Wait()
	firsts := 0
	for _, a := range answers {
		if a.Status == http.StatusCreated {
			firsts++
		}
		if string(a.Body) != string(answers[0].Body) {
			t.Errorf("answers differ: %s and %s", a.Body, answers[0].Body)
		}
	}
	if firsts != 1 {
		t.Errorf("%d of 50 are the first", firsts)
	}
}

func TestUnknownAccountsAreNotFound(t *testing.T) {
	w := newWorld(t)
	_, err := w.desk.Activate(t.Context(), voucher.Activation{Account: "nobody", Code: w.codes[0], Once: "k"})
	if !refusal.Is(err, refusal.NotFound) {
		t.Errorf("got %v", err)
	}
}
