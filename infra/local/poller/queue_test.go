package poller_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/poller"
	"billingcentre/infra/local/sqs"
)

func TestAQueuesEventIsLambdas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue(t)
		f := &function{answer: always("null")}
		stop := start(t, poller.QueueOptions{Queue: queue, Function: f})
		id, err := queue.Send(sqs.Draft{Body: `{"bill":"<ü>"}`, Attributes: map[string]sqs.Attribute{
			"kind": {DataType: "String", StringValue: "bill"}, "raw": {DataType: "Binary", BinaryValue: []byte{255}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		handle := sqsEvent(t, f.events[0]).Records[0].ReceiptHandle
		want := `{"Records":[{"messageId":"` + id + `","receiptHandle":"` + handle + `","body":"{\"bill\":\"<ü>\"}",` +
			`"md5OfBody":"4ccfcecdef5ecd4a24beea715c18e2c9","attributes":{"ApproximateFirstReceiveTimestamp":"946684800000",` +
			`"ApproximateReceiveCount":"1","SenderId":"000000000000","SentTimestamp":"946684800000"},` +
			`"messageAttributes":{"kind":{"stringValue":"bill","stringListValues":[],"binaryListValues":[],"dataType":"String"},` +
			`"raw":{"binaryValue":"/w==","stringListValues":[],"binaryListValues":[],"dataType":"Binary"}},` +
			`"eventSourceARN":"arn:aws:sqs:eu-west-1:000000000000:bills","eventSource":"aws:sqs","awsRegion":"eu-west-1",` +
			`"md5OfMessageAttributes":"b80e2fb9e1600d96e15dda52581dec7e"}]}`
		if diff := cmp.Diff(want, string(f.events[0])); diff != "" {
			t.Error(diff)
		}
		if got := counts(t, queue); got != "0 0" {
			t.Errorf("left: %s", got)
		}
	})
}

func TestWhatIsDeletedAfterAnAnswer(t *testing.T) {
	const all, none = "", "a b c"
	for _, row := range []struct {
		rule     string
		answer   string // #a stands for the id of message a
		reported string // what stays with ReportBatchItemFailures
		plain    string // what stays without
	}{
		{"null", `null`, all, all},
		{"an empty object", `{}`, all, all},
		{"another object", `{"ok":true}`, all, all},
		{"a null list", `{"batchItemFailures":null}`, all, all},
		{"an empty list", `{"batchItemFailures":[]}`, all, all},
		{"one failed", `{"batchItemFailures":[{"itemIdentifier":"#b"}]}`, "b", all},
		{"two failed, one told twice", `{"batchItemFailures":[{"itemIdentifier":"#c"},{"itemIdentifier":"#a"},{"itemIdentifier":"#c"}]}`, "a c", all},
		{"not JSON", `{"batchItemFailures":[`, none, all},
		{"nothing", ``, none, all},
		{"a string", `"done"`, none, all},
		{"a list", `[]`, none, all},
		{"a list of another type", `{"batchItemFailures":{}}`, none, all},
		{"an empty identifier", `{"batchItemFailures":[{"itemIdentifier":""}]}`, none, all},
		{"a null identifier", `{"batchItemFailures":[{"itemIdentifier":null}]}`, none, all},
		{"a numeric identifier", `{"batchItemFailures":[{"itemIdentifier":1}]}`, none, all},
		{"a bad key", `{"batchItemFailures":[{"ItemIdentifier":"#b"}]}`, none, all},
		{"an unknown identifier", `{"batchItemFailures":[{"itemIdentifier":"#b"},{"itemIdentifier":"x"}]}`, none, all},
	} {
		for _, report := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				queue := newQueue(t, "a", "b", "c")
				f := &function{}
				f.answer = func(n int, event []byte) ([]byte, error) {
					answer := row.answer
					for _, r := range sqsEvent(t, event).Records {
						answer = strings.ReplaceAll(answer, "#"+r.Body, r.MessageId)
					}
					return []byte(answer), nil
				}
				stop := start(t, poller.QueueOptions{Queue: queue, Function: f, ReportFailures: report})
				synctest.Wait()
				if f.calls() != 1 {
					t.Fatalf("%s: invoked %d times at once", row.rule, f.calls())
				}
				time.Sleep(30 * time.Second) // the visibility timeout: only now it comes back
				synctest.Wait()
				stop()
				left := ""
				if f.calls() > 1 {
					left = strings.Join(sorted(f.bodies(t, 2)), " ")
				}
				want := row.plain
				if report {
					want = row.reported
				}
				if left != want {
					t.Errorf("%s (report %v): retried %q, want %q", row.rule, report, left, want)
				}
			})
		}
	}
}

func TestAFunctionErrorRetriesTheBatchUntilItIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := sqs.New(sqs.Options{})
		dead, err := server.Create("dead", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		queue, err := server.Create("bills", map[string]string{
			"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, dead.ARN()),
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		send(t, queue, "a", "b")
		f := &function{answer: func(int, []byte) ([]byte, error) { return nil, errors.New("boom") }}
		stop := start(t, poller.QueueOptions{Queue: queue, Function: f, ReportFailures: true})
		time.Sleep(10 * time.Minute)
		stop()
		if f.calls() != 3 || f.times[2].Sub(f.times[0]) != time.Minute {
			t.Errorf("invoked %d times, at %v", f.calls(), f.times)
		}
		if queue, dead := counts(t, queue), counts(t, dead); queue != "0 0" || dead != "2 0" {
			t.Errorf("queue %s, dead %s", queue, dead)
		}
	})
}

func TestAFailedMessageKeepsTheVisibilityThatTheFunctionGaveIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue(t, "early", "late", "usual")
		f := &function{}
		f.answer = func(n int, event []byte) ([]byte, error) {
			if n > 1 {
				return []byte("null"), nil
			}
			var failed []map[string]string
			for _, r := range sqsEvent(t, event).Records {
				seconds, given := map[string]int{"early": 5, "late": 120}[r.Body]
				if given {
					if err := queue.ChangeVisibility(r.ReceiptHandle, time.Duration(seconds)*time.Second); err != nil {
						t.Error(err)
					}
				}
				failed = append(failed, map[string]string{"itemIdentifier": r.MessageId})
			}
			return json.Marshal(map[string]any{"batchItemFailures": failed})
		}
		stop := start(t, poller.QueueOptions{Queue: queue, Function: f, ReportFailures: true})
		time.Sleep(119 * time.Second)
		stop()
		if f.calls() < 3 {
			t.Fatalf("invoked %d times", f.calls())
		}
		for n, want := range map[int]struct {
			body  string
			after time.Duration
		}{2: {"early", 5 * time.Second}, 3: {"usual", 30 * time.Second}} {
			if got := f.bodies(t, n); got[0] != want.body || f.times[n-1].Sub(f.times[0]) != want.after {
				t.Errorf("invocation %d: %v after %v, want %v", n, got, f.times[n-1].Sub(f.times[0]), want)
			}
		}
	})
}

func TestABatchIsFullOrItsWindowIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue(t)
		f := &function{answer: always("{}")}
		stop := start(t, poller.QueueOptions{Queue: queue, Function: f, BatchSize: 20, Window: 2 * time.Second})
		time.Sleep(time.Minute)
		began := time.Now()
		for range 10 { // one each 0.3 s: 2 seconds have 7
			send(t, queue, "x")
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(5 * time.Second)
		for i := range 45 {
			send(t, queue, fmt.Sprint(i))
		}
		time.Sleep(5 * time.Second)
		stop()
		var sizes []int
		for n := range f.events {
			sizes = append(sizes, len(f.bodies(t, n+1)))
		}
		if diff := cmp.Diff([]int{7, 3, 20, 20, 5}, sizes); diff != "" {
			t.Error(diff)
		}
		if got := f.times[0].Sub(began); got != 2*time.Second {
			t.Errorf("first batch after %v", got)
		}
		if f.times[2] != f.times[3] {
			t.Errorf("full batches waited: %v", f.times)
		}
	})
}

func TestAnEventHasSixMegabytesAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue(t)
		for range 8 { // quotes are longer in JSON: 2 MiB each
			send(t, queue, strings.Repeat(`"`, 1<<20))
		}
		send(t, queue, "small")
		f := &function{answer: always("{}")}
		stop := start(t, poller.QueueOptions{Queue: queue, Function: f, BatchSize: 100, Window: time.Second})
		time.Sleep(10 * time.Second)
		stop()
		for n, event := range f.events {
			if len(event) > 6<<20 {
				t.Errorf("event %d has %d bytes", n, len(event))
			}
			for _, r := range sqsEvent(t, event).Records {
				if r.Attributes["ApproximateReceiveCount"] != "1" {
					t.Errorf("a message that didn't fit was received: %v", r.Attributes)
				}
			}
		}
		if f.calls() != 4 || counts(t, queue) != "0 0" {
			t.Errorf("%d events, left %s", f.calls(), counts(t, queue))
		}
	})
}

func TestConcurrencyIsBoundedAndIdleMessagesStayOnTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue(t, strings.Split(strings.Repeat("x", 50), "")...)
		running, most, release := 0, 0, make(chan struct{})
		var mu sync.Mutex
		f := &function{answer: func(int, []byte) ([]byte, error) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			<-release
			mu.Lock()
			running--
			mu.Unlock()
			return nil, nil
		}}
		stop := start(t, poller.QueueOptions{Queue: queue, Function: f, Concurrency: 3})
		synctest.Wait()
		if got := counts(t, queue); got != "20 30" {
			t.Errorf("with three at work: %s", got)
		}
		close(release)
		synctest.Wait()
		stop()
		if most != 3 || f.calls() != 5 || counts(t, queue) != "0 0" {
			t.Errorf("%d at once, %d calls, left %s", most, f.calls(), counts(t, queue))
		}
	})
}

func TestStoppingLetsAnInvocationEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue(t, "x")
		f := &function{answer: func(int, []byte) ([]byte, error) {
			time.Sleep(10 * time.Second)
			return nil, nil
		}}
		stop := start(t, poller.QueueOptions{Queue: queue, Function: f})
		time.Sleep(time.Second)
		stop()
		if got := counts(t, queue); got != "0 0" {
			t.Errorf("left %s", got)
		}
	})
}

func TestQueueMappingsThatLambdaRefuses(t *testing.T) {
	f := &function{}
	for name, o := range map[string]poller.QueueOptions{
		"no queue":               {Function: f},
		"a negative batch":       {BatchSize: -1},
		"too large a batch":      {BatchSize: 10_001, Window: time.Second},
		"no window above ten":    {BatchSize: 11},
		"too long a window":      {Window: 301 * time.Second},
		"too low a concurrency":  {Concurrency: 1},
		"too high a concurrency": {Concurrency: 1001},
	} {
		if name != "no queue" {
			o.Queue, o.Function = newQueue(t), f
		}
		if _, err := poller.NewQueueMapping(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
