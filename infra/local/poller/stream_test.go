package poller_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/poller"
)

// startStream runs a mapping and returns what stops it.
func startStream(t *testing.T, o poller.StreamOptions) (stop func()) {
	t.Helper()
	o.StreamARN, o.Region, o.Logger = streamARN, "eu-west-1", slog.New(slog.DiscardHandler)
	if o.Checkpoint == "" {
		o.Checkpoint = filepath.Join(t.TempDir(), "position.json")
	}
	mapping, err := poller.NewStreamMapping(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { mapping.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

func streamEvent(t *testing.T, event []byte) events.DynamoDBEvent {
	t.Helper()
	var decoded events.DynamoDBEvent
	if err := json.Unmarshal(event, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

// keys of an event: "a b c".
func keys(t *testing.T, event []byte) string {
	t.Helper()
	var keys []string
	for _, r := range streamEvent(t, event).Records {
		keys = append(keys, r.Change.Keys["pk"].String())
	}
	return strings.Join(keys, " ")
}

func (f *function) keys(t *testing.T) []string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, event := range f.events {
		all = append(all, keys(t, event))
	}
	return all
}

func letters(text string) []string { return strings.Split(text, "") }

func TestAStreamsEventIsLambdas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		shard := streams.shard("s1", "")
		shard.records = []types.Record{{
			EventID: aws.String("e1"), EventName: types.OperationTypeModify, EventVersion: aws.String("1.1"),
			UserIdentity: &types.Identity{Type: aws.String("Service"), PrincipalId: aws.String("dynamodb.amazonaws.com")},
			Dynamodb: &types.StreamRecord{
				ApproximateCreationDateTime: aws.Time(time.Unix(1762000000, 0)),
				Keys:                        map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "a<b"}},
				NewImage: map[string]types.AttributeValue{
					"n": &types.AttributeValueMemberN{Value: "12345678901234567890.5"}, "b": &types.AttributeValueMemberB{Value: []byte{1}},
					"t": &types.AttributeValueMemberBOOL{Value: true}, "z": &types.AttributeValueMemberNULL{Value: true},
					"m": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
						"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: ""}}}}},
					"ss": &types.AttributeValueMemberSS{Value: []string{"x"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1"}},
					"bs": &types.AttributeValueMemberBS{Value: [][]byte{{2}}},
				},
				SequenceNumber: aws.String("s1-1"), SizeBytes: aws.Int64(42), StreamViewType: types.StreamViewTypeNewAndOldImages,
			},
		}}
		f := &function{answer: always("null")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f})
		synctest.Wait()
		stop()
		want := map[string]any{"Records": []any{map[string]any{
			"awsRegion": "eu-west-1", "eventID": "e1", "eventName": "MODIFY", "eventSource": "aws:dynamodb",
			"eventVersion": "1.1", "eventSourceARN": streamARN,
			"userIdentity": map[string]any{"type": "Service", "principalId": "dynamodb.amazonaws.com"},
			"dynamodb": map[string]any{
				"ApproximateCreationDateTime": 1762000000.0,
				"Keys":                        map[string]any{"pk": map[string]any{"S": "a<b"}},
				"NewImage": map[string]any{
					"n": map[string]any{"N": "12345678901234567890.5"}, "b": map[string]any{"B": "AQ=="},
					"t": map[string]any{"BOOL": true}, "z": map[string]any{"NULL": true},
					"m":  map[string]any{"M": map[string]any{"l": map[string]any{"L": []any{map[string]any{"S": ""}}}}},
					"ss": map[string]any{"SS": []any{"x"}}, "ns": map[string]any{"NS": []any{"1"}}, "bs": map[string]any{"BS": []any{"Ag=="}},
				},
				"SequenceNumber": "s1-1", "SizeBytes": 42.0, "StreamViewType": "NEW_AND_OLD_IMAGES",
			},
		}}}
		var got map[string]any
		if err := json.Unmarshal(f.events[0], &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestShardsAreReadParentsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		child := streams.shard("child", "parent") // listed before its parent
		other := streams.shard("other", "trimmed away")
		parent := streams.shard("parent", "")
		streams.put(parent, "p1", "p2")
		streams.put(child, "c1")
		streams.put(other, "o1")
		f := &function{answer: always("null")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f})
		time.Sleep(time.Minute)
		if got := strings.Join(sorted(f.keys(t)), ", "); got != "o1, p1 p2" {
			t.Errorf("before the parent's end: %s", got)
		}
		streams.put(parent, "p3")
		streams.locked(func() { parent.closed = true })
		streams.put(streams.shard("grandchild", "child"), "g1")
		streams.locked(func() { child.closed = true })
		time.Sleep(time.Minute)
		stop()
		if got := strings.Join(f.keys(t)[2:], ", "); got != "p3, c1, g1" {
			t.Errorf("then: %s", got)
		}
	})
}

func TestBatchesOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		shard := streams.shard("s1", "")
		streams.put(shard, letters("abcdefg")...)
		f := &function{answer: always("null")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f, BatchSize: 3, Window: 5 * time.Second})
		began := time.Now()
		time.Sleep(3 * time.Second)
		streams.put(shard, "h")
		time.Sleep(time.Minute)
		stop()
		if diff := cmp.Diff([]string{"a b c", "d e f", "g h"}, f.keys(t)); diff != "" {
			t.Error(diff)
		}
		if !f.times[1].Equal(began) || f.times[2].Sub(began) != 5*time.Second {
			t.Errorf("invoked at %v", f.times)
		}
	})
}

func TestAStreamsEventHasSixMegabytesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		shard := streams.shard("s1", "")
		for range 6 { // with the event's id, each has 2 MiB
			streams.put(shard, strings.Repeat("x", 1<<20))
		}
		f := &function{answer: always("null")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f})
		time.Sleep(time.Minute)
		stop()
		records := 0
		for _, event := range f.events {
			records += len(streamEvent(t, event).Records)
			if len(event) > 6<<20 {
				t.Errorf("an event has %d bytes", len(event))
			}
		}
		if records != 6 || f.calls() != 3 {
			t.Errorf("%d records in %d events", records, f.calls())
		}
	})
}

// failing makes a function of a stream fail when its event has one of the keys.
func failing(t *testing.T, bad string, answer string) func(int, []byte) ([]byte, error) {
	return func(_ int, event []byte) ([]byte, error) {
		for _, r := range streamEvent(t, event).Records {
			if strings.Contains(bad, r.Change.Keys["pk"].String()) {
				if answer == "" {
					return nil, errors.New("boom")
				}
				return []byte(strings.ReplaceAll(answer, "#", r.Change.SequenceNumber)), nil
			}
		}
		return []byte("{}"), nil
	}
}

func TestRetriesOfAStream(t *testing.T) {
	const report = `{"batchItemFailures":[{"itemIdentifier":"#"}]}`
	for _, row := range []struct {
		rule    string
		bad     string // keys that fail
		answer  string // "" = a function error
		bisect  bool
		retries int
		want    string // invocations
		dropped string // what the destination is told
	}{
		{"no failure", "", report, false, 0, "a b c d", ""},
		{"an error retries the batch, then gives it up", "b", "", false, 2, "a b c d, a b c d, a b c d", "1-4 after 3"},
		{"no retries", "b", "", false, 0, "a b c d", "1-4 after 1"},
		{"bisection finds the record and only it is given up", "c", "", true, 1, "a b c d, a b, c d, c, c, d", "3-3 after 2"},
		{"bisection finds both", "ad", "", true, 0, "a b c d, a b, a, b, c d, c, d", "1-1 after 1, 4-4 after 1"},
		{"a reported record is where it goes on", "c", report, false, 1, "a b c d, c d", "3-4 after 2"},
		{"a reported record splits the batch", "c", report, true, 1, "a b c d, c d, c, c, d", "3-3 after 2"},
		{"an empty identifier fails the whole batch", "b", `{"batchItemFailures":[{"itemIdentifier":""}]}`, false, 1, "a b c d, a b c d", "1-4 after 2"},
		{"no JSON fails the whole batch", "b", `{`, false, 0, "a b c d", "1-4 after 1"},
		{"the lowest counts", "b", `{"batchItemFailures":[{"itemIdentifier":"s1-4"},{"itemIdentifier":"#"}]}`, false, 0, "a b c d", "2-4 after 1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			streams := &fakeStreams{}
			shard := streams.shard("s1", "")
			streams.put(shard, letters("abcd")...)
			f := &function{answer: failing(t, row.bad, row.answer)}
			var dropped []string
			stop := startStream(t, poller.StreamOptions{
				Streams: streams, Function: f, FunctionARN: "arn:f", Bisect: row.bisect, ReportFailures: true, MaxRetries: &row.retries,
				OnFailure: func(_ context.Context, body string) error {
					dropped = append(dropped, told(t, body))
					return nil
				},
			})
			time.Sleep(10 * time.Minute)
			streams.put(shard, "e")
			time.Sleep(time.Minute)
			stop()
			if got := strings.Join(f.keys(t), ", "); got != row.want+", e" {
				t.Errorf("%s: invoked %s, want %s, e", row.rule, got, row.want)
			}
			if got := strings.Join(dropped, ", "); got != row.dropped {
				t.Errorf("%s: dropped %q, want %q", row.rule, got, row.dropped)
			}
		})
	}
}

// told is what the on-failure destination learns: "first-last after invocations".
func told(t *testing.T, body string) string {
	t.Helper()
	var d struct {
		RequestContext struct {
			Condition, FunctionArn string
			ApproximateInvokeCount int
		}
		DDBStreamBatchInfo struct {
			ShardId, StartSequenceNumber, EndSequenceNumber, StreamArn string
			BatchSize                                                  int
		}
	}
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	batch, request := d.DDBStreamBatchInfo, d.RequestContext
	if batch.StreamArn != streamARN || batch.ShardId != "s1" || request.Condition != "RetryAttemptsExhausted" || request.FunctionArn != "arn:f" {
		t.Errorf("told %s", body)
	}
	first, last := strings.TrimPrefix(batch.StartSequenceNumber, "s1-"), strings.TrimPrefix(batch.EndSequenceNumber, "s1-")
	return fmt.Sprintf("%s-%s after %d", first, last, request.ApproximateInvokeCount)
}

func TestWithoutALimitAStreamIsRetriedUntilItSucceeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		streams.put(streams.shard("s1", ""), "a")
		f := &function{answer: func(n int, _ []byte) ([]byte, error) {
			if n < 20 {
				return nil, errors.New("boom")
			}
			return []byte("null"), nil
		}}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f, Bisect: true})
		time.Sleep(time.Hour)
		stop()
		if f.calls() != 20 || f.times[1].Sub(f.times[0]) != time.Second || f.times[19].Sub(f.times[18]) != time.Minute {
			t.Errorf("invoked %d times at %v", f.calls(), f.times)
		}
	})
}

func TestRecordsThatAreTooOldAreGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		streams.put(streams.shard("s1", ""), "a")
		f := &function{answer: failing(t, "a", "")}
		var body string
		stop := startStream(t, poller.StreamOptions{
			Streams: streams, Function: f, MaxRecordAge: time.Minute,
			OnFailure: func(_ context.Context, told string) error { body = told; return nil },
		})
		time.Sleep(time.Hour)
		stop()
		if !strings.Contains(body, `"condition":"RecordAgeExceeded"`) || f.calls() != 7 { // after 0, 1, 3, 7, 15, 31 and 63 s
			t.Errorf("invoked %d times: %s", f.calls(), body)
		}
	})
}

func TestNothingIsGivenUpUntilTheDestinationTookIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		streams.put(streams.shard("s1", ""), "a", "b")
		f := &function{answer: failing(t, "a", "")}
		attempts, none := 0, 0
		stop := startStream(t, poller.StreamOptions{
			Streams: streams, Function: f, BatchSize: 1, MaxRetries: &none,
			OnFailure: func(context.Context, string) error {
				if attempts++; attempts < 4 {
					return errors.New("no such queue")
				}
				return nil
			},
		})
		time.Sleep(time.Second)
		if f.calls() != 1 {
			t.Errorf("went on before: %v", f.keys(t))
		}
		time.Sleep(time.Minute)
		stop()
		if attempts != 4 || strings.Join(f.keys(t), ", ") != "a, b" {
			t.Errorf("%d attempts, invoked %v", attempts, f.keys(t))
		}
	})
}

func TestARestartGoesOnWhereItStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "position.json")
		streams := &fakeStreams{}
		shard := streams.shard("s1", "")
		streams.put(shard, letters("abcd")...)
		f := &function{answer: failing(t, "c", "")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f, BatchSize: 2, Checkpoint: file})
		time.Sleep(time.Second)
		stop() // while c is being retried
		f.answer = always("null")
		before := f.calls()
		stop = startStream(t, poller.StreamOptions{Streams: streams, Function: f, BatchSize: 2, Checkpoint: file})
		time.Sleep(time.Second)
		streams.locked(func() { shard.closed = true })
		streams.put(streams.shard("s2", "s1"), "e")
		time.Sleep(time.Minute)
		stop()
		stop = startStream(t, poller.StreamOptions{Streams: streams, Function: f, Checkpoint: file})
		time.Sleep(time.Minute)
		stop()
		if got := strings.Join(f.keys(t)[before:], ", "); got != "c d, e" {
			t.Errorf("after the restart: %s", got)
		}
		want := []string{"s1 TRIM_HORIZON", "s1 AFTER_SEQUENCE_NUMBER s1-2", "s2 TRIM_HORIZON", "s2 AFTER_SEQUENCE_NUMBER s2-1"}
		if diff := cmp.Diff(want, streams.asked); diff != "" {
			t.Error(diff)
		}
		text, err := os.ReadFile(file)
		if err != nil || !strings.Contains(string(text), `"s1":{"sequence":"s1-4","closed":true}`) {
			t.Errorf("checkpoint %s, %v", text, err)
		}
	})
}

func TestTroubleWithTheStreamLosesNothing(t *testing.T) {
	for rule, trouble := range map[string]func(f *fakeStreams){
		"an expired iterator": func(f *fakeStreams) { f.generation++ },
		"a failed read":       func(f *fakeStreams) { f.fail = errors.New("connection refused") },
	} {
		synctest.Test(t, func(t *testing.T) {
			streams := &fakeStreams{}
			shard := streams.shard("s1", "")
			streams.put(shard, "a")
			f := &function{answer: always("null")}
			stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f})
			time.Sleep(time.Second)
			streams.locked(func() { trouble(streams) })
			streams.put(shard, "b")
			time.Sleep(time.Minute)
			stop()
			if got := strings.Join(f.keys(t), ", "); got != "a, b" {
				t.Errorf("%s: invoked %s", rule, got)
			}
		})
	}
}

func TestATrimmedPositionGoesOnWithWhatIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "position.json")
		streams := &fakeStreams{}
		shard := streams.shard("s1", "")
		streams.put(shard, "a")
		f := &function{answer: always("null")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f, Checkpoint: file})
		time.Sleep(time.Second)
		stop()
		streams.put(shard, "b", "c", "d")
		streams.locked(func() { shard.trimmed = 2 })
		stop = startStream(t, poller.StreamOptions{Streams: streams, Function: f, Checkpoint: file})
		time.Sleep(time.Second)
		stop()
		if got := strings.Join(f.keys(t), ", "); got != "a, c d" {
			t.Errorf("invoked %s", got)
		}
	})
}

func TestAnotherStreamStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "position.json")
		old := `{"stream":"arn:old","shards":{"s1":{"sequence":"s1-1"}}}`
		if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
		streams := &fakeStreams{}
		streams.put(streams.shard("s1", ""), "a", "b")
		f := &function{answer: always("null")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f, Checkpoint: file})
		time.Sleep(time.Second)
		stop()
		if got := strings.Join(f.keys(t), ", "); got != "a b" {
			t.Errorf("invoked %s", got)
		}
	})
}

func TestStreamMappingsThatAreRefused(t *testing.T) {
	folder := t.TempDir()
	broken := filepath.Join(folder, "broken.json")
	if err := os.WriteFile(broken, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	below, above := -2, 10_001
	for name, o := range map[string]poller.StreamOptions{
		"a negative batch":          {BatchSize: -1},
		"too large a batch":         {BatchSize: 10_001},
		"too long a window":         {Window: 301 * time.Second},
		"too few retries":           {MaxRetries: &below},
		"too many retries":          {MaxRetries: &above},
		"too young an age":          {MaxRecordAge: time.Second},
		"a checkpoint not readable": {Checkpoint: broken},
	} {
		o.Streams, o.Function, o.StreamARN = &fakeStreams{}, &function{}, streamARN
		if o.Checkpoint == "" {
			o.Checkpoint = filepath.Join(folder, "position.json")
		}
		if _, err := poller.NewStreamMapping(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := poller.NewStreamMapping(poller.StreamOptions{}); err == nil {
		t.Error("nothing at all: accepted")
	}
}
