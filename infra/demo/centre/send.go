package centre

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"billingcentre/shared/bill"
	"billingcentre/shared/wallet"
)

// The limits of SQS for one batch.
const (
	mostMessages = 10
	mostBytes    = 1 << 20
)

// Send puts bills on the queue, in batches, and returns the id of each message with the bill that it carries. sent is
// told how many are on their way; nil is fine.
func (c *Centre) Send(ctx context.Context, bills []wallet.Bill, sent func(n int)) (map[string]wallet.BillID, error) {
	bodies := make([]string, len(bills))
	for i, b := range bills {
		bodies[i] = string(bill.Encode(b))
	}
	carried := make(map[string]wallet.BillID, len(bills))
	for from := 0; from < len(bodies); {
		to, size := from, 0
		for to < len(bodies) && to-from < mostMessages && (to == from || size+len(bodies[to]) <= mostBytes) {
			size += len(bodies[to])
			to++
		}
		ids, err := c.SendBodies(ctx, bodies[from:to]...)
		if err != nil {
			return carried, fmt.Errorf("after %d of %d bills: %w", from, len(bills), err)
		}
		for i, id := range ids {
			carried[id] = bills[from+i].ID
		}
		if from = to; sent != nil {
			sent(from)
		}
	}
	return carried, nil
}

// SendBodies puts up to ten messages on the queue as they are, and returns their ids, in the same order. A message
// that the queue doesn't take is sent again, as its producer would.
func (c *Centre) SendBodies(ctx context.Context, bodies ...string) ([]string, error) {
	ids := make([]string, len(bodies))
	waiting := make([]types.SendMessageBatchRequestEntry, len(bodies))
	for i := range bodies {
		waiting[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: &bodies[i]}
	}
	for attempt := 1; len(waiting) > 0; attempt++ {
		out, err := c.sqs.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &c.options.Queue, Entries: waiting})
		if err != nil {
			return nil, fmt.Errorf("send bills: %w", err)
		}
		for _, done := range out.Successful {
			i, err := strconv.Atoi(aws.ToString(done.Id))
			if err != nil {
				return nil, fmt.Errorf("send bills: the queue took an unknown message %q", aws.ToString(done.Id))
			}
			ids[i] = aws.ToString(done.MessageId)
		}
		if len(out.Failed) > 0 && (attempt == attempts || out.Failed[0].SenderFault) {
			return nil, fmt.Errorf("send bills: the queue refused one: %s", aws.ToString(out.Failed[0].Message))
		}
		var again []types.SendMessageBatchRequestEntry
		for _, failed := range out.Failed {
			for _, entry := range waiting {
				if aws.ToString(entry.Id) == aws.ToString(failed.Id) {
					again = append(again, entry)
				}
			}
		}
		waiting = again
	}
	return ids, nil
}

// Waiting is the number of messages on the queue that aren't done with, whether somebody works on them or not.
func (c *Centre) Waiting(ctx context.Context) (int, error) {
	counts := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &c.options.Queue, AttributeNames: counts})
	if err != nil {
		return 0, fmt.Errorf("look at the queue: %w", err)
	}
	waiting := 0
	for _, name := range counts {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("look at the queue: %s is %q", name, out.Attributes[string(name)])
		}
		waiting += n
	}
	return waiting, nil
}
