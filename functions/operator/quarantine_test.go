package main

import (
	"errors"
	"net/http"
	"testing"

	"billingcentre/shared/quarantine"
)

func TestReplaySendsTheBodyAsItCame(t *testing.T) {
	w := newWorld(t)
	body := "{\"a\": \"ä\"}\n"
	w.keep("m-1", "usage-bills", body)
	w.keep("m-2", "usage-bills", "\xff")
	w.queue.err = errors.New("the queue is away")
	w.want(w.send(replays, "", "", "message", "m-1"), http.StatusInternalServerError, "a queue that is away")
	if kept, err := w.quarantine.Get(t.Context(), "m-1"); err != nil || kept.Status != quarantine.Open {
		t.Errorf("after a failed replay: %s, %v", kept.Status, err)
	}
	w.queue.err = nil
	w.want(w.send(replays, "", "", "message", "m-1"), http.StatusOK, "replay")
	w.want(w.send(replays, "", "", "message", "m-2"), http.StatusConflict, "a body that isn't text")
	w.keep("m-3", "notices", "{}")
	w.want(w.send(replays, "", "", "message", "m-3"), http.StatusOK, "an event that people are to be told of")
	if len(w.queue.sent) != 1 || w.queue.sent[0] != body || len(w.told.sent) != 1 {
		t.Errorf("sent %q and %q", w.queue.sent, w.told.sent)
	}
}
