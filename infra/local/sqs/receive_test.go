package sqs_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func TestDelays(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills", "DelaySeconds", "10")
		b.send(url, "queue's delay")
		body := "own delay"
		_, err := b.client.SendMessage(b.ctx, &client.SendMessageInput{QueueUrl: url, MessageBody: &body, DelaySeconds: 900})
		b.must(err)
		if got := b.counts(url); got != "0 0 2" {
			t.Errorf("counts %s", got)
		}
		time.Sleep(10*time.Second - time.Millisecond)
		b.none(url)
		time.Sleep(time.Millisecond)
		got := b.one(url, 0)
		if *got.Body != "queue's delay" {
			t.Errorf("received %q", *got.Body)
		}
		b.must(b.delete(url, got.ReceiptHandle))
		time.Sleep(889 * time.Second)
		if got := b.one(url, 20); *got.Body != body || got.Attributes["ApproximateReceiveCount"] != "1" {
			t.Errorf("received %q, %v", *got.Body, got.Attributes)
		}
		if got := b.counts(url); got != "0 1 0" {
			t.Errorf("counts %s", got)
		}
	})
}

func TestALongPollEndsWithTheFirstMessageOrItsTime(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills", "ReceiveMessageWaitTimeSeconds", "7")
		for _, row := range []struct {
			wait *int32
			want time.Duration
		}{{nil, 0}, {aws.Int32(20), 20 * time.Second}} {
			// The SDK leaves a zero wait out, so that the queue's own counts.
			in, want := &client.ReceiveMessageInput{QueueUrl: url}, 7*time.Second
			if row.wait != nil {
				in.WaitTimeSeconds, want = *row.wait, row.want
			}
			began := time.Now()
			out, err := b.client.ReceiveMessage(b.ctx, in)
			b.must(err)
			if took := time.Since(began); took != want || len(out.Messages) != 0 {
				t.Errorf("%d messages after %v, want none after %v", len(out.Messages), took, want)
			}
		}
		began := time.Now()
		go func() {
			time.Sleep(3 * time.Second)
			b.send(url, "x")
		}()
		b.one(url, 20)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("waited %v", took)
		}
		began = time.Now() // and with what becomes visible again
		b.noneFor(url, 20)
		if got := b.one(url, 20); time.Since(began) != 30*time.Second || got.Attributes["ApproximateReceiveCount"] != "2" {
			t.Errorf("redelivered after %v: %v", time.Since(began), got.Attributes)
		}
	})
}

func TestALongPollEndsWithAVisibilityThatWasShortened(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills", "VisibilityTimeout", "600")
		b.send(url, "x")
		handle := b.one(url, 0).ReceiptHandle
		began := time.Now()
		go func() {
			time.Sleep(time.Second)
			if err := b.change(url, handle, 5); err != nil {
				t.Error(err)
			}
		}()
		b.one(url, 20)
		if took := time.Since(began); took != 6*time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

// noneFor is none with a wait.
func (b bench) noneFor(url *string, wait int32) {
	b.Helper()
	if messages := b.receive(url, wait); len(messages) > 0 {
		b.Fatalf("received %d messages, want none", len(messages))
	}
}

func TestReceiveIsBounded(t *testing.T) {
	for name, row := range map[string]client.ReceiveMessageInput{
		"eleven messages":   {MaxNumberOfMessages: 11},
		"no messages":       {MaxNumberOfMessages: -1},
		"too long a wait":   {WaitTimeSeconds: 21},
		"13 hours unseen":   {VisibilityTimeout: 43201},
		"negative timeouts": {VisibilityTimeout: -1},
	} {
		inBubble(t, func(b bench) {
			row.QueueUrl = b.queue("bills")
			_, err := b.client.ReceiveMessage(b.ctx, &row)
			t.Log(name)
			b.wantCode(err, "InvalidParameterValue")
		})
	}
	inBubble(t, func(b bench) {
		url := b.queue("bills")
		for i := range 15 {
			b.send(url, fmt.Sprint(i))
		}
		if first, second := len(b.receive(url, 0)), len(b.receive(url, 0)); first != 10 || second != 5 {
			t.Errorf("received %d and %d, want 10 and 5", first, second)
		}
	})
}

func TestVisibility(t *testing.T) {
	inBubble(t, func(b bench) {
		url := b.queue("bills", "VisibilityTimeout", "40")
		b.send(url, "x")
		first := b.one(url, 0)
		time.Sleep(40*time.Second - time.Millisecond)
		b.none(url)
		time.Sleep(time.Millisecond)
		second := b.one(url, 0)
		if *second.ReceiptHandle == *first.ReceiptHandle || second.Attributes["ApproximateReceiveCount"] != "2" ||
			second.Attributes["ApproximateFirstReceiveTimestamp"] != first.Attributes["ApproximateFirstReceiveTimestamp"] {
			t.Errorf("redelivered as %v", second.Attributes)
		}

		b.must(b.change(url, second.ReceiptHandle, 0))
		third := b.one(url, 0)
		b.must(b.change(url, third.ReceiptHandle, 100))
		time.Sleep(99 * time.Second)
		b.none(url)
		b.must(b.change(url, third.ReceiptHandle, 12*3600-99))
		b.wantCode(b.change(url, third.ReceiptHandle, 12*3600-98), "InvalidParameterValue")
		b.wantCode(b.change(url, third.ReceiptHandle, 12*3600+1), "InvalidParameterValue")
		b.wantCode(b.change(url, second.ReceiptHandle, 10), "InvalidParameterValue")

		time.Sleep(12*time.Hour - 99*time.Second)
		b.wantCode(b.change(url, third.ReceiptHandle, 10), "AWS.SimpleQueueService.MessageNotInflight")
		var visible *types.MessageNotInflight
		if err := b.change(url, third.ReceiptHandle, 10); !errors.As(err, &visible) {
			t.Errorf("got %v, want MessageNotInflight", err)
		}
	})
}
