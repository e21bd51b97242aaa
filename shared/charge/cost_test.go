package charge

import (
	"fmt"
	"testing"
	"time"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// TestWhatACloudChargeCosts fails when a step of one costs a single unit more than the README says; it runs on the true
// DynamoDB, whose list lags as it likes.
func TestWhatACloudChargeCosts(t *testing.T) {
	client, table, costs := dynamodbtest.Metered(t)
	w := newWorld(t)
	w.Store = dynamo.New(client, table)
	books := &ledger.Ledger{Store: w.Store, Policy: wallet.DefaultPolicy(), Now: w.Now}
	if _, err := books.Do(t.Context(), "acme", ledger.Intent{Command: wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"}}); err != nil {
		t.Fatal(err)
	}
	amount, err := money.ParseExact("", "9.40", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	bills := 0
	settle := func() {
		bills++
		id := wallet.BillID(fmt.Sprintf("bill-%03d", bills))
		command := wallet.Settle{
			Bill:   wallet.Bill{ID: id, Workspace: "ws", Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Amount: amount}}},
			DayEnd: now.Add(-time.Hour), Method: wallet.Cloud, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "one"},
		}
		if _, err := books.Do(t.Context(), "acme", ledger.Intent{Command: command, After: Of}); err != nil {
			t.Fatal(err)
		}
	}
	run := func() {
		if _, err := w.Run(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
	}
	costs.Step("settle a bill that the cloud pays", settle, 2, 1, 11)
	costs.Step("a round with one charge: gather, send, accept", run, 8, 5, 13)
	costs.Step("a round with nothing to do", run, 2, 1, 0)
	costs.Step("settle 24 more", func() {
		for range 24 {
			settle()
		}
	}, 48, 24, 264)
	w.now = w.now.Add(time.Hour)
	costs.Step("a round with 24 charges of a customer", run, 8, 29, 105)
	costs.Step("a page of 20 of an account's 25 charges", func() {
		views, _, err := w.Charges(t.Context(), "acme", "", 20)
		if err != nil || len(views) != 20 || views[19].Status() != Accepted {
			t.Errorf("%d charges: %+v, %v", len(views), views, err)
		}
	}, 4, 42, 0)
	costs.Step("a page of records", func() {
		records, _, err := w.Records(t.Context(), "accepted", "", 20)
		if err != nil || len(records) != 2 || metering.Verdict(records[0].State) != metering.Accepted {
			t.Errorf("%+v, %v", records, err)
		}
	}, 2, 3, 0)
}
