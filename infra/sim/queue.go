package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	queueURL   = "https://sqs.eu-central-1.amazonaws.com/123456789012/billing-usage-bills"
	queueARN   = "arn:aws:sqs:eu-central-1:123456789012:billing-usage-bills"
	visibility = 6 * time.Minute
	receives   = 20 // then the queue gives a message up
)

// errQueue is a call to the queue that failed.
var errQueue = errors.New("sim: the queue didn't answer")

// queue is at least once, and in no order.
type queue struct {
	messages []*message
	dead     []*message // given up by the queue: an operator redrives them
	receipts int
}

// message is a message of the queue.
type message struct {
	id       string
	body     string
	stranger bool // its attribute names another account
	sent     time.Time
	visible  time.Time
	receives int
	receipt  string
	deleted  bool
}

func (q *queue) send(id, body string, stranger bool, now time.Time) {
	q.messages = append(q.messages, &message{id: id, body: body, stranger: stranger, sent: now, visible: now})
}

// waiting are the messages that can be received.
func (q *queue) waiting(now time.Time) []*message {
	var waiting []*message
	for _, m := range q.messages {
		if !m.deleted && !m.visible.After(now) {
			waiting = append(waiting, m)
		}
	}
	return waiting
}

// left are the messages that aren't done, seen or unseen.
func (q *queue) left() int {
	left := len(q.dead)
	for _, m := range q.messages {
		if !m.deleted {
			left++
		}
	}
	return left
}

// receive hides messages and gives them as Lambda gets them. One that comes twice at once bears one receipt, so that
// whatever becomes of the two, the trace is the same.
func (q *queue) receive(messages []*message, now time.Time) events.SQSEvent {
	var event events.SQSEvent
	for i, m := range messages {
		if !slices.Contains(messages[:i], m) {
			q.receipts++
			m.receives++
			m.receipt, m.visible = "receipt-"+strconv.Itoa(q.receipts), now.Add(visibility)
		}
		r := events.SQSMessage{
			MessageId: m.id, ReceiptHandle: m.receipt, Body: m.body, EventSource: "aws:sqs", EventSourceARN: queueARN,
			Attributes: map[string]string{
				"ApproximateReceiveCount": strconv.Itoa(m.receives), "SentTimestamp": strconv.FormatInt(m.sent.UnixMilli(), 10),
			},
		}
		if m.stranger {
			other := "somebody-else"
			r.MessageAttributes = map[string]events.SQSMessageAttribute{"account": {StringValue: &other, DataType: "String"}}
		}
		event.Records = append(event.Records, r)
	}
	return event
}

// bury moves messages that were received too often to the dead-letter queue.
func (q *queue) bury(now time.Time) {
	q.messages = slices.DeleteFunc(q.messages, func(m *message) bool {
		over := !m.deleted && m.receives >= receives && !m.visible.After(now)
		if over {
			q.dead = append(q.dead, m)
		}
		return over
	})
}

// redrive sends the dead letters again.
func (q *queue) redrive(now time.Time) {
	for _, m := range q.dead {
		m.receives, m.visible = 0, now
	}
	q.messages, q.dead = append(q.messages, q.dead...), nil
}

// ack deletes the messages of a batch but those that its answer names.
func (q *queue) ack(batch []*message, response events.SQSEventResponse) (acked []*message) {
	for _, m := range batch {
		back := slices.ContainsFunc(response.BatchItemFailures, func(f events.SQSBatchItemFailure) bool { return f.ItemIdentifier == m.id })
		if !back {
			acked = append(acked, m)
		}
	}
	return acked
}

// visibilities is the queue's side of a worker's ChangeMessageVisibilityBatch.
type visibilities struct {
	worker *worker
}

func (v visibilities) ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	s := v.worker.sim
	err := v.worker.leave(ctx, fmt.Sprintf("hide %d %s", len(in.Entries), *in.Entries[0].ReceiptHandle), true, errQueue, func() error {
		for _, e := range in.Entries {
			for _, m := range s.queue.messages {
				if m.receipt == *e.ReceiptHandle {
					m.visible = s.now.Add(time.Duration(e.VisibilityTimeout) * time.Second)
				}
			}
		}
		return nil
	})
	return &sqs.ChangeMessageVisibilityBatchOutput{}, err
}
