package main

import (
	"context"
	"log/slog"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/outbox"
	"billingcentre/shared/receipt"
)

// teller writes events to the log.
type teller struct {
	log *slog.Logger
}

// tell writes one event: what it is, its key, and all that it says.
func (t teller) tell(_ context.Context, event outbox.Event) error {
	kind, content := "", any(nil)
	switch {
	case event.Entry != nil:
		kind, content = "entry."+event.Entry.Kind.String(), receipt.Of(*event.Entry)
	default:
		kind, content = "notice."+event.Notice.Kind, event.Notice
	}
	text, err := json.Marshal(content, json.Deterministic(true))
	if err != nil {
		return err
	}
	t.log.Info("event", "event", kind, "event_key", event.Key, "content", raw(text))
	return nil
}

// raw is JSON that goes into the log's JSON as it is.
type raw []byte

// MarshalJSON implements json.Marshaler.
func (r raw) MarshalJSON() ([]byte, error) { return r, nil }
