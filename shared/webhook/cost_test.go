package webhook_test

import (
	"fmt"
	"net/http"
	"testing"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
	"billingcentre/shared/webhook"
)

// TestWhatADeliveryCosts fails when a step of one costs a single unit more than the README says. The real store is under
// it, so it is also the proof that deliveries work on that.
func TestWhatADeliveryCosts(t *testing.T) {
	client, table, costs := dynamodbtest.Metered(t)
	p := newPost(t)
	store := dynamo.New(client, table)
	p.books.Store, p.desk.Store, p.fanout.Store, p.courier.Store = store, store, store, store
	p.do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai", Actor: "ops"})
	var many []event.Event
	for i := range 10 {
		many = append(many, p.topUp(fmt.Sprint(i)))
	}
	attempt := func() { p.take(false) }
	costs.Step("ten events of an account without webhooks", func() { p.tell(many...) }, 1, 1, 0)
	e, _ := p.endpoint()
	costs.Step("an event for one webhook", func() { p.tell(many[0]) }, 2, 1, 2)
	p.answer = func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader([]int{500, 200}[min(n, 1)]) }
	costs.Step("an attempt that fails", attempt, 3, 3, 1)
	costs.Step("an attempt that succeeds", attempt, 3, 3, 1)
	p.answer = func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusInternalServerError) }
	p.tell(many[1])
	for range 4 { // the next pause is half an hour
		attempt()
	}
	costs.Step("a quarter of an hour's wait", attempt, 2, 1, 1)
	costs.Step("a page of deliveries", func() { p.deliveries(e) }, 3, 3.5, 0)
	if found := p.deliveries(e); len(found) != 2 || found[1].Status != webhook.Delivered || len(found[1].Attempts) != 2 || len(found[0].Attempts) != 4 {
		t.Errorf("%+v", found)
	}
}
