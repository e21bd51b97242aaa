package poller_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/infra/local/poller"
	"billingcentre/infra/local/sqs"
)

// function is an Invoker that remembers its events.
type function struct {
	answer func(n int, event []byte) ([]byte, error) // n counts from 1

	mu     sync.Mutex
	events [][]byte
	times  []time.Time
}

func (f *function) Invoke(_ context.Context, event []byte) ([]byte, error) {
	f.mu.Lock()
	f.events = append(f.events, event)
	f.times = append(f.times, time.Now())
	n := len(f.events)
	f.mu.Unlock()
	return f.answer(n, event)
}

func (f *function) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events)
}

// bodies of the n'th event's records.
func (f *function) bodies(t *testing.T, n int) []string {
	t.Helper()
	var bodies []string
	for _, r := range sqsEvent(t, f.events[n-1]).Records {
		bodies = append(bodies, r.Body)
	}
	return bodies
}

func sqsEvent(t *testing.T, event []byte) events.SQSEvent {
	t.Helper()
	var decoded events.SQSEvent
	if err := json.Unmarshal(event, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func always(answer string) func(int, []byte) ([]byte, error) {
	return func(int, []byte) ([]byte, error) { return []byte(answer), nil }
}

// newQueue has a visibility timeout of 30 seconds.
func newQueue(t *testing.T, bodies ...string) *sqs.Queue {
	t.Helper()
	queue, err := sqs.New(sqs.Options{Region: "eu-west-1"}).Create("bills", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	send(t, queue, bodies...)
	return queue
}

func send(t *testing.T, queue *sqs.Queue, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if _, err := queue.Send(sqs.Draft{Body: body}); err != nil {
			t.Fatal(err)
		}
	}
}

// counts are visible and in flight: "1 0".
func counts(t *testing.T, queue *sqs.Queue) string {
	t.Helper()
	a, err := queue.Attributes()
	if err != nil {
		t.Fatal(err)
	}
	return a["ApproximateNumberOfMessages"] + " " + a["ApproximateNumberOfMessagesNotVisible"]
}

// start runs a mapping in the bubble and returns what stops it.
func start(t *testing.T, o poller.QueueOptions) (stop func()) {
	t.Helper()
	o.Region, o.Logger = "eu-west-1", slog.New(slog.DiscardHandler)
	mapping, err := poller.NewQueueMapping(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { mapping.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
