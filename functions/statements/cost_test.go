package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"billingcentre/shared/api/apitest"
	"billingcentre/shared/books"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// counting counts what is asked of a store: calls, and the entries and documents that they may bring.
type counting struct {
	ledger.Store
	calls, items int
}

func (c *counting) count(items int) { c.calls++; c.items += items }

func (c *counting) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	c.count(1)
	return c.Store.Head(ctx, account)
}

func (c *counting) Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	c.count(len(keys))
	return c.Store.Entries(ctx, keys...)
}

func (c *counting) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	c.count(len(keys))
	return c.Store.Documents(ctx, keys...)
}

func (c *counting) Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	found, err := c.Store.Journal(ctx, account, before, limit)
	c.count(len(found))
	return found, err
}

func (c *counting) Grants(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	found, err := c.Store.Grants(ctx, account, before, limit)
	c.count(len(found))
	return found, err
}

func (c *counting) List(ctx context.Context, list, before string, limit int) ([]ledger.Document, error) {
	found, err := c.Store.List(ctx, list, before, limit)
	c.count(len(found))
	return found, err
}

// most is what the first page of each list may ask of the store, however long the journal is.
var most = []struct {
	path, query  string
	calls, items int
}{
	{"/monthly-bills", "", 3, 10},
	{"/consumption", "limit=100", 12, 260},
	{"/consumption", "limit=100&product=sms", 12, 260},
	{"/consumption", "limit=100&workspace=ws-1", 30, 700},
	{"/consumption/totals", "from=2026-10-01&to=2026-12-31&by=product", 6, 160},
	{"/income-and-expenditure", "limit=100", 12, 260},
	{"/income-and-expenditure", "limit=100&fund=card&kind=settled", 40, 400},
	{"/income-and-expenditure", "limit=100&to=2026-11-01", 16, 400},
	{"/income-and-expenditure/totals", "from=2026-10-01&to=2026-12-31", 6, 160},
	{"/voucher-details", "limit=100", 30, 800},
	{"/card-details", "limit=100", 30, 800},
	{"/balances", "at=2026-10-20T00:00:00Z", 8, 260},
	{"/forecast", "days=30", 20, 500},
}

// TestTheFirstPageCostsTheSame asks each list of a short journal and of a long one. ENTRIES=1000000 makes the long one a
// million entries long.
func TestTheFirstPageCostsTheSame(t *testing.T) {
	long, err := strconv.Atoi(os.Getenv("ENTRIES"))
	if err != nil {
		long = 1_500
	}
	for _, entries := range []int{300, long} {
		c := &counting{Store: new(memory.Store)}
		w := newWorld(t, c)
		began := time.Now()
		grow(w, entries)
		t.Logf("%d entries in %s", entries, time.Since(began).Round(time.Millisecond))
		for _, row := range most {
			c.calls, c.items = 0, 0
			began = time.Now()
			answer := w.send(apitest.Call{Route: "GET /v1/accounts/{account}" + row.path, Query: row.query, Caller: owner})
			if answer.Status != 200 {
				t.Errorf("%s?%s: %d %s", row.path, row.query, answer.Status, answer.Body)
			}
			t.Logf("%7d entries: %2d calls, %3d items, %6s  %s?%s", entries, c.calls, c.items, time.Since(began).Round(time.Millisecond), row.path, row.query)
			if c.calls > row.calls || c.items > row.items {
				t.Errorf("%s?%s of %d entries: %d calls for %d items, the budget is %d for %d", row.path, row.query, entries, c.calls, c.items, row.calls, row.items)
			}
		}
	}
}

// grow gives acme so many entries over two months, and has them kept in the books.
func grow(w *world, entries int) {
	w.t.Helper()
	start := w.now
	for done := 1; done < entries; {
		var intents []ledger.Intent
		for ; len(intents) < 99 && done < entries; done++ {
			intents = append(intents, ledger.Intent{Command: step(done, w.now)})
		}
		w.now = start.Add(60 * 24 * time.Hour / time.Duration(entries) * time.Duration(done))
		for _, o := range w.ledger.DoAll(w.t.Context(), "acme", intents) {
			if o.Err != nil {
				w.t.Fatal(o.Err)
			}
		}
	}
	if err := books.Keep(w.t.Context(), w.ledger.Store, "acme"); err != nil {
		w.t.Fatal(err)
	}
}

// step is the n-th thing that happens: mostly bills, and what pays for them.
func step(n int, now time.Time) wallet.Command {
	switch n % 50 {
	case 1:
		return wallet.TopUp{Order: fmt.Sprint("R", n), Amount: money.Units(money.CNY, 30), Channel: "alipay", Trade: "t"}
	case 2:
		return wallet.Activate{Account: "acme", Once: fmt.Sprint(n), Kind: wallet.Regular, Face: money.Units(money.CNY, 5), MinBill: money.Zero(money.CNY), Actor: "olga"}
	case 3:
		return wallet.Allocate{Account: "acme", Once: fmt.Sprint(n), Source: wallet.FromPartner, Face: money.Units(money.CNY, 100), Reason: "Contract", Actor: "olga"}
	}
	lines := []wallet.Line{}
	for _, product := range []string{"logs", "sms"} {
		amount, err := money.ParseExact("", fmt.Sprintf("1.%04d", n%9_999+1), money.CNY)
		if err != nil {
			panic(err)
		}
		lines = append(lines, wallet.Line{Product: product, Usage: "1", Unit: "GB", Amount: amount})
	}
	day := now.AddDate(0, 0, -2-n%2).UTC().Truncate(24 * time.Hour) // a day or two late
	return wallet.Settle{
		Bill:   wallet.Bill{ID: wallet.BillID(fmt.Sprint("b-", n)), Workspace: wallet.WorkspaceID(fmt.Sprint("ws-", n%3)), Day: day.Format(time.DateOnly), Currency: money.CNY, Lines: lines},
		DayEnd: day.Add(24 * time.Hour), Method: wallet.BillingCenter,
	}
}
