package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"billingcentre/infra/local/bus"
	"billingcentre/shared/event"
	"billingcentre/shared/notice"
	"billingcentre/shared/outbox"
	"billingcentre/shared/receipt"
)

// heard is a bus with one rule, and what the rule has sent.
type heard struct {
	outbox.Bus
	mu       sync.Mutex // of one call at a time
	keys     []string
	messages []string
	calls    int
	lose     int // the how-manieth call's answer is lost, after it took effect
	weather  func() (lost, refused bool)
}

func bridge(t *testing.T, wanted ...string) *heard {
	t.Helper()
	h := &heard{weather: func() (bool, bool) { return false, false }}
	server := bus.New(bus.Options{})
	server.AddBus("events")
	err := server.AddRule(bus.Rule{Bus: "events", Name: "all", Pattern: `{"source": ["billing-centre"]}`, Queues: []bus.QueueTarget{{Send: func(body string) error {
		e, err := event.ReadMessage([]byte(body))
		h.keys, h.messages = append(h.keys, e.Key), append(h.messages, body)
		return err
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.calls++
		lost, refused := h.weather()
		if refused {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		if lost || h.calls == h.lose {
			server.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(endpoint.Close)
	client := eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(endpoint.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		Retryer: aws.NopRetryer{},
	})
	h.Bus = outbox.Bus{Client: client, Name: "events", Wanted: wanted}
	return h
}

func told(keys ...string) (events []event.Event) {
	for _, key := range keys {
		events = append(events, event.OfNotice(notice.Notice{Kind: "locked", Cause: key, Account: "acme", At: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}))
	}
	return events
}

func many(n int) []string {
	var keys []string
	for i := range n {
		keys = append(keys, string(rune('a'+i)))
	}
	return keys
}

func TestEventsArePublishedInOrderTenACall(t *testing.T) {
	h := bridge(t, "*")
	published, err := h.Publish(t.Context(), told(many(23)...))
	if published != 23 || err != nil || h.calls != 3 || len(h.keys) != 23 || !slices.IsSorted(h.keys) {
		t.Errorf("%d published by %d calls, %v: %v", published, h.calls, err, h.keys)
	}
}

func TestOnlyWantedEventsArePublished(t *testing.T) {
	for wanted, want := range map[string]int{"*": 2, "notice.*": 2, "notice.locked": 2, "entry.*": 0, "": 0} {
		h := bridge(t, wanted)
		if published, err := h.Publish(t.Context(), told("a", "b")); published != 2 || err != nil || len(h.keys) != want {
			t.Errorf("%q: %d, %v, heard %d", wanted, published, err, len(h.keys))
		}
	}
}

// The second entry of the second call is refused alone: what stands before it needn't come again.
func TestARefusedEntryIsHandedBackWithAllAfterIt(t *testing.T) {
	h := bridge(t, "*")
	events := told(many(13)...)
	events[11].Name = "" // no DetailType: the bus refuses it
	published, err := h.Publish(t.Context(), events)
	if published != 11 || err == nil || !strings.Contains(err.Error(), "DetailType is a required argument") {
		t.Errorf("%d, %v", published, err)
	}
}

func TestAnUnknownOutcomeIsSentAgain(t *testing.T) {
	h := bridge(t, "*")
	h.lose = 2
	events := told(many(15)...)
	published, err := h.Publish(t.Context(), events)
	if published != 10 || err == nil {
		t.Fatalf("%d, %v", published, err)
	}
	if _, err := h.Publish(t.Context(), events[published:]); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(h.keys); len(h.keys) != 20 || len(slices.Compact(h.keys)) != 15 {
		t.Errorf("heard %v", h.keys)
	}
}

// However calls fail, what is handed back and sent again leaves nothing out, and tells nothing before what was before it.
func TestNothingIsPassedOver(t *testing.T) {
	for seed := range uint64(2) {
		chance, sky := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
		h := bridge(t, "*")
		h.weather = func() (bool, bool) { return sky.IntN(4) == 0, sky.IntN(4) == 0 }
		var keys []string
		for i := range 200 {
			keys = append(keys, fmt.Sprintf("%03d", i))
		}
		for left := told(keys...); len(left) > 0; {
			published, _ := h.Publish(t.Context(), left[:min(len(left), 1+chance.IntN(60))])
			left = left[published:]
		}
		seen := map[string]bool{}
		var first []string
		for _, key := range h.keys {
			if !seen[key] {
				seen[key] = true
				first = append(first, key)
			}
		}
		if len(first) != 200 || !slices.IsSorted(first) {
			t.Errorf("seed %d: heard %d of 200 events, in order: %t", seed, len(first), slices.IsSorted(first))
		}
	}
}

func TestEventsTooLargeForOneCallAreSplit(t *testing.T) {
	h := bridge(t, "*")
	events := told("a", "b", "c")
	for i := range events {
		events[i].Notice.Currency = strings.Repeat("x", 100<<10)
	}
	if published, err := h.Publish(t.Context(), events); published != 3 || err != nil || h.calls != 2 {
		t.Errorf("%d by %d calls, %v", published, h.calls, err)
	}
}

func TestASettlementTooLargeForTheBusIsAbridged(t *testing.T) {
	h := bridge(t, "*")
	entry := receipt.Receipt{Kind: "settled", Settlement: &receipt.Settlement{Lines: make([]receipt.Line, 5000), Classes: []receipt.Class{{Class: "general", Funds: make([]receipt.Fund, 9)}}}}
	large := event.Event{Name: "entry.settled", Version: 1, Key: "bill:large", Account: "acme", Entry: &entry}
	published, err := h.Publish(t.Context(), append([]event.Event{large}, told("b")...))
	if published != 2 || err != nil || len(h.messages) != 2 || !strings.Contains(h.messages[0], `"abridged":true`) {
		t.Fatalf("%d, %v, %d messages", published, err, len(h.messages))
	}
	if len(entry.Settlement.Lines) != 5000 || len(entry.Settlement.Classes[0].Funds) != 9 {
		t.Error("the entry itself was cut")
	}
}

func TestNothingIsPublishedWithoutABus(t *testing.T) {
	h := bridge(t, "*")
	h.Name = "other"
	published, err := h.Publish(t.Context(), told("a"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, cancelled := h.Publish(ctx, told("a"))
	if published != 0 || err == nil || !errors.Is(cancelled, context.Canceled) {
		t.Errorf("%d, %v; %v", published, err, cancelled)
	}
}

// The bus wraps an event before it sends it to a queue, which takes 256 KB, too, where nobody has raised that: what is just
// small enough for the bus alone would be lost there.
func TestAnEventIsSmallEnoughForAQueue(t *testing.T) {
	sizeOf := func(product int) event.Event {
		entry := receipt.Receipt{Kind: "settled", Settlement: &receipt.Settlement{Lines: []receipt.Line{{Product: strings.Repeat("x", product)}}}}
		return event.Event{Name: "entry.settled", Version: 1, Key: "bill:large", Account: "acme", Entry: &entry}
	}
	text, err := sizeOf(0).JSON()
	if err != nil {
		t.Fatal(err)
	}
	for spare := range 1500 / 100 {
		h := bridge(t, "*")
		if _, err := h.Publish(t.Context(), []event.Event{sizeOf(256<<10 - len(text) - 100*spare)}); err != nil || len(h.messages) != 1 {
			t.Fatal(err, len(h.messages))
		}
		if n := len(h.messages[0]); n > 256<<10 {
			t.Errorf("a message of %d bytes", n)
		}
	}
}
