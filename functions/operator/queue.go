package main

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// sender takes messages.
type sender interface {
	Send(ctx context.Context, body string) error
}

// messageQueue is a queue that another function reads.
type messageQueue struct {
	client *sqs.Client
	url    string
}

func (q messageQueue) Send(ctx context.Context, body string) error {
	_, err := q.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: aws.String(q.url), MessageBody: aws.String(body)})
	if err != nil {
		return fmt.Errorf("sending a message again: %w", err)
	}
	return nil
}
