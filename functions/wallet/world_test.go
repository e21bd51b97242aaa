package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/arrears"
	"billingcentre/shared/bill"
	"billingcentre/shared/charge"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

var owner = api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"}

// world is the function with two accounts in CNY: acme, to which the workspace ws-1 is bound, and zen with ws-2.
type world struct {
	handler
	t     *testing.T
	serve api.Handler
	now   time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 10, 1, 3, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	w.handler = handler{ledger: l, directory: &directory.Directory{Store: l.Store, Now: now}, charges: &charge.Desk{Store: l.Store, Now: now, Log: slog.New(slog.DiscardHandler)}, cursors: api.Cursors{Key: []byte("a key of tests")}}
	w.serve = api.Serve(slog.New(slog.DiscardHandler), w.routes()...)
	for account, workspace := range map[wallet.AccountID]wallet.WorkspaceID{"acme": "ws-1", "zen": "ws-2"} {
		opening := directory.Opening(directory.Account{ID: account, Name: string(account), Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga")
		if _, err := l.Do(t.Context(), account, opening); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.directory.Bind(t.Context(), directory.Wish{Workspace: workspace, Account: account, Method: wallet.BillingCenter, Actor: "olga"}); err != nil {
			t.Fatal(err)
		}
	}
	w.now = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	return w
}

// do runs a command on acme.
func (w *world) do(command wallet.Command) wallet.Entry {
	w.t.Helper()
	receipt, err := w.ledger.Do(w.t.Context(), "acme", ledger.Intent{Command: command})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Entry
}

func (w *world) cash(once string, minor int64) {
	w.t.Helper()
	w.do(wallet.Adjust{Account: "acme", Once: once, Amount: money.Of(money.CNY, minor), Reason: "Transfer", Actor: "olga"})
}

func (w *world) voucher(once string, kind wallet.LotKind, units int64, days int) wallet.Lot {
	w.t.Helper()
	return w.do(wallet.Activate{
		Account: "acme", Once: once, Kind: kind, Source: wallet.FromOperator, Face: money.Units(money.CNY, units), MinBill: money.Zero(money.CNY),
		ValidDays: days, Actor: "olga",
	}).Lots[0]
}

func (w *world) card(once string, units int64, days int) wallet.Lot {
	w.t.Helper()
	return w.do(wallet.Allocate{
		Account: "acme", Once: once, Source: wallet.FromPartner, Face: money.Units(money.CNY, units), ValidDays: days, Reason: "Contract", Actor: "olga",
	}).Lots[0]
}

// usage is a bill of general and restricted usage of a day of ws-1.
func usage(id, day, general, restricted string) string {
	return fmt.Sprintf(`{"version":1,"bill_id":%q,"workspace_id":"ws-1","day":%q,"currency":"CNY","lines":[`+
		`{"product":"logs","usage":"1","unit":"GB","amount":%q},{"product":"sms","usage":"1","unit":"message","amount":%q}]}`, id, day, general, restricted)
}

// settle settles a bill as bill-settlement does.
func (w *world) settle(message string) wallet.Entry {
	w.t.Helper()
	usage, err := bill.Decode([]byte(message))
	if err != nil {
		w.t.Fatal(err)
	}
	account, settle, err := w.directory.Settle(w.t.Context(), usage)
	if err != nil || account != "acme" {
		w.t.Fatal(account, err)
	}
	receipt, err := w.ledger.Do(w.t.Context(), "acme", ledger.Intent{Command: settle, After: arrears.Mark})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Entry
}

// owe settles a bill of 18.40 that a linked cloud account pays.
func (w *world) owe(id string) wallet.Entry {
	w.t.Helper()
	usage, err := bill.Decode([]byte(usage(id, "2026-11-01", "13.4", "5")))
	if err != nil {
		w.t.Fatal(err)
	}
	w.now = w.now.Add(time.Second)
	_, settle, err := w.directory.Settle(w.t.Context(), usage)
	if err != nil {
		w.t.Fatal(err)
	}
	settle.Method, settle.Cloud = wallet.Cloud, wallet.CloudAccount{Provider: "aws", Customer: "123456789012"}
	receipt, err := w.ledger.Do(w.t.Context(), "acme", ledger.Intent{Command: settle, After: charge.Of})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Entry
}

// meter has what is owed metered by a marketplace that takes all of it.
func (w *world) meter() {
	w.t.Helper()
	desk := *w.charges
	desk.Markets = map[string]charge.Market{"aws": {Meter: takes{}, Dimensions: map[money.Currency]string{money.CNY: "fen"}}}
	if _, err := desk.Run(w.t.Context(), 0); err != nil {
		w.t.Fatal(err)
	}
}

// takes is a marketplace that takes everything.
type takes struct{}

func (takes) Limits() metering.Limits {
	return metering.Limits{Records: 25, Quantity: 1 << 31, Age: time.Hour, Again: true}
}

func (takes) Push(_ context.Context, records []metering.Record) []metering.Result {
	return metering.All(records, metering.Result{Verdict: metering.Accepted, Reference: "meter-1"})
}

// reverse reverses a bill as the operator's desk does.
func (w *world) reverse(settled wallet.Entry) {
	w.t.Helper()
	terms, err := w.ledger.Terms(w.t.Context(), settled)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(wallet.Reverse{Settled: settled, Granted: terms, Once: "r", Reason: "The meter ran twice", Actor: "olga"})
}

// get asks for something of acme: path is behind the account's.
func (w *world) get(path, query string) apitest.Answer {
	w.t.Helper()
	return w.send(apitest.Call{Route: "GET /v1/accounts/{account}" + path, Query: query, Caller: owner})
}

func (w *world) send(c apitest.Call) apitest.Answer {
	w.t.Helper()
	params := map[string]string{"account": "acme"}
	maps.Copy(params, c.Params)
	c.Params = params
	return apitest.Send(w.t, w.serve, c.Event())
}

// preview asks what a bill would cost.
func (w *world) preview(message string) apitest.Answer {
	w.t.Helper()
	return w.send(apitest.Call{Route: "POST /v1/accounts/{account}/bill-previews", Body: message, Caller: owner})
}
