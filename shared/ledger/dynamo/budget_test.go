package dynamo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/dynamo/meter"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

var schema = meter.Schema{Keys: []string{"pk", "sk"}, Indexes: [][]string{{"list", "rank"}, {"grants", "rank"}, {"shard", "due"}}}

// metered is a ledger on DynamoDB Local whose cost is counted.
func metered(t *testing.T) (*ledger.Ledger, *meter.Meter, *dynamodb.Client, string) {
	client, table := dynamodbtest.Client(t)
	m := meter.New(schema)
	store := dynamo.New(dynamodb.New(client.Options(), m.Options), table)
	l := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return ledgertest.Now }}
	return l, m, client, table
}

// tenLots opens an account with cash and ten lots of all kinds, each of which will be looked at by every bill.
func tenLots(t *testing.T, store ledger.Store) wallet.AccountID {
	const id = "acme-production-shanghai"
	acme := ledgertest.Open(t, store, id)
	acme.Must(ledgertest.Cash("r", 1_000_000))
	for i := range 5 {
		acme.Must(acme.Voucher(fmt.Sprintf("regular-%d", i), int64(3*i+2), 30+i))
		acme.Must(wallet.Purchase{Account: id, Once: fmt.Sprintf("card-%d", i), Face: money.Units(money.CNY, 100)})
	}
	if lots := len(acme.Head().Lots); lots != 10 {
		t.Fatalf("%d lots", lots)
	}
	return id
}

// theDay is the handbook's realistic day of a workspace: 253.60, of which 13.50 restricted.
var theDay = [][5]string{
	{"time_series", "60000", "series", "0.0007", "42"},
	{"logs", "35000000", "log", "0.0000015", "52.5"},
	{"traces", "4000000", "trace", "0.000006", "24"},
	{"profiles", "20000", "profile", "0.00003", "0.6"},
	{"page_views", "120000", "view", "0.0002", "24"},
	{"session_replay", "5000", "session", "0.0025", "12.5"},
	{"network_hosts", "12", "host", "2", "24"},
	{"forwarding_out", "40", "GB", "0.35", "14"},
	{"forwarding_in", "2000", "GB", "0.007", "14"},
	{"scan", "15", "GB", "0.1", "1.5"},
	{"reports", "3", "report", "1", "3"},
	{"pipeline", "30", "GB", "0.1", "3"},
	{"tasks", "250000", "task", "0.0001", "25"},
	{"dial_testing", "90000", "test", "0.0001", "9"},
	{"sms", "45", "message", "0.1", "4.5"},
}

// twenty are as many lines as the budget is for, with what the words of no dictionary help with: eleven decimals.
func twenty() (lines [][5]string) {
	for i := range 20 {
		amount := fmt.Sprintf("%d.%011d", i%3, (i+1)*7_321_456_789%100_000_000_000)
		lines = append(lines, [5]string{fmt.Sprintf("%s_%d", theDay[i%15][0], i), fmt.Sprintf("%d.%d", i*7919, i), theDay[i%15][2], "", amount})
	}
	lines[19][0], lines[18][0] = "sms", "dial_testing"
	return lines
}

func billOf(id string, told [][5]string) wallet.Settle {
	bill := ledgertest.Bill(id, "0")
	bill.Bill.Workspace, bill.Bill.Lines = "ws-shanghai-payments-01", nil
	for _, l := range told {
		amount, err := money.ParseExact("/amount", l[4], money.CNY)
		if err != nil {
			panic(err)
		}
		bill.Bill.Lines = append(bill.Bill.Lines, wallet.Line{Product: l[0], Usage: l[1], Unit: l[2], UnitPrice: l[3], Amount: amount})
	}
	return bill
}

func TestOneBillCostsFiveWriteUnitsAndOneReadUnit(t *testing.T) {
	for name, lines := range map[string][][5]string{"the day of 253.60": theDay, "twenty lines": twenty()} {
		t.Run(name, func(t *testing.T) {
			l, m, client, table := metered(t)
			id := tenLots(t, l.Store)
			bill := billOf("acme:ws-shanghai-payments-01:2026-11-01", lines)
			m.Reset()
			if _, err := l.Do(t.Context(), id, ledger.Intent{Command: bill}); err != nil {
				t.Fatal(err)
			}
			got := m.Snapshot()
			if got.Requests != 2 || got.Reads != 1 || got.Writes != 5 || got.IndexWrite != 1 {
				t.Errorf("it cost %+v", got)
			}
			for pk, sk := range map[string]string{"A#" + string(id): "head", "E#bill:acme:ws-shanghai-payments-01:2026-11-01": "entry"} {
				if size := meter.Size(itemOf(t, client, table, pk, sk)); size > 1024 {
					t.Errorf("%s is %d bytes", pk, size)
				} else {
					t.Logf("%s is %d bytes", pk, size)
				}
			}
		})
	}
}

func itemOf(t *testing.T, client *dynamodb.Client, table, pk, sk string) map[string]types.AttributeValue {
	t.Helper()
	out, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: sk},
	}})
	if err != nil || len(out.Item) == 0 {
		t.Fatalf("%s: %v, %v", pk, out, err)
	}
	return out.Item
}

func TestBillsTogetherCostThreeWriteUnitsEach(t *testing.T) {
	l, m, _, _ := metered(t)
	id := tenLots(t, l.Store)
	intents := make([]ledger.Intent, 99)
	for i := range intents {
		intents[i].Command = billOf(fmt.Sprintf("acme:ws-shanghai-payments-01:2026-11-%02d", i), theDay)
	}
	m.Reset()
	for _, outcome := range l.DoAll(t.Context(), id, intents) {
		if outcome.Err != nil {
			t.Fatal(outcome.Err)
		}
	}
	if got := m.Snapshot(); got.Requests != 2 || got.Reads != 1 || got.Writes/99 > 3.1 {
		t.Errorf("they cost %+v: %.3f each", got, got.Writes/99)
	}
}

// TestWhatEveryUseCaseCosts fails when one costs a single unit more than its line.
func TestWhatEveryUseCaseCosts(t *testing.T) {
	l, m, _, _ := metered(t)
	acme := ledgertest.Account{T: t, Store: l.Store, ID: "acme"}
	order := ledger.Document{Key: ledger.DocumentKey{Kind: "recharge", ID: "r"}, Body: []byte(`{"state":"pending"}`), List: "recharges:acme", Rank: "1"}
	paid := order
	paid.Version, paid.Body = 1, []byte(`{"state":"credited"}`)
	do := func(command wallet.Command, documents ...ledger.Document) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := l.Do(ctx, acme.ID, ledger.Intent{Command: command, Documents: documents})
			return err
		}
	}
	for _, c := range []struct {
		name     string
		run      func(context.Context) error
		requests int
		reads    float64
		writes   float64
	}{
		{"open an account", do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"}), 2, 1, 5},
		{"put a document into a list", func(ctx context.Context) error { return l.Store.Put(ctx, order) }, 1, 0, 2},
		{"credit it", do(ledgertest.Cash("r", 500), paid), 2, 1, 7},
		{"activate a first voucher", do(acme.Voucher("v", 4, 30)), 2, 1, 7},
		{"buy a card that expires later", do(wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)}), 2, 1, 6},
		{"activate a voucher that expires sooner", do(acme.Voucher("w", 4, 20)), 2, 1, 8},
		{"settle a bill", do(ledgertest.Bill("b", "13.4")), 2, 1, 5},
		{"settle it again", do(ledgertest.Bill("b", "13.4")), 3, 2, 4},
		{"settle it when it is received again", func(ctx context.Context) error {
			_, err := l.Do(ctx, acme.ID, ledger.Intent{Command: ledgertest.Bill("b", "13.4"), Again: true})
			return err
		}, 1, 1, 0},
		{"read a page of the journal", func(ctx context.Context) error {
			_, err := l.Store.Journal(ctx, acme.ID, 0, 20)
			return err
		}, 2, 6.5, 0},
		{"look for due wallets", func(ctx context.Context) error {
			_, err := l.Store.Due(ctx, 0, ledgertest.Now, 20)
			return err
		}, 1, 0.5, 0},
		{"defer a wallet", func(ctx context.Context) error { return l.Store.Defer(ctx, acme.Head(), time.Time{}) }, 2, 1, 2},
	} {
		m.Reset()
		if err := c.run(t.Context()); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := m.Snapshot(); got.Requests != c.requests || got.Reads != c.reads || got.Writes != c.writes {
			t.Errorf("%s: it cost %+v, budget is %d requests, %g reads, %g writes", c.name, got, c.requests, c.reads, c.writes)
		}
	}
}
