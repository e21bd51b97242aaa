// Package centre is a client of a running billing centre, from outside: its HTTP API with tokens, and its queue of usage
// bills. It knows what a customer's program, a producer of bills or an operator's tool would know, and nothing else.
// The demo, the import of FOCUS files and the end-to-end tests all go through it.
package centre

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Options say where a centre is.
type Options struct {
	API   string // its URL
	AWS   string // endpoint of SQS; "" is AWS's own
	Queue string // URL of the queue of usage bills

	// Token makes a token for a role: of an account for owner and viewer, of none for operator.
	Token func(role, account string) (string, error)
}

// Centre is a billing centre. It is safe for concurrent use.
type Centre struct {
	options Options
	http    *http.Client
	sqs     *sqs.Client
}

// New is a client.
func New(o Options) *Centre {
	c := &Centre{options: o, http: &http.Client{Timeout: 40 * time.Second}} // the API answers within 30 s
	settings := sqs.Options{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}
	if o.AWS != "" {
		settings.BaseEndpoint = aws.String(o.AWS)
	}
	c.sqs = sqs.New(settings)
	return c
}

// API is the URL of a path, for people to try.
func (c *Centre) API(path string) string { return c.options.API + path }

// AWS is the endpoint of SQS; "" is AWS's own.
func (c *Centre) AWS() string { return c.options.AWS }

// SQS is the client of the queues, and Queue the URL of the one for usage bills.
func (c *Centre) SQS() *sqs.Client { return c.sqs }

// Queue is the URL of the queue of usage bills.
func (c *Centre) Queue() string { return c.options.Queue }

// Caller calls the API in a role.
type Caller struct {
	centre *Centre
	token  string
}

// Operator calls as the company's own staff.
func (c *Centre) Operator() (*Caller, error) { return c.As("operator", "") }

// Owner calls as an account's owner.
func (c *Centre) Owner(account string) (*Caller, error) { return c.As("owner", account) }

// As calls in a role, for an account.
func (c *Centre) As(role, account string) (*Caller, error) {
	token, err := c.options.Token(role, account)
	if err != nil {
		return nil, fmt.Errorf("get a token for %s %s: %w", role, account, err)
	}
	return &Caller{c, token}, nil
}

// Refused is an answer that isn't a success.
type Refused struct {
	Request string // such as "POST /v1/accounts"
	Status  int
	Type    string `json:"type"`
	Detail  string `json:"detail"`
	Body    string // the whole answer
}

func (r *Refused) Error() string {
	return fmt.Sprintf("%s: %d %s", r.Request, r.Status, r.Body)
}

// Answer is a successful answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Repeated tells that what was asked for had been done before.
func (a Answer) Repeated() bool { return a.Header.Get("Idempotent-Replay") == "true" }

// Get reads a resource into a value.
func (c *Caller) Get(ctx context.Context, path string, into any) error {
	answer, err := c.Do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	return decode(path, answer.Body, into)
}

// Post asks for something to be done, once for a key; "" is none. It tells whether it had been done before.
func (c *Caller) Post(ctx context.Context, path, once string, body, into any) (repeated bool, err error) {
	answer, err := c.Do(ctx, http.MethodPost, path, once, body)
	if err != nil {
		return false, err
	}
	return answer.Repeated(), decode(path, answer.Body, into)
}

func decode(path string, body []byte, into any) error {
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer of %s: %w", path, err)
	}
	return nil
}

// The centre asks for patience with these; what moves money is safe to ask for again, because it has a key.
const (
	attempts = 6
	pause    = 200 * time.Millisecond // before the second attempt; twice that before the third, and so on
)

// Do sends a request with a JSON body, or none. What isn't a success is a *Refused. A centre that is busy is asked
// again.
func (c *Caller) Do(ctx context.Context, method, path, once string, body any) (Answer, error) {
	var content []byte
	if body != nil {
		var err error
		if content, err = json.Marshal(body); err != nil {
			return Answer{}, err
		}
	}
	for attempt := 1; ; attempt++ {
		answer, err := c.try(ctx, method, path, once, content)
		refused, ok := errors.AsType[*Refused](err)
		if !ok || attempt == attempts || refused.Status != http.StatusTooManyRequests && refused.Status != http.StatusServiceUnavailable {
			return answer, err
		}
		select {
		case <-time.After(pause << (attempt - 1)):
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		}
	}
}

func (c *Caller) try(ctx context.Context, method, path, once string, body []byte) (Answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.centre.options.API+path, bytes.NewReader(body))
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Authorization", "Bearer "+c.token)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if once != "" {
		request.Header.Set("Idempotency-Key", once)
	}
	response, err := c.centre.http.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, err
	}
	if response.StatusCode >= 300 {
		refused := &Refused{}
		_ = json.Unmarshal(text, refused) // the gateway's own answers have neither type nor detail
		refused.Request, refused.Status, refused.Body = method+" "+path, response.StatusCode, strings.TrimSpace(string(text))
		return Answer{}, refused
	}
	return Answer{response.StatusCode, response.Header, text}, nil
}

// All reads a whole list, page by page. The path may have a query: the list's filters.
func All[T any](ctx context.Context, c *Caller, path string) ([]T, error) {
	var all []T
	path, filters, _ := strings.Cut(path, "?")
	for cursor := ""; ; {
		query := url.Values{"limit": {"100"}}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next_cursor"`
		}
		if err := c.Get(ctx, path+"?"+query.Encode()+"&"+filters, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all, nil
		}
	}
}
