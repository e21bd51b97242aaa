package batch

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Batcher is the one call to a queue that fans work out.
type Batcher interface {
	SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, options ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Sender puts work onto a queue.
type Sender struct {
	Queue    Batcher
	QueueURL string
}

const (
	sendTries = 3 // of messages that the queue wouldn't take
	// MaxDelay is how long a queue can hold a message back.
	MaxDelay = 15 * time.Minute
)

// Draft is a message to be sent.
type Draft struct {
	Body  string
	Delay time.Duration // at most MaxDelay
	// Group is whose message it is: a queue lets those of one group wait before it lets those of others ("fair queues").
	Group string
}

// Send sends messages, ten in a call. When it fails some may have been sent: whoever takes them must bear duplicates, as it
// must anyway.
func (s Sender) Send(ctx context.Context, bodies []string) error {
	drafts := make([]Draft, len(bodies))
	for i, body := range bodies {
		drafts[i] = Draft{Body: body}
	}
	return s.SendDrafts(ctx, drafts)
}

// SendDrafts is Send for messages that say more than their bodies.
func (s Sender) SendDrafts(ctx context.Context, drafts []Draft) error {
	for chunk := range slices.Chunk(drafts, perCall) {
		if err := s.send(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (s Sender) send(ctx context.Context, drafts []Draft) error {
	left := make([]types.SendMessageBatchRequestEntry, len(drafts))
	for i, draft := range drafts {
		left[i] = types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(draft.Body), DelaySeconds: int32(min(draft.Delay, MaxDelay) / time.Second),
		}
		if draft.Group != "" {
			left[i].MessageGroupId = aws.String(draft.Group)
		}
	}
	code := ""
	for range sendTries {
		out, err := s.Queue.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String(s.QueueURL), Entries: left})
		if err != nil {
			return fmt.Errorf("batch: sending: %w", err)
		}
		if len(out.Failed) == 0 {
			return nil
		}
		code = aws.ToString(out.Failed[0].Code)
		left = slices.DeleteFunc(left, func(e types.SendMessageBatchRequestEntry) bool {
			return !slices.ContainsFunc(out.Failed, func(f types.BatchResultErrorEntry) bool { return aws.ToString(f.Id) == aws.ToString(e.Id) })
		})
	}
	return fmt.Errorf("batch: the queue refused %d messages: %s", len(left), code)
}
