// Package queue is the cold start of functions that talk to SQS.
package queue

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"billingcentre/shared/boot"
)

// Client is a client of SQS.
func Client(b *boot.Boot) *sqs.Client {
	return sqs.New(sqs.Options{
		Region: b.Env("AWS_REGION"), Credentials: b.Credentials(), HTTPClient: b.HTTP(), BaseEndpoint: boot.Endpoint("SQS"),
	})
}

// Sender sends messages to the queue whose URL a variable has.
func Sender(b *boot.Boot, variable string) func(ctx context.Context, body string) error {
	client, url := Client(b), b.Env(variable)
	return func(ctx context.Context, body string) error {
		_, err := client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &url, MessageBody: &body})
		return err
	}
}
