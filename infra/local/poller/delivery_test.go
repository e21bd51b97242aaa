package poller_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"billingcentre/infra/local/poller"
)

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
		{"the lowest counts", "b", `{"batchItemFailures":[{"itemIdentifier":"#"},{"itemIdentifier":"s1-4"}]}`, false, 0, "a b c d", "2-4 after 1"},
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
