package poller_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/poller"
)

const (
	startsWithE = `{"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"E#"}]}}}}`
	isNew       = `{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":[{"prefix":"D#"}]}}}}`
)

// Batches are filled with what gets through the filters: any of them will do.
func TestFiltersKeepRecordsFromTheFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		shard := streams.shard("s1", "")
		streams.put(shard, strings.Fields("A#a E#1 A#a E#2 D#1 D#2 A#a E#3 A#a")...)
		shard.records[4].EventName = "MODIFY"
		f := &function{answer: always("null")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f, BatchSize: 3, Window: time.Second, Filters: []string{startsWithE, isNew}})
		time.Sleep(time.Minute)
		stop()
		if diff := cmp.Diff([]string{"E#1 E#2 D#2", "E#3"}, f.keys(t)); diff != "" {
			t.Error(diff)
		}
	})
}

// A position goes on past records that nobody gets, before the first that somebody does and behind the last: else a
// restart would read them all again, or find them trimmed.
func TestThePositionGoesOnPastFilteredRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		shard := streams.shard("s1", "")
		f := &function{answer: always("null")}
		o := poller.StreamOptions{Streams: streams, Function: f, Filters: []string{startsWithE}, Checkpoint: filepath.Join(t.TempDir(), "position.json")}
		asked := func(put ...string) string {
			stop := startStream(t, o)
			streams.put(shard, put...)
			time.Sleep(time.Minute)
			stop()
			return streams.asked[len(streams.asked)-1]
		}
		var got []string
		for _, put := range []string{"A#a A#a A#a", "E#1 A#a A#a", "A#a E#2", ""} {
			got = append(got, asked(strings.Fields(put)...))
		}
		want := []string{"s1 TRIM_HORIZON", "s1 AFTER_SEQUENCE_NUMBER s1-3", "s1 AFTER_SEQUENCE_NUMBER s1-6", "s1 AFTER_SEQUENCE_NUMBER s1-8"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"E#1", "E#2"}, f.keys(t)); diff != "" {
			t.Error(diff)
		}
	})
}

// What is filtered behind a batch isn't settled before the batch is.
func TestThePositionStaysBeforeABatchThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		streams.put(streams.shard("s1", ""), strings.Fields("A#a E#1 A#a")...)
		f := &function{answer: func(int, []byte) ([]byte, error) { return nil, errors.New("boom") }}
		o := poller.StreamOptions{Streams: streams, Function: f, Filters: []string{startsWithE}, Checkpoint: filepath.Join(t.TempDir(), "position.json")}
		stop := startStream(t, o)
		time.Sleep(time.Minute)
		stop()
		f.answer = always("null")
		stop = startStream(t, o)
		time.Sleep(time.Minute)
		stop()
		if got := f.keys(t); len(got) < 2 || got[len(got)-1] != "E#1" {
			t.Errorf("invoked with %v", got)
		}
	})
}

// A shard of which nobody gets anything is read to its end, so that its children begin.
func TestAShardThatIsFilteredWhollyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		streams := &fakeStreams{}
		parent := streams.shard("parent", "")
		streams.put(parent, "A#a", "A#b")
		parent.closed = true
		streams.put(streams.shard("child", "parent"), "A#c", "E#1")
		f := &function{answer: always("null")}
		stop := startStream(t, poller.StreamOptions{Streams: streams, Function: f, Filters: []string{startsWithE}})
		time.Sleep(time.Minute)
		stop()
		if diff := cmp.Diff([]string{"E#1"}, f.keys(t)); diff != "" {
			t.Error(diff)
		}
	})
}
