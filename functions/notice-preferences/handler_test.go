package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/directory"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/mail"
	"billingcentre/shared/mailing"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/preference"
	"billingcentre/shared/wallet"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// desk is the function over two accounts, acme and bolt.
type desk struct {
	handler
	t     *testing.T
	books *ledger.Ledger
}

func newDesk(t *testing.T) *desk {
	clock := func() time.Time { return noon }
	books := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: clock}
	for _, id := range []wallet.AccountID{"acme", "bolt"} {
		if _, err := books.Do(t.Context(), id, directory.Opening(directory.Account{ID: id, Name: string(id), Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops")); err != nil {
			t.Fatal(err)
		}
	}
	return &desk{handler{books.Store, &directory.Directory{Store: books.Store, Now: clock}, api.Cursors{Key: []byte("test")}, clock}, t, books}
}

func (d *desk) serve() api.Handler { return api.Serve(slog.New(slog.DiscardHandler), d.routes()...) }

// want sets acme's preferences, as events/notice-preferences/set.json does.
func (d *desk) want() {
	d.t.Helper()
	kept, err := preference.Load(d.t.Context(), d.store, "acme")
	if err != nil {
		d.t.Fatal(err)
	}
	_, err = preference.Save(d.t.Context(), d.store, preference.Preferences{
		Account: "acme", Version: kept.Version, Addresses: []string{"finance@example.com", "Ops@example.com"}, Language: mail.Chinese, Unwanted: []mail.Kind{mail.ToppedUp},
		LowBalance: "100.00", DayTotal: "250.00", DayProduct: []preference.ProductLimit{{Product: "logs", Amount: "50.00"}},
	}, "pat", noon)
	if err != nil {
		d.t.Fatal(err)
	}
}

// carrier takes the first letter, and refuses all after it.
type carrier struct{ taken int }

func (c *carrier) Send(context.Context, mail.Envelope) (string, error) {
	if c.taken++; c.taken == 1 {
		return "m-1", nil
	}
	return "", &mail.Failure{Fate: mail.Refused, Reason: "MessageRejected", Err: errors.New("no")}
}

// tell has acme's people told of a voucher, and not of a top-up.
func (d *desk) tell() {
	d.t.Helper()
	d.want()
	post := mailing.Post{
		Store: d.store, Directory: d.directory, Sender: &carrier{}, Now: d.now, Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: io.Discard},
	}
	for _, command := range []wallet.Command{
		wallet.TopUp{Order: "r1", Amount: money.Units(money.CNY, 100), Channel: "alipay", Trade: "T-1"},
		wallet.Activate{Account: "acme", Once: "v1", Kind: wallet.Regular, Face: money.Units(money.CNY, 20), MinBill: money.Zero(money.CNY)},
	} {
		receipt, err := d.books.Do(d.t.Context(), "acme", ledger.Intent{Command: command})
		if err == nil {
			err = post.Deliver(d.t.Context(), event.OfEntry(receipt.Entry))
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

var given = map[string]func(*desk){
	"get": (*desk).want, "set-again": (*desk).want, "set-on-an-old-version": func(d *desk) { d.want(); d.want() },
	"list": (*desk).tell, "list-page": (*desk).tell,
}

func TestEvents(t *testing.T) {
	apitest.Run(t, "notice-preferences", func(t *testing.T, name string) api.Handler {
		d := newDesk(t)
		if prepare := given[name]; prepare != nil {
			prepare(d)
		}
		return d.serve()
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
	for _, row := range []struct {
		route, body  string
		own, foreign [5]int // by owner, viewer, operator, partner, nobody
	}{
		{"GET /v1/accounts/{account}/notice-preferences", "", [5]int{200, 200, 200, 403, 401}, [5]int{404, 404, 200, 403, 401}},
		{"PUT /v1/accounts/{account}/notice-preferences", `{"version":0,"language":"en"}`, [5]int{200, 403, 200, 404, 401}, [5]int{404, 404, 200, 404, 401}},
		{"GET /v1/accounts/{account}/notices", "", [5]int{200, 200, 200, 403, 401}, [5]int{404, 404, 200, 403, 401}},
	} {
		for account, want := range map[string][5]int{"acme": row.own, "bolt": row.foreign} {
			for i, caller := range callers {
				answer := apitest.Send(t, newDesk(t).serve(), apitest.Call{Route: row.route, Params: map[string]string{"account": account}, Caller: caller, Body: row.body}.Event())
				if answer.Status != want[i] {
					t.Errorf("%s on %s by %q: %d, want %d: %s", row.route, account, caller.Role, answer.Status, want[i], answer.Body)
				}
			}
		}
	}
}

func TestEveryNoticeIsListedOnce(t *testing.T) {
	d := newDesk(t)
	post := mailing.Post{Store: d.store, Directory: d.directory, Now: d.now, Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: io.Discard}}
	for i := range 25 {
		receipt, err := d.books.Do(t.Context(), "acme", ledger.Intent{Command: wallet.TopUp{Order: fmt.Sprint("r", i), Amount: money.Units(money.CNY, 1), Channel: "alipay"}})
		if err == nil {
			err = post.Deliver(t.Context(), event.OfEntry(receipt.Entry))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	keys := map[string]bool{}
	for query := "limit=10"; query != ""; {
		var page api.Page[told]
		apitest.Send(t, d.serve(), apitest.Call{
			Route: "GET /v1/accounts/{account}/notices", Params: map[string]string{"account": "acme"}, Query: query, Caller: api.Caller{Role: api.Viewer, Account: "acme"},
		}.Event()).Into(t, &page)
		for _, n := range page.Items {
			keys[n.Key] = true
		}
		if query = ""; page.Next != "" {
			query = "limit=10&cursor=" + page.Next
		}
	}
	if len(keys) != 25 {
		t.Errorf("%d notices", len(keys))
	}
}
