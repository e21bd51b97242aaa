package sqs_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"billingcentre/infra/local/sqs"
)

// pipes is a listener in memory: unlike a socket, it lets a synctest bubble see
// that everybody is waiting, so that hours of visibility pass in no time.
type pipes struct {
	accepted chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func newPipes() *pipes {
	return &pipes{accepted: make(chan net.Conn), closed: make(chan struct{})}
}

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.accepted <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.accepted:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// bench is a server with the real SDK client in front of it.
type bench struct {
	*testing.T
	server *sqs.Server
	client *client.Client
	ctx    context.Context
}

// inBubble runs a test against a server under a clock that jumps.
func inBubble(t *testing.T, test func(b bench)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		listener := newPipes()
		server := sqs.New(sqs.Options{Region: "eu-west-1"})
		front := &http.Server{Handler: server}
		var serving sync.WaitGroup
		serving.Go(func() { _ = front.Serve(listener) })
		transport := &http.Transport{DialContext: listener.dial}
		defer func() {
			transport.CloseIdleConnections()
			_ = front.Close()
			serving.Wait()
		}()
		test(bench{T: t, server: server, ctx: t.Context(), client: newClient("http://sqs.test", transport)})
	})
}

func newClient(endpoint string, transport http.RoundTripper) *client.Client {
	return client.New(client.Options{
		Region:           "eu-west-1",
		BaseEndpoint:     aws.String(endpoint),
		Credentials:      credentials.NewStaticCredentialsProvider("id", "secret", ""),
		HTTPClient:       &http.Client{Transport: transport},
		RetryMaxAttempts: 1,
	})
}

// queue makes a queue and returns its URL. Attributes come in pairs.
func (b bench) queue(name string, attributes ...string) *string {
	b.Helper()
	in := &client.CreateQueueInput{QueueName: &name, Attributes: map[string]string{}}
	for i := 0; i < len(attributes); i += 2 {
		in.Attributes[attributes[i]] = attributes[i+1]
	}
	out, err := b.client.CreateQueue(b.ctx, in)
	b.must(err)
	return out.QueueUrl
}

func (b bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b bench) send(url *string, body string) string {
	b.Helper()
	out, err := b.client.SendMessage(b.ctx, &client.SendMessageInput{QueueUrl: url, MessageBody: &body})
	b.must(err)
	return *out.MessageId
}

// receive takes up to ten messages with everything that is known of them.
func (b bench) receive(url *string, wait int32) []types.Message {
	b.Helper()
	out, err := b.client.ReceiveMessage(b.ctx, &client.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: 10, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"},
	})
	b.must(err)
	return out.Messages
}

// one takes exactly one message.
func (b bench) one(url *string, wait int32) types.Message {
	b.Helper()
	messages := b.receive(url, wait)
	if len(messages) != 1 {
		b.Fatalf("received %d messages, want 1", len(messages))
	}
	return messages[0]
}

func (b bench) none(url *string) {
	b.Helper()
	if messages := b.receive(url, 0); len(messages) > 0 {
		b.Fatalf("received %d messages, want none", len(messages))
	}
}

func (b bench) change(url *string, handle *string, seconds int32) error {
	_, err := b.client.ChangeMessageVisibility(b.ctx, &client.ChangeMessageVisibilityInput{
		QueueUrl: url, ReceiptHandle: handle, VisibilityTimeout: seconds,
	})
	return err
}

func (b bench) delete(url *string, handle *string) error {
	_, err := b.client.DeleteMessage(b.ctx, &client.DeleteMessageInput{QueueUrl: url, ReceiptHandle: handle})
	return err
}

// counts are visible, in flight, delayed: "1 0 2".
func (b bench) counts(url *string) string {
	b.Helper()
	out, err := b.client.GetQueueAttributes(b.ctx, &client.GetQueueAttributesInput{
		QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"},
	})
	b.must(err)
	return strings.Join([]string{
		out.Attributes["ApproximateNumberOfMessages"],
		out.Attributes["ApproximateNumberOfMessagesNotVisible"],
		out.Attributes["ApproximateNumberOfMessagesDelayed"],
	}, " ")
}

// wantCode checks the code that the query protocol's clients see, too.
func (b bench) wantCode(err error, code string) {
	b.Helper()
	var refusal smithy.APIError
	if !errors.As(err, &refusal) {
		b.Fatalf("got %v, want a refusal %s", err, code)
	}
	if refusal.ErrorCode() != code {
		b.Fatalf("got code %s (%s), want %s", refusal.ErrorCode(), refusal.ErrorMessage(), code)
	}
}
