package books_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/books"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/dynamo/meter"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

var schema = meter.Schema{Keys: []string{"pk", "sk"}, Indexes: [][]string{{"list", "rank"}, {"grants", "rank"}, {"shard", "due"}}}

// theDay is the realistic day of a workspace: 253.60 in fifteen lines.
var theDay = [][4]string{
	{"time_series", "60000", "series", "42"},
	{"logs", "35000000", "log", "52.5"},
	{"traces", "4000000", "trace", "24"},
	{"profiles", "20000", "profile", "0.6"},
	{"page_views", "120000", "view", "24"},
	{"session_replay", "5000", "session", "12.5"},
	{"network_hosts", "12", "host", "24"},
	{"forwarding_out", "40", "GB", "14"},
	{"forwarding_in", "2000", "GB", "14"},
	{"scan", "15", "GB", "1.5"},
	{"reports", "3", "report", "3"},
	{"pipeline", "30", "GB", "3"},
	{"tasks", "250000", "task", "25"},
	{"dial_testing", "90000", "test", "9"},
	{"sms", "45", "message", "4.5"},
}

// night is so many bills of workspaces, with so many lines each, whose usage and cost have as many digits as real ones.
func night(day string, bills, lines int, seed int64) (intents []ledger.Intent) {
	for b := range bills {
		s := wallet.Settle{
			Bill:   wallet.Bill{ID: wallet.BillID(fmt.Sprintf("focus:acme:ws-%03d:%s", b, day)), Workspace: wallet.WorkspaceID(fmt.Sprintf("ws-%03d", b)), Day: day, Currency: money.CNY},
			DayEnd: time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), Method: wallet.BillingCenter,
		}
		for i := range lines {
			l := theDay[i%len(theDay)]
			seed = (seed*6364136223846793005 + 1442695040888963407) & (1<<62 - 1)
			exact, err := money.ParseExact("", fmt.Sprintf("%d.%07d", seed%40, seed>>8%10_000_000), money.CNY)
			if err != nil {
				panic(err)
			}
			s.Bill.Lines = append(s.Bill.Lines, wallet.Line{Product: l[0], Usage: fmt.Sprint(seed >> 12 % 100_000_000), Unit: l[2], Amount: exact})
		}
		intents = append(intents, ledger.Intent{Command: s})
	}
	return intents
}

// TestWhatTheBooksCost fails when keeping them, or asking them, costs more than the README says.
func TestWhatTheBooksCost(t *testing.T) {
	for _, c := range []struct {
		lines, days int
		writes      float64 // units a bill
	}{{3, 2, 0.26}, {15, 2, 0.46}} {
		t.Run(fmt.Sprintf("%d lines", c.lines), func(t *testing.T) {
			client, table := dynamodbtest.Client(t)
			m := meter.New(schema)
			w := newWorld(t, 1)
			w.store = dynamo.New(dynamodb.New(client.Options(), m.Options), table)
			w.ledger.Store = w.store
			w.open("acme")
			var funds []ledger.Intent
			for i := range 10 {
				funds = append(funds, ledger.Intent{Command: wallet.Activate{
					Account: "acme", Once: fmt.Sprint(i), Kind: wallet.Regular, Face: money.Units(money.CNY, 100_000), MinBill: money.Zero(money.CNY), ValidDays: 100 + i,
				}})
			}
			w.do("acme", append(funds, ledger.Intent{Command: wallet.TopUp{Order: "1", Amount: money.Units(money.CNY, 1_000_000), Channel: "alipay"}})...)
			settling, keeping := 0.0, 0.0
			for day := range c.days {
				w.now = w.now.Add(24 * time.Hour)
				m.Reset()
				w.do("acme", night(fmt.Sprintf("2026-07-%02d", 1+day), 99, c.lines, int64(day+1))...)
				settling += m.Snapshot().Writes
				m.Reset()
				if err := books.Keep(t.Context(), w.store, "acme"); err != nil {
					t.Fatal(err)
				}
				keeping += m.Snapshot().Writes
				t.Logf("night %d: keeping costs %+v", day+1, m.Snapshot())
			}
			bills := float64(99 * c.days)
			t.Logf("a bill costs %.2f write units to settle, and %.2f to keep in the books", settling/bills, keeping/bills)
			if keeping/bills > c.writes {
				t.Errorf("the budget is %g", c.writes)
			}
			for _, ask := range []struct {
				name string
				do   func(v *books.View) error
			}{
				{"a look", func(*books.View) error { return nil }},
				{"a page of 100 rows", func(v *books.View) error {
					page, err := v.Rows(t.Context(), books.Filter{From: "2026-07-01", Until: "2026-07-31"}, books.Place{}, 100)
					if len(page.Rows) != 100 {
						t.Errorf("%d rows", len(page.Rows))
					}
					return err
				}},
				{"totals of a month by product", func(v *books.View) error {
					_, err := v.Totals(t.Context(), books.Filter{From: "2026-07-01", Until: "2026-07-31"}, books.ByProduct)
					return err
				}},
				{"a page of 100 changes", func(v *books.View) error {
					_, err := v.Changes(t.Context(), books.ChangeFilter{}, 0, 100)
					return err
				}},
				{"as of an instant", func(v *books.View) error {
					head, err := v.AsOf(t.Context(), w.now.Add(-12*time.Hour))
					if head.Version == 0 || head.Version == v.Head.Version {
						t.Errorf("head %d", head.Version)
					}
					return err
				}},
			} {
				m.Reset()
				if err := ask.do(w.view("acme")); err != nil {
					t.Fatal(err)
				}
				got := m.Snapshot()
				t.Logf("%s: %d requests, %g read units", ask.name, got.Requests, got.Reads)
				if got.Requests > 7 || got.Reads > 40 {
					t.Errorf("%s: it cost %+v", ask.name, got)
				}
			}
		})
	}
}

// do makes things happen that must.
func (w *world) do(account wallet.AccountID, intents ...ledger.Intent) {
	w.Helper()
	for _, o := range w.ledger.DoAll(w.Context(), account, intents) {
		if o.Err != nil {
			w.Fatal(o.Err)
		}
	}
}
