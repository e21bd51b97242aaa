package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
	"billingcentre/shared/webhook"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// first is the webhook that the accounts of the tests have.
const first = "wh_00000000000000000000"

// sent are the steps that went onto the queue; full refuses all.
type sent struct {
	steps []webhook.Step
	full  bool
}

func (s *sent) Send(_ context.Context, steps ...webhook.Step) error {
	if s.full {
		return errors.New("the queue is full")
	}
	s.steps = append(s.steps, steps...)
	return nil
}

// zeros is a chance that always makes the same ids.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return copy(b, strings.Repeat("\x00", len(b))), nil }

// newDesk is the function over the accounts acme and bolt, each with one webhook for everything.
func newDesk(t *testing.T) (handler, *sent) {
	t.Helper()
	queue, clock := &sent{}, func() time.Time { return noon }
	store := new(memory.Store)
	books := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: clock}
	desk := &webhook.Desk{
		Store: store, Signer: webhook.Signer{Master: []byte("a master key of thirty-two bytes")}, Addresses: webhook.Public, Queue: queue, Now: clock,
		Chance: zeros{},
	}
	for _, account := range []wallet.AccountID{"acme", "bolt"} {
		if _, err := books.Do(t.Context(), account, ledger.Intent{Command: wallet.Open{Account: account, Currency: money.CNY, Zone: "Asia/Shanghai", Actor: "ops"}}); err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := desk.Add(t.Context(), account, "k-1", webhook.Wish{URL: "https://hooks.example.com/first", Events: []string{"*"}, Enabled: true}); err != nil {
			t.Fatal(err)
		}
	}
	return handler{desk: desk, cursors: api.Cursors{Key: []byte("test")}}, queue
}

func (h handler) serve() api.Handler { return api.Serve(slog.New(slog.DiscardHandler), h.routes()...) }

func TestEvents(t *testing.T) {
	apitest.Run(t, "webhooks", func(t *testing.T, name string) api.Handler {
		h, _ := newDesk(t)
		ctx := t.Context()
		var err error
		switch name {
		case "add-eleventh":
			for i := range 9 {
				_, _, _, failed := h.desk.Add(ctx, "acme", fmt.Sprint("more", i), webhook.Wish{URL: "https://hooks.example.com/", Events: []string{"*"}})
				err = errors.Join(err, failed)
			}
		case "rotate-too-often":
			for range 3 {
				_, _, failed := h.desk.Rotate(ctx, "acme", first)
				err = errors.Join(err, failed)
			}
		case "test-disabled":
			_, err = h.desk.Change(ctx, "acme", first, webhook.Wish{URL: "https://hooks.example.com/first", Events: []string{"*"}})
		case "deliveries", "deliveries-dead":
			for _, key := range []string{"a", "b"} {
				_, _, failed := h.desk.Test(ctx, "acme", first, key)
				err = errors.Join(err, failed)
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		return h.serve()
	})
}

// Everybody by every role on every route, on one's own account and on somebody else's (bad-inputs, API1 and API5).
func TestWhoMayDoWhat(t *testing.T) {
	callers := []api.Caller{
		{Subject: "pat", Role: api.Owner, Account: "acme"},
		{Subject: "vic", Role: api.Viewer, Account: "acme"},
		{Subject: "ops", Role: api.Operator},
		{Subject: "par", Role: api.Partner, Partner: "p-1"},
		{},
	}
	const all, one = "/v1/accounts/{account}/webhooks", "/v1/accounts/{account}/webhooks/{webhook}"
	const body = `{"url":"https://hooks.example.com/","events":["*"]}`
	write := func(status int) ([5]int, [5]int) {
		return [5]int{status, 403, status, 404, 401}, [5]int{404, 404, status, 404, 401}
	}
	read := func(status int) ([5]int, [5]int) {
		return [5]int{status, status, status, 403, 401}, [5]int{404, 404, status, 403, 401}
	}
	for _, row := range []struct {
		route, body string
		status      int
		may         func(int) (own, foreign [5]int)
	}{
		{"POST " + all, body, 201, write},
		{"GET " + all, "", 200, read},
		{"GET " + one, "", 200, read},
		{"PUT " + one, body, 200, write},
		{"DELETE " + one, "", 200, write},
		{"POST " + one + "/secret", "", 200, write},
		{"POST " + one + "/tests", "", 201, write},
		{"GET " + one + "/deliveries", "", 200, read},
		{"GET " + one + "/deliveries/{delivery}", "", 200, read},
		{"POST " + one + "/deliveries/{delivery}/replay", "", 202, write},
	} {
		own, foreign := row.may(row.status)
		for account, want := range map[string][5]int{"acme": own, "bolt": foreign} {
			for i, caller := range callers {
				h, _ := newDesk(t)
				made, _, err := h.desk.Test(t.Context(), wallet.AccountID(account), first, "t")
				if err != nil {
					t.Fatal(err)
				}
				answer := apitest.Send(t, h.serve(), apitest.Call{
					Route: row.route, Params: map[string]string{"account": account, "webhook": first, "delivery": made.ID}, Caller: caller, Body: row.body,
					Key: "k-2",
				}.Event())
				if answer.Status != want[i] {
					t.Errorf("%s on %s by %q: %d, want %d: %s", row.route, account, caller.Role, answer.Status, want[i], answer.Body)
				}
			}
		}
	}
}

// A delivery of one account is nobody else's, even by an id that is known.
func TestADeliveryIsItsWebhooksOnly(t *testing.T) {
	h, _ := newDesk(t)
	made, _, err := h.desk.Test(t.Context(), "bolt", first, "t")
	if err != nil {
		t.Fatal(err)
	}
	answer := apitest.Send(t, h.serve(), apitest.Call{
		Route:  "GET /v1/accounts/{account}/webhooks/{webhook}/deliveries/{delivery}",
		Params: map[string]string{"account": "acme", "webhook": first, "delivery": made.ID}, Caller: api.Caller{Role: api.Owner, Account: "acme"},
	}.Event())
	if answer.Status != 404 {
		t.Errorf("%d: %s", answer.Status, answer.Body)
	}
}

// The secret is in the first answer, and in no other.
func TestTheSecretIsToldOnce(t *testing.T) {
	h, _ := newDesk(t)
	send := func(route, body, key string) string {
		return string(apitest.Send(t, h.serve(), apitest.Call{
			Route: route, Params: map[string]string{"account": "acme", "webhook": first}, Caller: api.Caller{Role: api.Owner, Account: "acme"}, Body: body,
			Key: key,
		}.Event()).Body)
	}
	const all, wanted = "/v1/accounts/{account}/webhooks", `{"url":"https://hooks.example.com/","events":["*"]}`
	if !strings.Contains(send("POST "+all, wanted, "k-2"), "whsec_") {
		t.Error("no secret in the first answer")
	}
	for _, answer := range []string{send("POST "+all, wanted, "k-2"), send("GET "+all, "", ""), send("GET "+all+"/{webhook}", "", "")} {
		if strings.Contains(answer, "whsec_") {
			t.Errorf("a secret in %s", answer)
		}
	}
}

// A replay whose message couldn't be sent is no replay: the delivery stays as it was.
func TestAReplayThatCannotBeSentChangesNothing(t *testing.T) {
	h, queue := newDesk(t)
	made, _, err := h.desk.Test(t.Context(), "acme", first, "t")
	if err != nil {
		t.Fatal(err)
	}
	queue.full = true
	_, failed := h.desk.Replay(t.Context(), "acme", first, made.ID)
	found, err := h.desk.Delivery(t.Context(), "acme", first, made.ID)
	if failed == nil || err != nil || found.Step != made.Step {
		t.Errorf("%v, %v: %+v", failed, err, found)
	}
}

// Nobody can have us flood a system: thirty tests and replays a minute. The same test again isn't one more.
func TestTestsAndReplaysAreLimited(t *testing.T) {
	h, queue := newDesk(t)
	now := noon
	h.desk.Now = func() time.Time { return now }
	made, _, err := h.desk.Test(t.Context(), "acme", first, "t")
	for range 29 {
		_, failed := h.desk.Replay(t.Context(), "acme", first, made.ID)
		err = errors.Join(err, failed)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, tooMany := h.desk.Replay(t.Context(), "acme", first, made.ID)
	_, _, tooManyTests := h.desk.Test(t.Context(), "acme", first, "t2")
	_, repeated, again := h.desk.Test(t.Context(), "acme", first, "t")
	if !refusal.Is(tooMany, refusal.TooMany) || !refusal.Is(tooManyTests, refusal.TooMany) || refusal.As(tooMany).RetryAfter != 61 || again != nil || !repeated {
		t.Errorf("%v; %v; %v", tooMany, tooManyTests, again)
	}
	now = now.Add(time.Minute)
	if _, err := h.desk.Replay(t.Context(), "acme", first, made.ID); err != nil || len(queue.steps) != 31 {
		t.Errorf("a minute later: %v, %d sent", err, len(queue.steps))
	}
}

func TestEveryDeliveryIsListedOnce(t *testing.T) {
	h, queue := newDesk(t)
	want := 45
	now := noon
	h.desk.Now = func() time.Time { return now }
	for i := range want {
		if now = now.Add(5 * time.Second); i%2 == 0 {
			now = now.Add(-5 * time.Second) // two in an instant
		}
		if _, _, err := h.desk.Test(t.Context(), "acme", first, fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]bool{}
	for query := "limit=10"; ; {
		var page api.Page[delivery]
		apitest.Send(t, h.serve(), apitest.Call{
			Route: "GET /v1/accounts/{account}/webhooks/{webhook}/deliveries", Params: map[string]string{"account": "acme", "webhook": first}, Query: query,
			Caller: api.Caller{Role: api.Viewer, Account: "acme"},
		}.Event()).Into(t, &page)
		for _, d := range page.Items {
			seen[d.ID] = true
		}
		if page.Next == "" {
			break
		}
		query = "limit=10&cursor=" + page.Next
	}
	if len(seen) != want || len(queue.steps) != want {
		t.Errorf("%d listed, %d sent", len(seen), len(queue.steps))
	}
	// A cursor is its filter's only.
	var page api.Page[delivery]
	list := apitest.Call{
		Route: "GET /v1/accounts/{account}/webhooks/{webhook}/deliveries", Params: map[string]string{"account": "acme", "webhook": first}, Query: "limit=10&status=pending",
		Caller: api.Caller{Role: api.Viewer, Account: "acme"},
	}
	apitest.Send(t, h.serve(), list.Event()).Into(t, &page)
	if list.Query = "limit=10&cursor=" + page.Next; len(page.Items) != 10 || apitest.Send(t, h.serve(), list.Event()).Status != 400 {
		t.Errorf("%d pending, and their cursor is taken for all", len(page.Items))
	}
}
