package bus

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
)

var noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)

// street is a server with the bus "events", and what its targets got.
type street struct {
	*Server
	mu                  sync.Mutex
	queued, dead, given []string
	attributes          map[string]string
	invoked             []events.EventBridgeEvent
	fail                int // so many invocations
	refuse              error
	now                 time.Time
}

func newStreet(t *testing.T, pattern string) *street {
	t.Helper()
	s := &street{now: noon}
	s.Server = New(Options{Now: func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }, Logger: slog.New(slog.DiscardHandler), RetryDelay: time.Millisecond})
	s.AddBus("events")
	if err := s.AddRule(Rule{Bus: "events", Name: "all", Pattern: pattern, Queues: []QueueTarget{{ID: "q", ARN: "arn:q", Send: s.send, DeadLetter: s.bury}}}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *street) send(body string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse == nil {
		s.queued = append(s.queued, body)
	}
	return s.refuse
}

func (s *street) bury(body string, attributes map[string]string) error {
	s.dead, s.attributes = append(s.dead, body), attributes
	return nil
}

// Invoke implements Invoker. A failure costs the clock an hour.
func (s *street) Invoke(_ context.Context, text []byte) ([]byte, error) {
	var e events.EventBridgeEvent
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invoked = append(s.invoked, e)
	if s.fail > 0 {
		s.fail--
		s.now = s.now.Add(time.Hour)
		return nil, errors.New("boom")
	}
	return nil, nil
}

func (s *street) function(t *testing.T, retries int, age time.Duration) {
	t.Helper()
	err := s.AddRule(Rule{Bus: "events", Name: "call", Pattern: `{"source":["billing-centre"]}`, Invokes: []FunctionTarget{{
		Name: "f", ARN: "arn:f", Function: s, Retries: retries, MaxAge: age, OnFailure: func(record string) error { s.given = append(s.given, record); return nil },
	}}})
	if err != nil {
		t.Fatal(err)
	}
}

// settle runs until every invocation is done.
func (s *street) settle(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	ended := make(chan struct{})
	living, end := context.WithCancel(ctx)
	go func() { s.Run(living); close(ended) }()
	// The clock stands between failures: waiting retries become due when it is moved.
	for s.idle(living) != nil {
		s.mu.Lock()
		s.now = s.now.Add(time.Second)
		s.mu.Unlock()
	}
	end()
	<-ended
	if ctx.Err() != nil {
		t.Fatal("the bus doesn't become idle")
	}
}

func (s *street) idle(ctx context.Context) error {
	soon, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := s.Idle(soon); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

func client(t *testing.T, s *Server) *eventbridge.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return eventbridge.New(eventbridge.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

func entry(detailType, detail string) types.PutEventsRequestEntry {
	return types.PutEventsRequestEntry{EventBusName: aws.String("events"), Source: aws.String("billing-centre"), DetailType: aws.String(detailType), Detail: aws.String(detail)}
}

func put(t *testing.T, s *Server, entries ...types.PutEventsRequestEntry) *eventbridge.PutEventsOutput {
	t.Helper()
	out, err := client(t, s).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnEventReachesQueuesAndFunctionsThatItMatches(t *testing.T) {
	s := newStreet(t, `{"detail-type":["entry.settled"]}`)
	s.function(t, 2, time.Hour)
	out := put(t, s.Server, entry("entry.settled", `{"key":"b1"}`), entry("entry.opened", `{"key":"o1"}`))
	s.settle(t)
	if out.FailedEntryCount != 0 || len(out.Entries) != 2 || len(s.queued) != 1 || len(s.invoked) != 2 {
		t.Fatalf("%+v, %d queued, %d invoked", out, len(s.queued), len(s.invoked))
	}
	var e events.EventBridgeEvent
	if err := json.Unmarshal([]byte(s.queued[0]), &e); err != nil {
		t.Fatal(err)
	}
	if e.ID != aws.ToString(out.Entries[0].EventId) || e.Source != "billing-centre" || e.DetailType != "entry.settled" || e.Version != "0" || e.AccountID != account ||
		!e.Time.Equal(noon) || string(e.Detail) != `{"key":"b1"}` || e.Resources == nil {
		t.Errorf("%+v", e)
	}
}

func TestEntriesAreRefusedAlone(t *testing.T) {
	s := newStreet(t, `{"source":["billing-centre"]}`)
	good := entry("entry.settled", `{"key":"b1"}`)
	bad := func(change func(*types.PutEventsRequestEntry)) types.PutEventsRequestEntry {
		e := good
		change(&e)
		return e
	}
	out := put(t, s.Server,
		bad(func(e *types.PutEventsRequestEntry) { e.Source = nil }),
		bad(func(e *types.PutEventsRequestEntry) { e.DetailType = nil }),
		bad(func(e *types.PutEventsRequestEntry) { e.Detail = nil }),
		bad(func(e *types.PutEventsRequestEntry) { e.Detail = aws.String("{") }),
		bad(func(e *types.PutEventsRequestEntry) { e.Detail = aws.String(`"text"`) }),
		bad(func(e *types.PutEventsRequestEntry) { e.Source = aws.String("aws.s3") }),
		bad(func(e *types.PutEventsRequestEntry) { e.EventBusName = aws.String("other") }),
		bad(func(e *types.PutEventsRequestEntry) { e.EventBusName = nil }),
		bad(func(e *types.PutEventsRequestEntry) { e.DetailType = aws.String(strings.Repeat("x", 129)) }),
		good,
	)
	var codes []string
	for _, e := range out.Entries {
		codes = append(codes, aws.ToString(e.ErrorCode))
	}
	want := []string{
		"InvalidArgument", "InvalidArgument", "InvalidArgument", "MalformedDetail", "MalformedDetail", "NotAuthorizedForSourceException",
		"ResourceNotFoundException", "ResourceNotFoundException", "InvalidArgument", "",
	}
	if !slices.Equal(codes, want) || out.FailedEntryCount != 9 || len(s.queued) != 1 {
		t.Errorf("%v, %d failed, %d queued", codes, out.FailedEntryCount, len(s.queued))
	}
}

func TestRequestsBeyondTheLimitsAreRefusedWhole(t *testing.T) {
	s := newStreet(t, `{"source":["billing-centre"]}`)
	large := entry("entry.settled", `{"x":"`+strings.Repeat("x", 130<<10)+`"}`)
	for name, entries := range map[string][]types.PutEventsRequestEntry{
		"none": {}, "eleven": slices.Repeat([]types.PutEventsRequestEntry{entry("a", `{}`)}, 11), "256 KB": {large, large},
	} {
		_, err := client(t, s.Server).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
		var refused smithy.APIError
		if !errors.As(err, &refused) || refused.ErrorCode() != "ValidationException" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if put(t, s.Server, large); len(s.queued) != 1 {
		t.Errorf("%d queued", len(s.queued))
	}
}

func TestWhatAQueueRefusesIsADeadLetter(t *testing.T) {
	s := newStreet(t, `{"source":["billing-centre"]}`)
	s.refuse = errors.New("too large")
	put(t, s.Server, entry("entry.settled", `{}`))
	if len(s.dead) != 1 || s.attributes["ERROR_MESSAGE"] != "too large" || s.attributes["RULE_ARN"] != "arn:aws:events:us-east-1:000000000000:rule/events/all" || s.attributes["TARGET_ARN"] != "arn:q" {
		t.Errorf("%d dead, %v", len(s.dead), s.attributes)
	}
}

func TestAFailingFunctionIsRetriedThenGivenUp(t *testing.T) {
	for name, row := range map[string]struct {
		fail, retries  int
		age            time.Duration
		invoked, given int
	}{
		"fails twice":                 {2, 2, 6 * time.Hour, 3, 0},
		"fails three times":           {3, 2, 6 * time.Hour, 3, 1},
		"may not be retried":          {1, 0, 6 * time.Hour, 1, 1},
		"is too old after the first":  {3, 2, time.Hour, 1, 1},
		"is too old after the second": {3, 2, 2 * time.Hour, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStreet(t, `{"source":["nobody"]}`)
			s.fail = row.fail
			s.function(t, row.retries, row.age)
			put(t, s.Server, entry("entry.settled", `{"key":"b1"}`))
			s.settle(t)
			if len(s.invoked) != row.invoked || len(s.given) != row.given {
				t.Fatalf("%d invocations, given up: %v", len(s.invoked), s.given)
			}
			if row.given == 0 {
				return
			}
			var record struct {
				RequestPayload events.EventBridgeEvent `json:"requestPayload"`
				RequestContext struct {
					FunctionARN string `json:"functionArn"`
					Count       int    `json:"approximateInvokeCount"`
				} `json:"requestContext"`
			}
			if err := json.Unmarshal([]byte(s.given[0]), &record); err != nil || record.RequestPayload.DetailType != "entry.settled" ||
				record.RequestContext.Count != row.invoked || record.RequestContext.FunctionARN != "arn:f:$LATEST" {
				t.Errorf("%v: %s", err, s.given[0])
			}
		})
	}
}

// What functions have not got when the stack ends, they get after its restart.
func TestInvocationsOutliveARestart(t *testing.T) {
	kept := filepath.Join(t.TempDir(), "bus.json")
	first := newStreet(t, `{"source":["nobody"]}`)
	first.function(t, 2, time.Hour)
	put(t, first.Server, entry("entry.settled", `{"key":"b1"}`), entry("entry.opened", `{"key":"b2"}`))
	if err := first.Save(kept); err != nil {
		t.Fatal(err)
	}
	second := newStreet(t, `{"source":["nobody"]}`)
	second.function(t, 2, time.Hour)
	if err := errors.Join(second.Load(kept), second.Load(filepath.Join(t.TempDir(), "none.json"))); err != nil {
		t.Fatal(err)
	}
	second.settle(t)
	third := newStreet(t, `{"source":["nobody"]}`) // has no such rule any more
	if err := third.Load(kept); err != nil {
		t.Fatal(err)
	}
	third.settle(t)
	if len(second.invoked) != 2 || len(third.invoked) != 0 {
		t.Errorf("%d and %d invoked", len(second.invoked), len(third.invoked))
	}
}

func TestRulesNeedABusAndAPattern(t *testing.T) {
	s := newStreet(t, `{"source":["nobody"]}`)
	if s.AddRule(Rule{Bus: "other", Name: "x", Pattern: `{"a":["b"]}`}) == nil || s.AddRule(Rule{Bus: "events", Name: "x", Pattern: `{}`}) == nil {
		t.Error("taken")
	}
	if _, err := s.answer(httptest.NewRequest("GET", "/", nil)); err == nil {
		t.Error("a GET is answered")
	}
}
