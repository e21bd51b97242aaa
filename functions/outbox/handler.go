package main

import (
	"context"
	"log/slog"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/event"
)

// teller publishes events, and writes those down that the bus has.
type teller struct {
	publish func(ctx context.Context, told []event.Event) (published int, err error)
	logged  []string // names of the events that are written to the log as well
	log     *slog.Logger
}

// tell publishes and logs some events, in order.
func (t teller) tell(ctx context.Context, told []event.Event) (int, error) {
	published, err := t.publish(ctx, told)
	for i, e := range told[:published] {
		if !event.Matches(e.Name, t.logged) {
			continue
		}
		if err := t.write(e); err != nil {
			return i, err
		}
	}
	return published, err
}

// write logs one event: what it is, its key, and all that it says.
func (t teller) write(e event.Event) error {
	content := any(e.Notice)
	if e.Entry != nil {
		content = e.Entry
	}
	text, err := json.Marshal(content, json.Deterministic(true))
	if err != nil {
		return err
	}
	t.log.Info("event", "event", e.Name, "event_key", e.Key, "content", raw(text))
	return nil
}

// raw is JSON that goes into the log's JSON as it is.
type raw []byte

// MarshalJSON implements json.Marshaler.
func (r raw) MarshalJSON() ([]byte, error) { return r, nil }
