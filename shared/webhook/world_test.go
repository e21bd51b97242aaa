package webhook_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"

	"billingcentre/shared/batch"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/wallet"
	"billingcentre/shared/webhook"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// waiting is a message of the simulated queue of deliveries.
type waiting struct {
	id       string
	body     string
	sent, at time.Time // at: when it becomes visible
	receives int
}

// post is the whole world of webhooks with a moved clock: the account acme, a desk, both workers, their queue, and a
// receiver that answers as it is told.
type post struct {
	t       *testing.T
	store   ledger.Store
	books   *ledger.Ledger
	desk    *webhook.Desk
	fanout  *webhook.Fanout
	courier *webhook.Courier
	taker   *batch.Consumer

	mu    sync.Mutex
	now   time.Time
	queue []waiting
	sent  int

	receiver *httptest.Server
	got      []received
	answer   func(w http.ResponseWriter, r *http.Request, n int) // n: how many came before
}

// received is what the receiver got.
type received struct {
	header http.Header
	body   []byte
}

func newPost(t *testing.T) *post {
	p := &post{t: t, now: noon, answer: func(http.ResponseWriter, *http.Request, int) {}}
	p.store = new(memory.Store)
	p.books = &ledger.Ledger{Store: p.store, Policy: wallet.DefaultPolicy(), Now: p.clock}
	p.do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai", Actor: "ops"})
	signer := webhook.Signer{Master: []byte("a master key of thirty-two bytes")}
	p.desk = &webhook.Desk{Store: p.store, Signer: signer, Addresses: webhook.Anywhere, Queue: p, Now: p.clock}
	p.fanout = &webhook.Fanout{Store: p.store, Queue: p, Now: p.clock}
	log := slog.New(slog.DiscardHandler)
	p.courier = &webhook.Courier{
		Store: p.store, Queue: p, Client: webhook.Anywhere.Client(), Signer: signer, Metrics: &metric.Metrics{Out: io.Discard}, Log: log, Now: p.clock,
	}
	p.taker = &batch.Consumer{
		Source: "webhook-deliveries", QueueURL: "http://127.0.0.1/000000000000/q", MaxReceives: 20, Queue: p, Now: p.clock, Log: log,
		Quarantine: &quarantine.Quarantine{Store: p.store, Now: p.clock, Metrics: &metric.Metrics{Out: io.Discard}},
	}
	p.receiver = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		p.mu.Lock()
		n := len(p.got)
		p.got = append(p.got, received{r.Header, body})
		p.mu.Unlock()
		p.answer(w, r, n)
	}))
	t.Cleanup(p.receiver.Close)
	return p
}

func (p *post) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *post) do(command wallet.Command) wallet.Entry {
	p.t.Helper()
	receipt, err := p.books.Do(p.t.Context(), "acme", ledger.Intent{Command: command})
	if err != nil {
		p.t.Fatal(err)
	}
	return receipt.Entry
}

// topUp books an entry to tell of.
func (p *post) topUp(key string) event.Event {
	p.t.Helper()
	return event.OfEntry(p.do(wallet.Adjust{Account: "acme", Once: key, Amount: money.Units(money.CNY, 5), Reason: "test", Actor: "ops"}))
}

// endpoint is a webhook to the receiver for all events.
func (p *post) endpoint(names ...string) (webhook.Endpoint, string) {
	p.t.Helper()
	if len(names) == 0 {
		names = []string{"*"}
	}
	e, secret, _, err := p.desk.Add(p.t.Context(), "acme", fmt.Sprint("key", len(p.endpoints())), webhook.Wish{URL: p.receiver.URL, Events: names, Enabled: true})
	if err != nil {
		p.t.Fatal(err)
	}
	return e, secret
}

func (p *post) endpoints() []webhook.Endpoint {
	p.t.Helper()
	all, err := p.desk.List(p.t.Context(), "acme")
	if err != nil {
		p.t.Fatal(err)
	}
	return all
}

// Send implements webhook.Queue.
func (p *post) Send(_ context.Context, steps ...webhook.Step) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, step := range steps {
		text, err := json.Marshal(step)
		if err != nil {
			return err
		}
		p.sent++
		delay := max(0, min(step.Due.Sub(p.now), batch.MaxDelay))
		p.queue = append(p.queue, waiting{id: strconv.Itoa(p.sent), body: string(text), sent: p.now, at: p.now.Add(delay)})
	}
	return nil
}

// ChangeMessageVisibilityBatch implements batch.Visibility: the receipt of a message is its id.
func (p *post) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, e := range in.Entries {
		for i := range p.queue {
			if p.queue[i].id == *e.ReceiptHandle {
				p.queue[i].at = p.now.Add(time.Duration(e.VisibilityTimeout) * time.Second)
			}
		}
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

// tell fans events out, as a batch from the bus.
func (p *post) tell(told ...event.Event) {
	p.t.Helper()
	if !p.told(told...) {
		p.t.Fatal("events are handed back")
	}
}

// told is tell, which may fail.
func (p *post) told(told ...event.Event) bool {
	p.t.Helper()
	in := events.SQSEvent{}
	for i, e := range told {
		detail, err := e.JSON()
		if err != nil {
			p.t.Fatal(err)
		}
		body := fmt.Sprintf(`{"version":"0","id":"x","detail-type":%q,"source":"billing-centre","account":"000000000000","time":"2026-11-10T12:00:00Z","region":"x","resources":[],"detail":%s}`, e.Name, detail)
		in.Records = append(in.Records, p.record(waiting{id: fmt.Sprint("e", i), body: body, sent: p.now, receives: 1}))
	}
	out, err := p.taker.Take(p.t.Context(), in, p.fanout.Work)
	if err != nil || out.Quarantined > 0 {
		p.t.Fatalf("%+v, %v", out, err)
	}
	return out.Retried == 0
}

func (p *post) record(m waiting) events.SQSMessage {
	return events.SQSMessage{
		MessageId: m.id, ReceiptHandle: m.id, Body: m.body, EventSourceARN: "arn:aws:sqs:us-east-1:000000000000:q",
		Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.receives), "SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10)},
	}
}

// take lets the courier take all messages that are visible, in one batch; those that it doesn't hand back are gone,
// unless lose says that the acknowledgement is lost. false: the queue is empty.
func (p *post) take(lose bool) bool {
	p.t.Helper()
	p.mu.Lock()
	if len(p.queue) == 0 {
		p.mu.Unlock()
		return false
	}
	slices.SortStableFunc(p.queue, func(a, b waiting) int { return a.at.Compare(b.at) })
	if p.now.Before(p.queue[0].at) {
		p.now = p.queue[0].at
	}
	in, taken := events.SQSEvent{}, map[string]bool{}
	for i := range p.queue {
		if m := &p.queue[i]; !m.at.After(p.now) {
			m.receives++
			m.at = p.now.Add(6 * time.Minute) // the queue's visibility timeout
			taken[m.id] = true
			in.Records = append(in.Records, p.record(*m))
		}
	}
	p.mu.Unlock()
	out, err := p.taker.Take(p.t.Context(), in, p.courier.Work)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, failed := range out.Response().BatchItemFailures {
		delete(taken, failed.ItemIdentifier)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.queue = slices.DeleteFunc(p.queue, func(m waiting) bool { return taken[m.id] && !lose })
	return true
}

// run takes until nothing is left.
func (p *post) run() {
	p.t.Helper()
	for range 10_000 {
		if !p.take(false) {
			return
		}
	}
	p.t.Fatal("the queue never empties")
}

// deliveries are all of an endpoint's, the latest first.
func (p *post) deliveries(e webhook.Endpoint) []webhook.Delivery {
	p.t.Helper()
	found, _, err := p.desk.Deliveries(p.t.Context(), "acme", e.ID, "", 100)
	if err != nil {
		p.t.Fatal(err)
	}
	return found
}

// only is the one delivery of an endpoint.
func (p *post) only(e webhook.Endpoint) webhook.Delivery {
	p.t.Helper()
	found := p.deliveries(e)
	if len(found) != 1 {
		p.t.Fatalf("%d deliveries: %+v", len(found), found)
	}
	return found[0]
}
