package poller_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/poller"
)

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
