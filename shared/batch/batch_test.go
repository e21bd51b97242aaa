package batch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
)

var now = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

const queueARN = "arn:aws:sqs:eu-central-1:123456789012:billing-usage-bills"

// queue notes how long messages are hidden, and in how many calls.
type queue struct {
	mu     sync.Mutex
	calls  int
	hidden map[string]int32
	answer func() (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

func (q *queue) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.calls++
	for _, e := range in.Entries {
		q.hidden[*e.ReceiptHandle] = e.VisibilityTimeout
	}
	if q.answer != nil {
		return q.answer()
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func newConsumer(log *bytes.Buffer) (*Consumer, *queue) {
	q := &queue{hidden: map[string]int32{}}
	clock := func() time.Time { return now }
	return &Consumer{
		Source: "test", QueueURL: "http://127.0.0.1:9324/123456789012/billing-usage-bills", MaxReceives: 20, Queue: q, Now: clock,
		Log:        slog.New(slog.NewJSONHandler(log, nil)),
		Quarantine: &quarantine.Quarantine{Store: new(memory.Store), Now: clock, Metrics: &metric.Metrics{Out: new(bytes.Buffer), Now: clock}},
	}, q
}

// record is a message received so often, sent so long ago.
func record(id string, receives int, age time.Duration) events.SQSMessage {
	return events.SQSMessage{MessageId: id, ReceiptHandle: "receipt-" + id, Body: "body of " + id, EventSourceARN: queueARN, Attributes: map[string]string{
		"ApproximateReceiveCount": strconv.Itoa(receives), "SentTimestamp": strconv.FormatInt(now.Add(-age).UnixMilli(), 10),
	}}
}

func TestEveryKindHasItsFate(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../refusal/refusal.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || fmt.Sprint(spec.Type) != "Kind" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		kinds++
		if _, known := fates[refusal.Kind(text)]; !known {
			t.Errorf("kind %s has no fate", text)
		}
		return true
	})
	if kinds != len(fates) {
		t.Errorf("%d kinds, %d fates", kinds, len(fates))
	}
}

// design, "Errors": what becomes of a message, by what was wrong, how often it came, and how old it is.
func TestFates(t *testing.T) {
	early := func(wait time.Duration) error {
		r := refusal.Of(refusal.TooEarly, "too early")
		r.RetryAfter = int(wait / time.Second)
		return r
	}
	of := func(kind refusal.Kind) error { return refusal.Of(kind, "no") }
	for _, row := range []struct {
		name     string
		err      error
		receives int
		age      time.Duration
		keep     bool
		pause    time.Duration
	}{
		{"invalid", of(refusal.Invalid), 1, 0, true, 0},
		{"forbidden", of(refusal.Forbidden), 1, 0, true, 0},
		{"conflict", of(refusal.Conflict), 1, 0, true, 0},
		{"key reused", of(refusal.KeyReused), 1, 0, true, 0},
		{"not applicable", of(refusal.NotApplicable), 1, 0, true, 0},
		{"a wrapped refusal", fmt.Errorf("while settling: %w", of(refusal.Invalid)), 1, 0, true, 0},
		{"unknown, first", of(refusal.NotFound), 1, time.Second, false, 5 * time.Second},
		{"unknown, third", of(refusal.NotFound), 3, time.Minute, false, 20 * time.Second},
		{"unknown, longest pause", of(refusal.NotFound), 8, 14 * time.Minute, false, 5 * time.Minute},
		{"unknown, a millisecond before 15 minutes", of(refusal.NotFound), 9, 15*time.Minute - time.Millisecond, false, 5 * time.Minute},
		{"unknown, 15 minutes after it was sent", of(refusal.NotFound), 2, 15 * time.Minute, true, 0},
		{"too early, by a minute", early(time.Minute), 1, 0, false, time.Minute},
		{"too early, by 40 hours", early(40 * time.Hour), 1, 30 * time.Hour, false, longestPause},
		{"too early, by 48 hours", early(48 * time.Hour), 1, 0, false, longestPause},
		{"too early, by more", early(48*time.Hour + time.Second), 1, 0, true, 0},
		{"too early, by centuries", early(290 * 365 * 24 * time.Hour), 1, 0, true, 0},
		{"throttled", of(refusal.Throttled), 2, time.Hour, false, 10 * time.Second},
		{"no answer, for hours", of(refusal.Unavailable), 17, 3 * time.Hour, false, 15 * time.Minute},
		{"a fault", errors.New("boom"), 1, time.Hour, false, 5 * time.Second},
		{"a fault, last but one receive", errors.New("boom"), 18, time.Hour, false, 15 * time.Minute},
		{"a fault, last receive (Q58)", errors.New("boom"), 19, time.Hour, true, 0},
		{"beyond the last", of(refusal.Throttled), 4_000, time.Hour, true, 0},
		{"not begun", errUnfinished, 9, time.Hour, false, 5 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, _ := newConsumer(new(bytes.Buffer))
			keep, pause := c.judge(&Message{err: row.err, Receives: row.receives, SentAt: now.Add(-row.age)})
			if keep != row.keep || !keep && pause != row.pause {
				t.Errorf("keep %v, pause %s", keep, pause)
			}
		})
	}
}

// Of what a message's parts met, what is tried again soonest and longest decides; what can never be done comes last.
func TestWhatDecidesOfParts(t *testing.T) {
	early := func(seconds int) error { return &refusal.Refusal{Kind: refusal.TooEarly, RetryAfter: seconds} }
	ranks := [][]error{ // each before all of the next lines
		{errors.New("boom"), errUnfinished, refusal.Of(refusal.Throttled, ""), refusal.Of(refusal.Unavailable, ""), refusal.Of(refusal.Contended, "")},
		{early(60), early(48 * 3600)},
		{refusal.Of(refusal.NotFound, "")},
		{refusal.Of(refusal.Invalid, ""), refusal.Of(refusal.Conflict, ""), early(48*3600 + 1)},
	}
	if Deciding(nil) != nil || Deciding([]error{nil, nil}) != nil {
		t.Error("something decides of parts that are done")
	}
	for i, rank := range ranks {
		for _, first := range rank {
			for _, later := range slices.Concat(ranks[i+1:]...) {
				if Deciding([]error{nil, first, later}) != first || Deciding([]error{later, nil, first}) != first {
					t.Errorf("%v doesn't come before %v", first, later)
				}
			}
		}
	}
}

// Nothing is waited for longer than a queue can: twelve hours from receipt, 15 minutes of which are the function's.
func TestPausesAreWhatAQueueAllows(t *testing.T) {
	for _, f := range fates {
		if f.ceiling > longestPause || longestPause > 12*time.Hour-time.Minute {
			t.Errorf("%+v", f)
		}
	}
}

// Twenty receives outlast an outage of nearly three hours (T-33).
func TestReceivesOutlastAnOutage(t *testing.T) {
	c, _ := newConsumer(new(bytes.Buffer))
	var whole time.Duration
	for receives := 1; ; receives++ {
		keep, pause := c.judge(&Message{err: refusal.Of(refusal.Throttled, "no"), Receives: receives, SentAt: now})
		if keep {
			break
		}
		whole += pause
	}
	if whole < 2*time.Hour+50*time.Minute {
		t.Errorf("given up after %s", whole)
	}
}

func TestABatchIsDisposedOfMessageByMessage(t *testing.T) {
	c, q := newConsumer(new(bytes.Buffer))
	event := events.SQSEvent{}
	for i := range 40 {
		event.Records = append(event.Records, record(fmt.Sprint(i), 1, 0))
	}
	out, err := c.Take(t.Context(), event, func(_ context.Context, b *Batch) {
		for i, m := range b.Messages {
			switch i % 4 {
			case 0:
				m.Finish(nil)
			case 1:
				m.Finish(refusal.At("/x", "must be y"))
			case 2:
				m.Finish(refusal.Of(refusal.NotFound, "nobody"))
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"invalid": 10, "not_found": 10, "unfinished": 10}, out.Refused); diff != "" {
		t.Error(diff)
	}
	if out.Messages != 40 || out.Quarantined != 10 || out.Retried != 20 || len(out.Response().BatchItemFailures) != 20 {
		t.Errorf("%+v", out)
	}
	if len(q.hidden) != 20 || q.calls != 2 {
		t.Errorf("%d hidden by %d calls", len(q.hidden), q.calls)
	}
	kept, err := c.Quarantine.Get(t.Context(), "1")
	if err != nil || string(kept.Body) != "body of 1" || kept.Detail != "The request breaks the rules of its fields.; /x must be y" || kept.Source != "test" {
		t.Errorf("%+v, %v", kept, err)
	}
}

// Q60: a message of another queue refuses the whole batch, before anything is done.
func TestBatchesOfOtherQueuesAreRefused(t *testing.T) {
	for _, arn := range []string{
		"", "arn:aws:sqs:eu-central-1:123456789012:other", "arn:aws:sqs:eu-central-1:210987654321:billing-usage-bills",
		"arn:aws:sns:eu-central-1:123456789012:billing-usage-bills", queueARN + ":x", "billing-usage-bills",
	} {
		c, _ := newConsumer(new(bytes.Buffer))
		strange := record("2", 1, 0)
		strange.EventSourceARN = arn
		_, err := c.Take(t.Context(), events.SQSEvent{Records: []events.SQSMessage{record("1", 1, 0), strange}}, func(context.Context, *Batch) {
			t.Errorf("%s: the worker was called", arn)
		})
		if !refusal.Is(err, refusal.Forbidden) {
			t.Errorf("%s: %v", arn, err)
		}
	}
}

func TestMessagesAreRead(t *testing.T) {
	c, _ := newConsumer(new(bytes.Buffer))
	text := "acme"
	r := record("1", 7, time.Minute)
	r.MessageAttributes = map[string]events.SQSMessageAttribute{
		"account": {StringValue: &text, DataType: "String"}, "blob": {BinaryValue: []byte{0xff}, DataType: "Binary"},
	}
	m := c.message(&r)
	if m.ID != "1" || m.Body != "body of 1" || m.Receives != 7 || !m.SentAt.Equal(now.Add(-time.Minute)) {
		t.Errorf("%+v", m)
	}
	if diff := cmp.Diff(map[string]string{"account": "acme", "blob": "/w=="}, m.Attributes); diff != "" {
		t.Error(diff)
	}
	bare := c.message(&events.SQSMessage{MessageId: "2"})
	if bare.Receives != 1 || !bare.SentAt.Equal(now) {
		t.Errorf("without attributes: %+v", bare)
	}
}

func TestAWorkerThatBreaksHandsBackTheRest(t *testing.T) {
	log := new(bytes.Buffer)
	c, _ := newConsumer(log)
	out, err := c.Take(t.Context(), events.SQSEvent{Records: []events.SQSMessage{record("1", 1, 0), record("2", 1, 0)}}, func(_ context.Context, b *Batch) {
		b.Messages[0].Finish(nil)
		panic("a bug")
	})
	if err != nil || out.Retried != 1 || out.Response().BatchItemFailures[0].ItemIdentifier != "2" {
		t.Errorf("%+v, %v", out, err)
	}
	if !bytes.Contains(log.Bytes(), []byte("a bug")) {
		t.Error("the log doesn't tell")
	}
}

func TestAQueueThatDoesntAnswerOnlyCostsTime(t *testing.T) {
	for name, answer := range map[string]func() (*sqs.ChangeMessageVisibilityBatchOutput, error){
		"error":           func() (*sqs.ChangeMessageVisibilityBatchOutput, error) { return nil, errors.New("no route") },
		"partial failure": func() (*sqs.ChangeMessageVisibilityBatchOutput, error) { return failedOnce(), nil },
	} {
		log := new(bytes.Buffer)
		c, q := newConsumer(log)
		q.answer = answer
		out, err := c.Take(t.Context(), events.SQSEvent{Records: []events.SQSMessage{record("1", 1, 0)}}, func(context.Context, *Batch) {})
		if err != nil || out.Retried != 1 || !bytes.Contains(log.Bytes(), []byte("stay hidden longer")) {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

func failedOnce() *sqs.ChangeMessageVisibilityBatchOutput {
	code := "ReceiptHandleIsInvalid"
	return &sqs.ChangeMessageVisibilityBatchOutput{Failed: []types.BatchResultErrorEntry{{Code: &code}}}
}

// The worker's time ends before the function's, so that there is time to hand back.
func TestTheWorkersTimeEndsFirst(t *testing.T) {
	c, _ := newConsumer(new(bytes.Buffer))
	for timeout, room := range map[time.Duration]bool{time.Minute: true, 4 * time.Second: true, 2 * time.Second: false} {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		_, err := c.Take(ctx, events.SQSEvent{}, func(work context.Context, b *Batch) {
			ends, _ := ctx.Deadline()
			if stop, limited := work.Deadline(); !limited || ends.Sub(stop) < time.Second {
				t.Errorf("%s: the worker's time ends %s before", timeout, ends.Sub(stop))
			}
			if b.Room() != room {
				t.Errorf("%s: room %v", timeout, b.Room())
			}
		})
		if cancel(); err != nil {
			t.Error(err)
		}
	}
}
