package batch

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
)

const (
	atOnce  = 8  // calls at the same time
	perCall = 10 // messages of one ChangeMessageVisibilityBatch
)

// Visibility is the one call to the queue: when what is handed back may be seen again.
type Visibility interface {
	ChangeMessageVisibilityBatch(ctx context.Context, in *sqs.ChangeMessageVisibilityBatchInput, options ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

// retry is a message to hand back.
type retry struct {
	*Message
	pause time.Duration
}

// dispose keeps, acknowledges and hands back, in what the worker left of the function's time: an answer that comes too late
// is none, and all would come again.
func (c *Consumer) dispose(ctx context.Context, b *Batch) Outcome {
	out := Outcome{Messages: len(b.Messages), Refused: map[string]int{}}
	var keep []*Message
	var retries []retry
	for _, m := range b.Messages {
		if m.err == nil {
			continue
		}
		_, kind := fateOf(m.err)
		out.Refused[kind]++
		if hopeless, pause := c.judge(m); hopeless {
			keep = append(keep, m)
		} else {
			retries = append(retries, retry{m, pause})
		}
	}
	c.tellFaults(ctx, b)
	keeping, kept := until(ctx, b.slack/4)
	defer kept()
	lost := c.keep(keeping, keep)
	out.Quarantined = len(keep) - len(lost)
	for _, m := range lost { // what couldn't be kept must not be acknowledged
		retries = append(retries, retry{m, min(firstPause<<min(m.Receives-1, 20), hindered.ceiling)})
	}
	hiding, hidden := until(ctx, b.slack/8)
	defer hidden()
	c.hide(hiding, retries)
	out.Retried = len(retries)
	for _, r := range retries {
		out.failures = append(out.failures, events.SQSBatchItemFailure{ItemIdentifier: r.ID})
	}
	return out
}

// tellFaults logs what is no refusal, once for each text: whoever sent the message must not see it, and a thousand
// messages may have met the same fault.
func (c *Consumer) tellFaults(ctx context.Context, b *Batch) {
	told := map[string]bool{}
	for _, m := range b.Messages {
		if m.err == nil {
			continue
		}
		if _, kind := fateOf(m.err); kind == internal && !told[m.err.Error()] {
			told[m.err.Error()] = true
			c.Log.ErrorContext(ctx, "a message met a fault", "message_id", m.ID, "error", m.err.Error())
		}
	}
}

// keep puts messages into quarantine, and returns those that couldn't be.
func (c *Consumer) keep(ctx context.Context, messages []*Message) (lost []*Message) {
	failed := make([]bool, len(messages))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, m := range messages {
		group.Go(func() error {
			_, kind := fateOf(m.err)
			if err := c.Quarantine.Keep(ctx, quarantine.Message{
				ID: m.ID, Source: c.Source, Kind: kind, Detail: detail(m), Attributes: m.Attributes, Body: []byte(m.Body),
			}); err != nil {
				c.Log.ErrorContext(ctx, "a message couldn't be quarantined", "message_id", m.ID, "kind", kind, "error", err.Error())
				failed[i] = true
				return nil
			}
			c.Log.WarnContext(ctx, "quarantined", "message_id", m.ID, "kind", kind, "receives", m.Receives)
			return nil
		})
	}
	group.Wait() //nolint:errcheck // each one's failure is noted
	for i, m := range messages {
		if failed[i] {
			lost = append(lost, m)
		}
	}
	return lost
}

// detail is the reason for an operator. The text of a fault stays in the log.
func detail(m *Message) string {
	if r := refusal.As(m.err); r != nil {
		return strings.TrimPrefix(r.Error(), string(r.Kind)+": ")
	}
	return "It met a fault of ours on each of " + strconv.Itoa(m.Receives) + " tries; the log tells it by the message's id."
}

// hide sets when messages that are handed back become visible. Where that fails they stay hidden for the queue's own
// time, which is longer than it need be, but right.
func (c *Consumer) hide(ctx context.Context, retries []retry) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	for chunk := range slices.Chunk(retries, perCall) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(c.QueueURL)}
		for i, r := range chunk {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(r.receipt), VisibilityTimeout: int32(r.pause / time.Second),
			})
		}
		group.Go(func() error {
			out, err := c.Queue.ChangeMessageVisibilityBatch(ctx, in)
			switch {
			case err != nil:
				c.Log.WarnContext(ctx, "messages stay hidden longer", "messages", len(in.Entries), "error", err.Error())
			case len(out.Failed) > 0:
				c.Log.WarnContext(ctx, "messages stay hidden longer", "messages", len(out.Failed), "code", aws.ToString(out.Failed[0].Code))
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // each one's failure is logged
}
