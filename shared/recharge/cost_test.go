package recharge

import (
	"testing"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/wallet"
)

// TestWhatAPaidTopUpCosts fails when a step of one costs a single unit more than the README says.
func TestWhatAPaidTopUpCosts(t *testing.T) {
	client, table, costs := dynamodbtest.Metered(t)
	w := newWorld(t)
	w.store = dynamo.New(client, table)
	w.desk.Ledger.Store = w.store
	if _, err := w.desk.Ledger.Do(t.Context(), "acme", ledger.Intent{Command: wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"}}); err != nil {
		t.Fatal(err)
	}
	credit := func(trade payment.Trade) {
		if _, err := w.desk.Credit(t.Context(), trade); err != nil {
			t.Fatal(err)
		}
	}
	var order Order
	var refund Refund
	costs.Step("take the order", func() { order = w.order("k", "100.00") }, 5, 2.5, 7)
	costs.Step("credit it by its notice", func() { credit(w.pay(order)) }, 3, 2, 10)
	costs.Step("the same notice again", func() { credit(w.provider.trades[order.ID]) }, 2, 2, 0)
	costs.Step("the poller's round that finds it credited", func() { w.round() }, 6, 3.5, 2)
	costs.Step("a round with nothing to do", func() { w.round() }, 2, 1, 0)
	costs.Step("open a refund", func() {
		var err error
		if refund, _, err = w.desk.Refund(t.Context(), w.wish(order, "r", "1.00")); err != nil {
			t.Fatal(err)
		}
	}, 6, 5, 10)
	costs.Step("have it done", func() { w.round() }, 10, 6.5, 12)
	if got := w.refund(order.ID); got.ID != refund.ID || got.State != RefundPaid {
		t.Errorf("%+v", got)
	}
}
