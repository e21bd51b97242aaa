package charge

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/dynamo/meter"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// TestWhatACloudChargeCosts fails when a step of one costs a single unit more than the README says; it runs on the true
// DynamoDB, whose list lags as it likes.
func TestWhatACloudChargeCosts(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	m := meter.New(meter.Schema{Keys: []string{"pk", "sk"}, Indexes: [][]string{{"list", "rank"}, {"grants", "rank"}, {"shard", "due"}}})
	w := newWorld(t)
	w.Store = dynamo.New(dynamodb.New(client.Options(), m.Options), table)
	books := &ledger.Ledger{Store: w.Store, Policy: wallet.DefaultPolicy(), Now: w.Now}
	if _, err := books.Do(t.Context(), "acme", ledger.Intent{Command: wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"}}); err != nil {
		t.Fatal(err)
	}
	bills := 0
	settle := func() error {
		amount, err := money.ParseExact("", "9.40", money.CNY)
		if err != nil {
			return err
		}
		bills++
		id := wallet.BillID(fmt.Sprintf("bill-%03d", bills))
		command := wallet.Settle{
			Bill:   wallet.Bill{ID: id, Workspace: "ws", Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Amount: amount}}},
			DayEnd: now.Add(-time.Hour), Method: wallet.Cloud, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "one"},
		}
		_, err = books.Do(t.Context(), "acme", ledger.Intent{Command: command, After: Of})
		return err
	}
	run := func() error {
		_, err := w.Run(t.Context(), 0)
		return err
	}
	for _, step := range []struct {
		name     string
		run      func() error
		requests int
		reads    float64
		writes   float64
	}{
		{"settle a bill that the cloud pays", settle, 2, 1, 11},
		{"a round with one charge: gather, send, accept", run, 8, 5, 13},
		{"a round with nothing to do", run, 2, 1, 0},
		{"settle 24 more", func() (err error) {
			for range 24 {
				err = settle()
			}
			w.now = w.now.Add(time.Hour)
			return err
		}, 48, 24, 264},
		{"a round with 24 charges of a customer", run, 8, 29, 105},
		{"a page of 20 of an account's 25 charges", func() error {
			views, _, err := w.Charges(t.Context(), "acme", "", 20)
			if err == nil && (len(views) != 20 || views[19].Status() != Accepted) {
				t.Errorf("%d charges, the last is %s", len(views), views[len(views)-1].Status())
			}
			return err
		}, 4, 42, 0},
		{"a page of records", func() error {
			records, _, err := w.Records(t.Context(), "accepted", "", 20)
			if err == nil && (len(records) != 2 || metering.Verdict(records[0].State) != metering.Accepted) {
				t.Errorf("%+v", records)
			}
			return err
		}, 2, 3, 0},
	} {
		m.Reset()
		if err := step.run(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		got := m.Snapshot()
		t.Logf("%s: %d requests, %g reads, %g writes", step.name, got.Requests, got.Reads, got.Writes)
		if got.Requests > step.requests || got.Reads > step.reads || got.Writes > step.writes {
			t.Errorf("%s: it cost %+v, budget is %d requests, %g reads, %g writes", step.name, got, step.requests, step.reads, step.writes)
		}
	}
}
