package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// sender takes usage bills.
type sender interface {
	Send(ctx context.Context, body string) error
}

// billQueue is the queue that bill-settlement reads.
type billQueue struct {
	client *sqs.Client
	url    string
}

func (q billQueue) Send(ctx context.Context, body string) error {
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(q.url), MessageBody: aws.String(body)})
	if err != nil {
		return fmt.Errorf("sending to the bill queue: %w", err)
	}
	return nil
}
