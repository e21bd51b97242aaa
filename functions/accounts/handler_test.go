package main

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/arrears"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/unlinking"
	"billingcentre/shared/wallet"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// office is the function over three accounts: acme and bolt in CNY, dime in USD. acme has the workspace ws-a and, by a
// cloud account, ws-cloud; it had ws-free, which is unbound now; bolt has ws-b.
type office struct {
	handler
	t   *testing.T
	now time.Time
}

func newOffice(t *testing.T) *office {
	o := &office{t: t, now: noon.AddDate(0, -2, 0)}
	clock := func() time.Time { return o.now }
	books := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: clock}
	o.handler = handler{ledger: books, directory: &directory.Directory{Store: books.Store, Now: clock}, cursors: api.Cursors{Key: []byte("test")}}
	for i, a := range []directory.Account{{ID: "acme", Name: "Acme", Currency: money.CNY}, {ID: "bolt", Name: "Bolt", Currency: money.CNY}, {ID: "dime", Name: "Dime", Currency: money.USD}} {
		o.now = noon.AddDate(0, -2, i)
		a.Zone = "Asia/Shanghai"
		if _, err := books.Do(t.Context(), a.ID, directory.Opening(a, "ops")); err != nil {
			t.Fatal(err)
		}
	}
	o.clouds = &unlinking.Keeper{
		Desk: &cloudlink.Desk{Store: books.Store, Policy: books.Policy, Now: clock}, Directory: o.directory, Log: slog.New(slog.DiscardHandler),
	}
	o.link("aws", "c-1")
	o.link("huawei", "c-42")
	o.mustBind(directory.Wish{Account: "acme", Workspace: "ws-a", Method: wallet.BillingCenter})
	o.mustBind(directory.Wish{Account: "acme", Workspace: "ws-cloud", Method: wallet.Cloud, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-1"}})
	o.mustBind(directory.Wish{Account: "bolt", Workspace: "ws-b", Method: wallet.BillingCenter})
	o.mustBind(directory.Wish{Account: "acme", Workspace: "ws-free", Method: wallet.BillingCenter})
	o.now = noon.AddDate(0, -1, 0)
	if _, _, err := o.directory.Unbind(t.Context(), directory.Wish{Account: "acme", Workspace: "ws-free"}); err != nil {
		t.Fatal(err)
	}
	o.now = noon
	return o
}

func (o *office) mustBind(wish directory.Wish) {
	o.t.Helper()
	if _, _, err := o.directory.Bind(o.t.Context(), wish); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) link(provider, customer string) {
	o.t.Helper()
	if _, _, err := o.clouds.Desk.Link(o.t.Context(), "acme", wallet.CloudAccount{Provider: provider, Customer: customer}, "ops"); err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) certify(accounts ...wallet.AccountID) {
	o.t.Helper()
	for _, id := range accounts {
		if _, _, err := o.directory.Certify(o.t.Context(), id, &directory.Certification{Kind: "enterprise", Number: "r-1", At: o.now, Actor: "ops"}); err != nil {
			o.t.Fatal(err)
		}
	}
}

func (o *office) serve() api.Handler {
	return api.Serve(slog.New(slog.DiscardHandler), o.routes()...)
}

// given is what must have happened before some events.
var given = map[string]func(o *office){
	"bind-certified":                 func(o *office) { o.certify("acme", "bolt") },
	"change-method-away-by-operator": func(o *office) { o.unlink("aws", "c-1") },
	"cloud-link-unlinked":            func(o *office) { o.unlink("aws", "c-1") },
	"decertify":                      func(o *office) { o.certify("acme") },
	"open-cloud-links": func(o *office) {
		_, _, err := o.clouds.Desk.Ask(o.t.Context(), "bolt", wallet.CloudAccount{Provider: "aws", Customer: "c-7"}, "pat")
		o.must(err)
	},
	"open-cloud-links-unlinked":     func(o *office) { o.unlink("aws", "c-1") },
	"workspace-locked":              (*office).lock,
	"workspace-locked-by-its-cloud": (*office).lockCloud,
	"workspaces-locked":             func(o *office) { o.lockCloud(); o.lock() },
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) unlink(provider, customer string) {
	o.t.Helper()
	_, err := o.clouds.Unlink(o.t.Context(), wallet.CloudAccount{Provider: provider, Customer: customer}, "ops")
	o.must(err)
}

// lock has acme's wallet locked for 5.00 that it didn't repay in time.
func (o *office) lock() {
	o.t.Helper()
	keeper := &arrears.Keeper{Ledger: o.ledger, Directory: o.directory, Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: io.Discard}}
	cost, err := money.ParseExact("", "5", money.CNY)
	o.must(err)
	bill := wallet.Bill{ID: "b-1", Workspace: "ws-a", Day: "2026-10-01", Currency: money.CNY, Lines: []wallet.Line{{Product: "sms", Amount: cost}}}
	o.now = noon.AddDate(0, -1, 0)
	_, err = o.ledger.Do(o.t.Context(), "acme", ledger.Intent{Command: wallet.Settle{Bill: bill, DayEnd: o.now, Method: wallet.BillingCenter}, After: arrears.Mark})
	o.must(err)
	head, err := o.ledger.Open(o.t.Context(), "acme")
	o.must(err)
	documents, err := arrears.Begin(o.t.Context(), o.ledger.Store, o.ledger.Policy, head, "2026-09", o.now)
	o.must(err)
	o.must(o.ledger.Store.Put(o.t.Context(), documents...))
	o.now = o.now.AddDate(0, 0, 14)
	_, err = keeper.Run(o.t.Context())
	o.must(err)
	o.now = noon
}

// lockCloud has acme's cloud account at AWS unlinked, and its countdown over.
func (o *office) lockCloud() {
	o.t.Helper()
	o.now = noon.AddDate(0, -1, 0)
	o.unlink("aws", "c-1")
	o.now = o.now.AddDate(0, 0, 14)
	_, err := o.clouds.Run(o.t.Context())
	o.must(err)
	o.now = noon
}

func TestEvents(t *testing.T) {
	apitest.Run(t, "accounts", func(t *testing.T, name string) api.Handler {
		o := newOffice(t)
		if prepare, some := given[name]; some {
			prepare(o)
		}
		return o.serve()
	})
}

// Everybody by every role on every route, on one's own account and on somebody else's (bad-inputs, API1 and API5).
func TestWhoMayDoWhat(t *testing.T) {
	owner, viewer := api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"}, api.Caller{Subject: "vic", Role: api.Viewer, Account: "acme"}
	operator, partner := api.Caller{Subject: "ops", Role: api.Operator}, api.Caller{Subject: "par", Role: api.Partner, Partner: "p-1"}
	callers := []api.Caller{owner, viewer, operator, partner, {}}
	const workspaceRoute = "/v1/accounts/{account}/workspaces/{workspace}"
	for _, row := range []struct {
		route, body  string
		own, foreign [5]int // by owner, viewer, operator, partner, nobody
	}{
		{"POST /v1/accounts", `{"account_id":"nova","name":"Nova"}`, [5]int{403, 403, 201, 403, 401}, [5]int{403, 403, 201, 403, 401}},
		{"GET /v1/accounts", "", [5]int{403, 403, 200, 403, 401}, [5]int{403, 403, 200, 403, 401}},
		{"GET /v1/accounts/{account}", "", [5]int{200, 200, 200, 403, 401}, [5]int{404, 404, 200, 403, 401}},
		{"GET /v1/accounts/{account}/workspaces", "", [5]int{200, 200, 200, 403, 401}, [5]int{404, 404, 200, 403, 401}},
		{"POST /v1/accounts/{account}/workspaces", `{"workspace_id":"ws-new"}`, [5]int{201, 403, 201, 404, 401}, [5]int{404, 404, 201, 404, 401}},
		{"GET " + workspaceRoute, "", [5]int{200, 200, 200, 403, 401}, [5]int{404, 404, 200, 403, 401}},
		{"PUT " + workspaceRoute + "/settlement-method", `{"settlement_method":"billing_center"}`, [5]int{200, 403, 200, 404, 401}, [5]int{404, 404, 200, 404, 401}},
		{"DELETE " + workspaceRoute, "", [5]int{200, 403, 200, 404, 401}, [5]int{404, 404, 200, 404, 401}},
		{"PUT /v1/accounts/{account}/certification", `{"kind":"personal","certificate_id":"p-1"}`, [5]int{403, 403, 200, 403, 401}, [5]int{403, 403, 200, 403, 401}},
		{"DELETE /v1/accounts/{account}/certification", "", [5]int{403, 403, 200, 403, 401}, [5]int{403, 403, 200, 403, 401}},
		{"GET /v1/accounts/{account}/cloud-links", "", [5]int{200, 200, 200, 403, 401}, [5]int{404, 404, 200, 403, 401}},
		{"POST /v1/accounts/{account}/cloud-links", `{"provider":"aws","customer":"c-8"}`, [5]int{201, 403, 201, 404, 401}, [5]int{404, 404, 201, 404, 401}},
		{"GET /v1/accounts/{account}/cloud-links/{provider}/{customer}", "", [5]int{200, 200, 200, 403, 401}, [5]int{404, 404, 404, 403, 401}},
		{"DELETE /v1/accounts/{account}/cloud-links/{provider}/{customer}", "", [5]int{200, 403, 200, 404, 401}, [5]int{404, 404, 404, 404, 401}},
		{"POST /v1/operator/cloud-links/{provider}/{customer}/unlinking", "", [5]int{403, 403, 200, 403, 401}, [5]int{403, 403, 200, 403, 401}},
	} {
		for account, want := range map[string][5]int{"acme": row.own, "bolt": row.foreign} {
			for i, caller := range callers {
				params := map[string]string{"account": account, "workspace": map[string]string{"acme": "ws-a", "bolt": "ws-b"}[account], "provider": "huawei", "customer": "c-42"}
				answer := apitest.Send(t, newOffice(t).serve(), apitest.Call{Route: row.route, Params: params, Caller: caller, Body: row.body}.Event())
				if answer.Status != want[i] {
					t.Errorf("%s on %s by %q: %d, want %d: %s", row.route, account, caller.Role, answer.Status, want[i], answer.Body)
				}
			}
		}
	}
}

func TestEveryWorkspaceIsListedOnce(t *testing.T) {
	o := newOffice(t)
	want := []string{"ws-cloud", "ws-a"}
	for i := range 45 {
		o.now = noon.Add(time.Duration(i) * time.Minute)
		id := fmt.Sprintf("ws-%02d", i)
		o.mustBind(directory.Wish{Account: "acme", Workspace: wallet.WorkspaceID(id), Method: wallet.BillingCenter})
		want = append([]string{id}, want...)
	}
	var got []string
	for query := "limit=10"; ; {
		var page api.Page[workspace]
		apitest.Send(t, o.serve(), apitest.Call{
			Route: "GET /v1/accounts/{account}/workspaces", Params: map[string]string{"account": "acme"}, Query: query,
			Caller: api.Caller{Role: api.Viewer, Account: "acme"},
		}.Event()).Into(t, &page)
		for _, w := range page.Items {
			got = append(got, string(w.ID))
		}
		if page.Next == "" {
			break
		}
		query = "limit=10&cursor=" + page.Next
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A customer's day: bind, change, unbind; each account sees its own part of the history only.
func TestAHistoryIsShownOldestFirst(t *testing.T) {
	o := newOffice(t)
	o.certify("acme", "bolt")
	send := func(role api.Role, account wallet.AccountID, route, body string, want int) workspace {
		t.Helper()
		answer := apitest.Send(t, o.serve(), apitest.Call{
			Route: route, Params: map[string]string{"account": string(account), "workspace": "ws-a"}, Body: body,
			Caller: api.Caller{Subject: "pat", Role: role, Account: account},
		}.Event())
		var w workspace
		if answer.Status != want {
			t.Fatalf("%s: %d %s", route, answer.Status, answer.Body)
		} else if want < 300 {
			answer.Into(t, &w)
		}
		return w
	}
	const one = "/v1/accounts/{account}/workspaces/{workspace}"
	send(api.Owner, "acme", "PUT "+one+"/settlement-method", `{"settlement_method":"cloud","cloud":{"provider":"aws","customer":"c-1"}}`, 200)
	send(api.Owner, "bolt", "POST /v1/accounts/{account}/workspaces", `{"workspace_id":"ws-a"}`, 409)
	o.now = noon.Add(time.Hour)
	send(api.Owner, "acme", "DELETE "+one, "", 200)
	o.now = noon.Add(2 * time.Hour)
	send(api.Owner, "bolt", "POST /v1/accounts/{account}/workspaces", `{"workspace_id":"ws-a"}`, 201)
	aws := &wallet.CloudAccount{Provider: "aws", Customer: "c-1"}
	got := send(api.Owner, "acme", "GET "+one, "", 200)
	want := workspace{ID: "ws-a", Currency: money.CNY, Zone: "Asia/Shanghai", Bindings: []binding{
		{From: "2026-09-12T12:00:00.000Z", Until: "2026-11-10T12:00:00.000Z", Method: wallet.BillingCenter},
		{From: "2026-11-10T12:00:00.000Z", Until: "2026-11-10T13:00:00.000Z", Method: wallet.Cloud, Cloud: aws},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = send(api.Owner, "bolt", "GET "+one, "", 200)
	if len(got.Bindings) != 1 || !got.Bound || got.Bindings[0].From != "2026-11-10T14:00:00.000Z" {
		t.Errorf("bolt sees %+v", got)
	}
}
