package main

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/batch"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/wallet"
	"billingcentre/shared/webhook"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// endpoint is the one that acme has; bolt has none.
const endpoint = "wh_00000000000000000000"

// queues note what is sent and what is hidden.
type queues struct{ steps []webhook.Step }

func (q *queues) Send(_ context.Context, steps ...webhook.Step) error {
	q.steps = append(q.steps, steps...)
	return nil
}

func (q *queues) ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { return copy(b, strings.Repeat("\x00", len(b))), nil }

// world is the function, the customer's system, and the adjustment of the events in acme's journal.
type world struct {
	handler
	desk   *webhook.Desk
	queues *queues
	posted []string // types of events
	kept   *quarantine.Quarantine
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{queues: &queues{}}
	clock, store, log := func() time.Time { return noon }, new(memory.Store), slog.New(slog.DiscardHandler)
	books := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: clock}
	for _, command := range []wallet.Command{
		wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai", Actor: "ops"},
		wallet.Adjust{Account: "acme", Once: "one", Amount: money.Units(money.CNY, 5), Reason: "goodwill", Actor: "ops"},
	} {
		if _, err := books.Do(t.Context(), "acme", ledger.Intent{Command: command}); err != nil {
			t.Fatal(err)
		}
	}
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct {
			Type string `json:"type"`
		}
		if err := json.UnmarshalRead(r.Body, &body); err != nil {
			t.Error(err)
		}
		w.posted = append(w.posted, body.Type)
	}))
	t.Cleanup(receiver.Close)
	w.kept = &quarantine.Quarantine{Store: store, Now: clock, Metrics: &metric.Metrics{Out: io.Discard}}
	consumer := func(name string) *batch.Consumer {
		return &batch.Consumer{
			Source: name, QueueURL: "https://sqs.eu-central-1.amazonaws.com/123456789012/billing-" + name, MaxReceives: math.MaxInt, Queue: w.queues,
			Now: clock, Log: log, Quarantine: w.kept,
		}
	}
	signer := webhook.Signer{Master: []byte("a master key of thirty-two bytes")}
	w.handler = handler{
		events: consumer("webhook-events"), deliveries: consumer("webhook-deliveries"),
		fanout: &webhook.Fanout{Store: store, Queue: w.queues, Now: clock},
		courier: &webhook.Courier{
			Store: store, Queue: w.queues, Client: webhook.Anywhere.Client(), Signer: signer, Metrics: &metric.Metrics{Out: io.Discard}, Log: log, Now: clock,
		},
	}
	w.desk = &webhook.Desk{Store: store, Signer: signer, Addresses: webhook.Anywhere, Queue: w.queues, Now: clock, Chance: zeros{}}
	if _, _, _, err := w.desk.Add(t.Context(), "acme", "k", webhook.Wish{URL: receiver.URL, Events: []string{"*"}, Enabled: true}); err != nil {
		t.Fatal(err)
	}
	return w
}

func event(t *testing.T, name string) events.SQSEvent {
	t.Helper()
	text, err := os.ReadFile("../../events/webhook-courier/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var in events.SQSEvent
	if err := json.Unmarshal(text, &in); err != nil {
		t.Fatal(err)
	}
	return in
}

// outcome is all that an event leads to.
type outcome struct {
	Refused     bool // the whole batch
	HandedBack  []string
	Sent        int // steps
	Deliveries  []webhook.Status
	Posted      []string
	Quarantined int
}

func TestEvents(t *testing.T) {
	const second = "7f4b1a0e-0000-4000-8000-000000000002"
	adjusted, first := []string{"entry.adjusted"}, strings.TrimSuffix(second, "2")+"1"
	want := map[string]outcome{
		"event":                 {Sent: 1, Deliveries: []webhook.Status{webhook.Pending}},
		"event-twice":           {Sent: 2, Deliveries: []webhook.Status{webhook.Pending}},
		"event-of-nobody":       {},
		"event-of-others":       {Sent: 1, Deliveries: []webhook.Status{webhook.Pending}, Quarantined: 1},
		"event-without-json":    {Quarantined: 2},
		"delivery":              {Sent: 1, Deliveries: []webhook.Status{webhook.Delivered}, Posted: adjusted},
		"delivery-twice":        {Sent: 1, Deliveries: []webhook.Status{webhook.Delivered}, Posted: adjusted},
		"delivery-too-early":    {Sent: 1, Deliveries: []webhook.Status{webhook.Pending}, HandedBack: []string{first}},
		"delivery-without-json": {Sent: 1, Deliveries: []webhook.Status{webhook.Delivered}, Posted: adjusted, Quarantined: 1},
		"foreign-queue":         {Refused: true},
	}
	files, err := os.ReadDir("../../events/webhook-courier")
	if err != nil || len(files) != len(want) {
		t.Errorf("%d events, %d outcomes, %v", len(files), len(want), err)
	}
	for name, want := range want {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			in := event(t, name)
			if strings.HasPrefix(name, "delivery") {
				if _, err := w.handle(t.Context(), event(t, "event")); err != nil {
					t.Fatal(err)
				}
				for i := range in.Records {
					in.Records[i].Body = strings.ReplaceAll(in.Records[i].Body, "DELIVERY", w.queues.steps[0].Delivery)
				}
			}
			answer, err := w.handle(t.Context(), in)
			got := outcome{Refused: err != nil, Sent: len(w.queues.steps), Posted: w.posted}
			for _, failed := range answer.BatchItemFailures {
				got.HandedBack = append(got.HandedBack, failed.ItemIdentifier)
			}
			found, _, err := w.desk.Deliveries(t.Context(), "acme", endpoint, "", 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range found {
				got.Deliveries = append(got.Deliveries, d.Status)
			}
			kept, _, err := w.kept.List(t.Context(), "", 10)
			if err != nil {
				t.Fatal(err)
			}
			got.Quarantined = len(kept)
			if slices.Sort(got.HandedBack); cmp.Diff(want, got) != "" {
				t.Errorf("(-want +got):\n%s", cmp.Diff(want, got))
			}
		})
	}
}
