package recharge

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/dynamo/meter"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// TestWhatAPaidTopUpCosts fails when a step of one costs a single unit more than the README says.
func TestWhatAPaidTopUpCosts(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	m := meter.New(meter.Schema{Keys: []string{"pk", "sk"}, Indexes: [][]string{{"list", "rank"}, {"grants", "rank"}, {"shard", "due"}}})
	w := newWorld(t)
	w.store = dynamo.New(dynamodb.New(client.Options(), m.Options), table)
	w.desk.Ledger.Store = w.store
	if _, err := w.desk.Ledger.Do(t.Context(), "acme", ledger.Intent{Command: wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"}}); err != nil {
		t.Fatal(err)
	}
	var order Order
	var refund Refund
	for _, step := range []struct {
		name     string
		run      func() error
		requests int
		reads    float64
		writes   float64
	}{
		{"take the order", func() (err error) {
			order, _, err = w.desk.Take(t.Context(), Wish{Account: "acme", Once: "k", Amount: "100.00"})
			return err
		}, 5, 2.5, 7},
		{"credit it by its notice", func() error {
			_, err := w.desk.Credit(t.Context(), w.pay(order))
			return err
		}, 3, 2, 10},
		{"the same notice again", func() error {
			_, err := w.desk.Credit(t.Context(), w.provider.trades[order.ID])
			return err
		}, 2, 2, 0},
		{"the poller's round that finds it credited", func() error {
			w.now = w.now.Add(time.Minute)
			_, err := w.watchman.Walk(t.Context(), 0)
			return err
		}, 6, 3.5, 2},
		{"a round with nothing to do", func() error {
			w.now = w.now.Add(time.Minute)
			_, err := w.watchman.Walk(t.Context(), 0)
			return err
		}, 2, 1, 0},
		{"open a refund", func() (err error) {
			refund, _, err = w.desk.Refund(t.Context(), w.wish(order, "r", "1.00"))
			return err
		}, 6, 5, 10},
		{"have it done", func() error {
			w.now = w.now.Add(time.Minute)
			_, err := w.watchman.Walk(t.Context(), 0)
			return err
		}, 10, 6.5, 12},
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
	if got := w.refund(order.ID); got.ID != refund.ID || got.State != RefundPaid {
		t.Errorf("%+v", got)
	}
}
