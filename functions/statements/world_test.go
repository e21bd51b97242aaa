package main

import (
	"context"
	"log/slog"
	"maps"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

var owner = api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"}

// world is the function with two accounts in CNY: acme, which pays for the workspaces shop and cloud, and zen.
type world struct {
	handler
	t      *testing.T
	serve  api.Handler
	now    time.Time
	ledger *ledger.Ledger
	maker  *statement.Maker
}

func newWorld(t *testing.T, store ledger.Store) *world {
	t.Helper()
	w := &world{t: t, now: at("2026-10-01T10:00:00+08:00")}
	now := func() time.Time { return w.now }
	w.ledger = &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	w.maker = &statement.Maker{Store: store, Policy: w.ledger.Policy, Now: now}
	w.handler = handler{
		books: &books.Books{Store: store}, bills: statement.Bills{Store: store}, policy: w.ledger.Policy, now: now,
		cursors: api.Cursors{Key: []byte("a key of tests")},
	}
	w.serve = api.Serve(slog.New(slog.DiscardHandler), w.routes()...)
	for _, account := range []wallet.AccountID{"acme", "zen"} {
		opening := directory.Opening(directory.Account{ID: account, Name: string(account), Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga")
		if _, err := w.ledger.Do(t.Context(), account, opening); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
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

func (w *world) cash(order string, minor int64) {
	w.t.Helper()
	w.do(wallet.TopUp{Order: order, Amount: money.Of(money.CNY, minor), Channel: "alipay", Trade: "2026" + order})
}

func (w *world) voucher(once string, kind wallet.LotKind, units int64, days int) {
	w.t.Helper()
	w.do(wallet.Activate{
		Account: "acme", Once: once, Kind: kind, Source: wallet.FromOperator, Face: money.Units(money.CNY, units), MinBill: money.Zero(money.CNY),
		ValidDays: days, Actor: "olga",
	})
}

// settle settles a bill, by a cloud account for the workspace cloud. Lines are products and amounts, in turn.
func (w *world) settle(id wallet.BillID, workspace wallet.WorkspaceID, day string, lines ...string) wallet.Entry {
	w.t.Helper()
	zone, err := directory.Zone("Asia/Shanghai")
	if err != nil {
		w.t.Fatal(err)
	}
	s := wallet.Settle{Bill: wallet.Bill{ID: id, Workspace: workspace, Day: day, Currency: money.CNY}, Method: wallet.BillingCenter}
	if s.DayEnd, err = directory.DayEnd(day, zone); err != nil {
		w.t.Fatal(err)
	}
	if workspace == "cloud" {
		s.Method, s.Cloud = wallet.Cloud, wallet.CloudAccount{Provider: "aws", Customer: "123456789012"}
	}
	for i := 0; i < len(lines); i += 2 {
		amount, err := money.ParseExact("", lines[i+1], money.CNY)
		if err != nil {
			w.t.Fatal(err)
		}
		s.Bill.Lines = append(s.Bill.Lines, wallet.Line{Product: lines[i], Usage: "1", Unit: "GB", Amount: amount})
	}
	return w.do(s)
}

func (w *world) reverse(settled wallet.Entry) {
	w.t.Helper()
	terms, err := w.ledger.Terms(w.t.Context(), settled)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(wallet.Reverse{Settled: settled, Granted: terms, Once: string(settled.Key), Reason: "The meter ran twice", Actor: "olga"})
}

// lived is acme's October, November and some of December: vouchers, a card with its gift, cash, arrears, a cloud workspace, a
// late bill, a reversal, an expiry. The bills of October and November are made.
func lived(w *world) {
	w.t.Helper()
	w.voucher("v-1", wallet.Regular, 20, 0)
	w.voucher("v-2", wallet.Discount, 200, 40)
	w.do(wallet.Allocate{Account: "acme", Once: "c-1", Source: wallet.FromPartner, Face: money.Units(money.CNY, 100), Reason: "Contract", Actor: "olga"})
	w.cash("R1", 60_00)
	var doubtful wallet.Entry
	for day := at("2026-10-02T10:00:00+08:00"); day.Before(at("2026-12-06T00:00:00+08:00")); day = day.AddDate(0, 0, 1) {
		w.now = day
		date := day.AddDate(0, 0, -1).Format(time.DateOnly)
		settled := w.settle(wallet.BillID(date+".shop"), "shop", date, "logs", "2.234567", "sms", "0.51")
		w.settle(wallet.BillID(date+".cloud"), "cloud", date, "traces", "0.7")
		switch date {
		case "2026-10-15":
			doubtful = settled
		case "2026-11-10":
			w.settle("late-1", "shop", "2026-10-03", "late", "2.5", "logs", "0.004")
			w.reverse(doubtful)
		case "2026-11-12":
			w.do(wallet.Expire{Lot: w.lapsed()})
		case "2026-11-25":
			w.cash("R2", 15_00)
		}
		if day.Format("02") == "04" {
			if _, err := w.maker.Make(w.t.Context(), "acme", statement.Month(day.AddDate(0, -1, 0).Format("2006-01"))); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// lapsed is a lot whose grace is over.
func (w *world) lapsed() wallet.LotID {
	w.t.Helper()
	head, err := w.ledger.Open(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, lot := range head.Lots {
		if lot.LapsedAt(w.now, w.ledger.Policy.Grace) {
			return lot.ID
		}
	}
	w.t.Fatal("nothing has lapsed")
	return wallet.LotID{}
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

// fresh is a world on an empty store.
func fresh(t *testing.T) *world { return newWorld(t, new(memory.Store)) }
