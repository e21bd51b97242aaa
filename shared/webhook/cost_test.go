package webhook_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/dynamo/meter"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
	"billingcentre/shared/webhook"
)

// TestWhatADeliveryCosts fails when a step of one costs a single unit more than the README says. The real store is under
// it, so it is also the proof that deliveries work on that.
func TestWhatADeliveryCosts(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	m := meter.New(meter.Schema{Keys: []string{"pk", "sk"}, Indexes: [][]string{{"list", "rank"}, {"grants", "rank"}, {"shard", "due"}}})
	p := newPost(t)
	store := dynamo.New(dynamodb.New(client.Options(), m.Options), table)
	p.books.Store, p.desk.Store, p.fanout.Store, p.courier.Store = store, store, store, store
	p.do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai", Actor: "ops"})
	var many []event.Event
	for i := range 10 {
		many = append(many, p.topUp(fmt.Sprint(i)))
	}
	p.answer = func(w http.ResponseWriter, _ *http.Request, n int) { w.WriteHeader([]int{500, 200}[min(n, 1)]) }
	var e webhook.Endpoint
	for _, step := range []struct {
		name     string
		run      func()
		requests int
		reads    float64
		writes   float64
	}{
		{"ten events of an account without webhooks", func() { p.tell(many...) }, 1, 1, 0},
		{"an event for one webhook", func() { e, _ = p.endpoint(); m.Reset(); p.tell(many[0]) }, 2, 1, 2},
		{"an attempt that fails", func() { p.take(false) }, 3, 3, 1},
		{"an attempt that succeeds", func() { p.take(false) }, 3, 3, 1},
		{"a quarter of an hour's wait", func() {
			p.answer = func(w http.ResponseWriter, _ *http.Request, _ int) { w.WriteHeader(http.StatusInternalServerError) }
			p.tell(many[1])
			for range 4 { // the next pause is half an hour
				p.take(false)
			}
			m.Reset()
			p.take(false)
		}, 2, 1, 1},
		{"a page of deliveries", func() { p.deliveries(e) }, 3, 3.5, 0},
	} {
		m.Reset()
		step.run()
		got := m.Snapshot()
		t.Logf("%s: %d requests, %g reads, %g writes", step.name, got.Requests, got.Reads, got.Writes)
		if got.Requests > step.requests || got.Reads > step.reads || got.Writes > step.writes {
			t.Errorf("%s: it cost %+v, budget is %d requests, %g reads, %g writes", step.name, got, step.requests, step.reads, step.writes)
		}
	}
	if found := p.deliveries(e); len(found) != 2 || found[1].Status != webhook.Delivered || len(found[1].Attempts) != 2 || len(found[0].Attempts) != 4 {
		t.Errorf("%+v", found)
	}
}
