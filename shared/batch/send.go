package batch

import (
	"context"
	"fmt"
	"slices"
	"strconv"

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

const sendTries = 3 // of messages that the queue wouldn't take

// Send sends messages, ten in a call. When it fails some may have been sent: whoever takes them must bear duplicates, as it
// must anyway.
func (s Sender) Send(ctx context.Context, bodies []string) error {
	for chunk := range slices.Chunk(bodies, perCall) {
		if err := s.send(ctx, chunk); err != nil {
			return err
		}
	}
	return nil
}

func (s Sender) send(ctx context.Context, bodies []string) error {
	left := make([]types.SendMessageBatchRequestEntry, len(bodies))
	for i, body := range bodies {
		left[i] = types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(body)}
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
