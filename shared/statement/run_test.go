package statement

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/dynamo/meter"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// TestARunOverManyAccounts plans and makes the bills of many accounts, and tells what one costs. ACCOUNTS=3000 BILLS=31 makes it
// a measurement.
func TestARunOverManyAccounts(t *testing.T) {
	accounts, bills := number("ACCOUNTS", 60), number("BILLS", 3)
	t.Run("in memory", func(t *testing.T) {
		measure(t, worldOn(t, new(memory.Store)), nil, accounts, bills)
	})
	t.Run("on DynamoDB Local", func(t *testing.T) {
		if os.Getenv("ACCOUNTS") == "" {
			t.Skip("it takes long to start: for measurements")
		}
		client, table, costs := dynamodbtest.Metered(t)
		measure(t, worldOn(t, dynamo.New(client, table)), costs.Meter, accounts, bills)
	})
}

func number(name string, normal int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return normal
}

func measure(t *testing.T, w *world, m *meter.Meter, accounts, bills int) {
	t.Helper()
	live(w, accounts, bills)
	w.now = at("2026-11-04T01:00:00+08:00")
	cost := func(what string, count int, began time.Time) {
		took := time.Since(began)
		text := fmt.Sprintf("%s: %s, %s each", what, took.Round(time.Millisecond), (took / time.Duration(max(count, 1))).Round(time.Microsecond))
		if m != nil {
			s := m.Snapshot()
			text += fmt.Sprintf("; %.1f requests, %.2f read and %.2f write units each", float64(s.Requests)/float64(count), s.Reads/float64(count), s.Writes/float64(count))
			m.Reset()
		}
		t.Log(text)
	}
	if m != nil {
		m.Reset()
	}
	var sent []Wish
	began := time.Now()
	plan, err := w.planner(&sent).Run(t.Context(), always)
	if err != nil || plan.Wished != int64(accounts) {
		t.Fatalf("%+v, %v", plan, err)
	}
	cost(fmt.Sprintf("planning %d accounts in %d messages", accounts, len(sent)), accounts, began)
	for _, again := range []string{"making", "finding made"} {
		began = time.Now()
		var done atomic.Int64
		var group errgroup.Group
		group.SetLimit(8)
		for _, wish := range sent {
			for _, account := range wish.Accounts {
				group.Go(func() error {
					made, err := w.maker.Make(t.Context(), account, wish.Month)
					if err == nil && (made == New) == (again == "making") {
						done.Add(1)
					}
					return err
				})
			}
		}
		if err := group.Wait(); err != nil || done.Load() != int64(accounts) {
			t.Fatalf("%s: %d of %d, %v", again, done.Load(), accounts, err)
		}
		cost(again+" bills", accounts, began)
	}
}

// live gives accounts a month: a voucher, cash, and a bill a day with three lines.
func live(w *world, accounts, bills int) {
	w.t.Helper()
	var clock sync.Mutex
	w.now = at("2026-10-01T10:00:00+08:00")
	w.Now = func() time.Time { clock.Lock(); defer clock.Unlock(); return w.now }
	w.maker.Now = w.Now
	var group errgroup.Group
	group.SetLimit(8)
	ids := make([]wallet.AccountID, accounts)
	for i := range ids {
		ids[i] = wallet.AccountID(fmt.Sprintf("acct-%06d", i))
		w.open(ids[i], shanghai)
	}
	w.now = at("2026-11-02T10:00:00+08:00")
	for _, id := range ids {
		group.Go(func() error {
			intents := []ledger.Intent{
				{Command: wallet.Activate{Account: id, Once: "v", Kind: wallet.Regular, Face: money.Units(money.CNY, 20), MinBill: cny(0), Actor: "olga"}},
				{Command: wallet.TopUp{Order: string(id), Amount: cny(100_00), Channel: "alipay", Trade: "t"}},
			}
			for day := range bills {
				end := at("2026-11-01T00:00:00+08:00").AddDate(0, 0, -day)
				intents = append(intents, ledger.Intent{Command: wallet.Settle{
					Bill: wallet.Bill{
						ID: wallet.BillID(fmt.Sprint(id, "/", day)), Workspace: wallet.WorkspaceID("ws-" + id), Day: end.Add(-time.Hour).Format(time.DateOnly),
						Currency: money.CNY, Lines: []wallet.Line{line("logs", "1.234567"), line("traces", "0.5"), line("sms", "0.3")},
					},
					DayEnd: end, Method: wallet.BillingCenter,
				}})
			}
			for _, o := range w.DoAll(w.t.Context(), id, intents) {
				if o.Err != nil {
					return o.Err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		w.t.Fatal(err)
	}
}
