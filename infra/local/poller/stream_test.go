package poller_test

import (
	"context"
	"encoding/json"
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
						"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberS{Value: ""}}},
					}},
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
		"a filter not readable":     {Filters: []string{"{}"}},
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
