package sqs_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"billingcentre/infra/local/sqs"
)

// TestNoMessageHasTwoReceivers sends, receives, fails and deletes from many sides
// at once, over real sockets: within its visibility a message has one receiver,
// and every message is deleted exactly once in the end.
func TestNoMessageHasTwoReceivers(t *testing.T) {
	const senders, receivers, each = 4, 8, 100
	server := sqs.New(sqs.Options{})
	front := httptest.NewServer(server)
	defer front.Close()
	c := newClient(front.URL, http.DefaultTransport)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	queue, err := c.CreateQueue(ctx, &client.CreateQueueInput{QueueName: aws.String("bills"), Attributes: map[string]string{"VisibilityTimeout": "600"}})
	if err != nil {
		t.Fatal(err)
	}
	held := holders{by: map[string]bool{}, failed: map[string]bool{}, done: map[string]bool{}, want: senders * each, all: make(chan struct{})}
	var work sync.WaitGroup
	for s := range senders {
		work.Go(func() {
			for i := range each {
				body := fmt.Sprintf("%d-%d", s, i)
				if _, err := c.SendMessage(ctx, &client.SendMessageInput{QueueUrl: queue.QueueUrl, MessageBody: &body}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	polling, stop := context.WithCancel(ctx)
	for range receivers {
		work.Go(func() {
			for polling.Err() == nil {
				out, err := c.ReceiveMessage(polling, &client.ReceiveMessageInput{QueueUrl: queue.QueueUrl, MaxNumberOfMessages: 3, WaitTimeSeconds: 20})
				if err != nil {
					continue // stopped
				}
				for _, m := range out.Messages {
					held.settle(t, c, queue.QueueUrl, m)
				}
			}
		})
	}
	select {
	case <-held.all:
	case <-ctx.Done():
		t.Error("not all messages were deleted")
	}
	stop()
	work.Wait()
	if out, err := c.ReceiveMessage(ctx, &client.ReceiveMessageInput{QueueUrl: queue.QueueUrl}); err != nil || len(out.Messages) > 0 {
		t.Errorf("left over: %v, %v", out.Messages, err)
	}
}

// holders knows who has what.
type holders struct {
	mu     sync.Mutex
	by     map[string]bool // held now
	failed map[string]bool // given back once
	done   map[string]bool
	want   int
	all    chan struct{}
}

// settle gives each message back at its first receive and deletes it at its second.
func (h *holders) settle(t *testing.T, c *client.Client, url *string, m types.Message) {
	h.mu.Lock()
	if h.by[*m.Body] || h.done[*m.Body] {
		t.Errorf("%s has two receivers", *m.Body)
	}
	again := h.failed[*m.Body]
	h.failed[*m.Body] = true
	h.by[*m.Body] = again
	h.mu.Unlock()
	if !again {
		_, err := c.ChangeMessageVisibility(t.Context(), &client.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle})
		if err != nil {
			t.Error(err)
		}
		return
	}
	if _, err := c.DeleteMessage(t.Context(), &client.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
		t.Error(err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.by[*m.Body], h.done[*m.Body] = false, true
	if len(h.done) == h.want {
		close(h.all)
	}
}
