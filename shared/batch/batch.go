// Package batch is how messages of a queue come in, many at once, and what becomes of each one that can't be
// processed. A worker says what was wrong with a message; one table (fate.go) says what follows from that:
//
//   - acknowledged: it is done, or it never can be and is kept in quarantine;
//   - handed back: it may succeed later. It becomes visible again after a pause that grows with every try, and
//     before its queue would give it up it goes into quarantine.
//
// So a message ends in the ledger or in quarantine, never in between, and none hurts its neighbours: only what is
// handed back is named in the answer.
package batch

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
)

// Consumer takes the batches of one queue.
type Consumer struct {
	Source      string // the queue's name in the quarantine
	QueueURL    string // batches of any other queue are refused whole
	MaxReceives int    // after as many receives, the queue gives a message up to its dead-letter queue
	Queue       Visibility
	Quarantine  *quarantine.Quarantine
	Now         func() time.Time
	Log         *slog.Logger
}

// Message is one message of a batch.
type Message struct {
	ID         string
	Body       string
	Attributes map[string]string // those that its sender gave it; binary ones as base64
	Receives   int               // how often it was received, this time included
	SentAt     time.Time
	receipt    string
	err        error
}

// errUnfinished is what a message is left with that its worker didn't get to.
var errUnfinished = errors.New("batch: there was no time left")

// Finish says that the message is done, or why it isn't. A worker calls it once a message.
func (m *Message) Finish(err error) { m.err = err }

// Batch is what a worker gets.
type Batch struct {
	Messages []*Message
	stop     time.Time
	slack    time.Duration // of the function's time, in which nothing is begun
}

// Room tells whether there is time to begin more work. What isn't begun is handed back.
func (b *Batch) Room() bool { return b.stop.IsZero() || time.Until(b.stop) > 0 }

// Outcome is what became of a batch.
type Outcome struct {
	Messages    int
	Refused     map[string]int // messages that weren't done, by kind of refusal
	Quarantined int
	Retried     int
	failures    []events.SQSBatchItemFailure
}

// Response names what is handed back, as Lambda expects it.
func (o Outcome) Response() events.SQSEventResponse {
	return events.SQSEventResponse{BatchItemFailures: o.failures}
}

// Take lets work do a batch, and settles what becomes of each message. Only a batch that isn't this queue's fails as
// a whole.
func (c *Consumer) Take(ctx context.Context, event events.SQSEvent, work func(context.Context, *Batch)) (Outcome, error) {
	if err := c.owns(event); err != nil {
		return Outcome{}, err
	}
	b := &Batch{Messages: make([]*Message, len(event.Records))}
	for i := range event.Records {
		b.Messages[i] = c.message(&event.Records[i])
	}
	c.run(ctx, b, work)
	return c.dispose(ctx, b), nil
}

// run calls the worker with a context that ends before the function's own time does, so that what it couldn't do
// can still be handed back.
func (c *Consumer) run(ctx context.Context, b *Batch, work func(context.Context, *Batch)) {
	if deadline, limited := ctx.Deadline(); limited {
		b.slack = max(3*time.Second, time.Until(deadline)/10)
		b.stop = deadline.Add(-b.slack)
	}
	ctx, cancel := until(ctx, b.slack/2)
	defer cancel()
	defer func() {
		if broken := recover(); broken != nil {
			c.Log.ErrorContext(ctx, "the worker broke", "error", fmt.Sprint(broken), "stack", string(debug.Stack()))
		}
	}()
	work(ctx, b)
}

// until is a context that ends so long before the function's own time does, if that is limited.
func until(ctx context.Context, before time.Duration) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-before))
}

// owns refuses records of other queues: somebody has wired them to the wrong function.
func (c *Consumer) owns(event events.SQSEvent) error {
	queue, err := url.Parse(c.QueueURL)
	if err != nil {
		return fmt.Errorf("batch: the queue's URL: %w", err)
	}
	for i := range event.Records {
		arn := strings.Split(event.Records[i].EventSourceARN, ":")
		if len(arn) != 6 || arn[2] != "sqs" || "/"+arn[4]+"/"+arn[5] != queue.Path {
			return refusal.Of(refusal.Forbidden, "The batch holds a message of %q, which isn't this function's queue.", event.Records[i].EventSourceARN)
		}
	}
	return nil
}

func (c *Consumer) message(r *events.SQSMessage) *Message {
	m := &Message{ID: r.MessageId, Body: r.Body, Receives: 1, SentAt: c.Now(), receipt: r.ReceiptHandle, err: errUnfinished}
	if n, err := strconv.Atoi(r.Attributes["ApproximateReceiveCount"]); err == nil && n > 0 {
		m.Receives = n
	}
	if ms, err := strconv.ParseInt(r.Attributes["SentTimestamp"], 10, 64); err == nil {
		m.SentAt = time.UnixMilli(ms)
	}
	for name, value := range r.MessageAttributes {
		if m.Attributes == nil {
			m.Attributes = make(map[string]string, len(r.MessageAttributes))
		}
		m.Attributes[name] = base64.StdEncoding.EncodeToString(value.BinaryValue)
		if value.StringValue != nil {
			m.Attributes[name] = *value.StringValue
		}
	}
	return m
}
