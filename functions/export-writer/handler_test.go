package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/batch"
	"billingcentre/shared/directory"
	"billingcentre/shared/export/desk"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/wallet"
)

// world is the function with the account acme and an export of it, on a shelf that can be away.
type world struct {
	handler
	t     *testing.T
	desk  *desk.Desk
	away  bool
	files map[string]string
	id    string
	desk.Shelf
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, files: map[string]string{}}
	now := func() time.Time { return time.Date(2026, 11, 5, 3, 0, 0, 0, time.UTC) }
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	opening := directory.Opening(directory.Account{ID: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga")
	if _, err := l.Do(t.Context(), "acme", opening); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	send := func(context.Context, string) error { return nil }
	w.desk = &desk.Desk{Store: l.Store, Send: send, Now: now, Days: 7}
	w.handler = handler{
		maker: &desk.Maker{Store: l.Store, Shelf: w, Send: send, Now: now, Log: log, Provider: "Billing Centre"},
		messages: &batch.Consumer{
			Source: "exports", QueueURL: "https://sqs.us-east-1.amazonaws.com/123456789012/billing-centre-exports", MaxReceives: 12, Queue: visible{},
			Quarantine: &quarantine.Quarantine{Store: l.Store, Now: now, Metrics: &metric.Metrics{Out: io.Discard}}, Now: now, Log: log,
		},
		metrics: &metric.Metrics{Out: io.Discard}, log: log,
	}
	wish, err := desk.Wish{What: desk.Consumption, From: "2026-11-01", To: "2026-11-30", Language: "zh"}.Check()
	if err != nil {
		t.Fatal(err)
	}
	e, _, err := w.desk.Ask(t.Context(), "acme", "november-1", "pat", wish)
	if err != nil {
		t.Fatal(err)
	}
	w.id = e.ID
	return w
}

func (w *world) Put(_ context.Context, key, _ string, content []byte) error {
	if w.away {
		return errors.New("the shelf is away")
	}
	w.files[key] = string(content)
	return nil
}

// visible says nothing about when messages are seen again.
type visible struct{}

func (visible) ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return &sqs.ChangeMessageVisibilityBatchOutput{}, nil
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../events/export-writer/" + name)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What becomes of each message, of the export that it names, and of what is quarantined.
func TestEvents(t *testing.T) {
	for name, c := range map[string]struct {
		given   func(w *world)
		retried bool
		refused bool // the batch, as a whole
		state   desk.State
		kept    int
	}{
		"make":                {state: desk.Ready},
		"make-again":          {given: func(w *world) { w.take("make") }, state: desk.Ready},
		"unknown":             {retried: true, state: desk.Pending},
		"no-message":          {kept: 1, state: desk.Pending},
		"other-version":       {kept: 1, state: desk.Pending},
		"shelf-away":          {given: func(w *world) { w.away = true }, retried: true, state: desk.Pending},
		"shelf-away-for-long": {given: func(w *world) { w.away = true }, state: desk.Failed},
		"foreign-queue":       {refused: true, state: desk.Pending},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.given != nil {
				c.given(w)
			}
			answer, err := w.take(name)
			if (err != nil) != c.refused {
				t.Fatal(err)
			}
			if (len(answer.BatchItemFailures) > 0) != c.retried {
				t.Errorf("retried: %v", answer.BatchItemFailures)
			}
			e, err := w.desk.Find(t.Context(), "acme", w.id)
			if err != nil || e.State != c.state {
				t.Errorf("%+v, %v", e, err)
			}
			if kept, _, err := w.messages.Quarantine.List(t.Context(), "", 10); err != nil || len(kept) != c.kept {
				t.Errorf("quarantined: %v, %v", kept, err)
			}
		})
	}
	files, err := filepath.Glob("../../events/export-writer/*.json")
	if err != nil || len(files) != 8 {
		t.Errorf("events that aren't tested: %v, %v", files, err)
	}
}

func (w *world) take(name string) (events.SQSEventResponse, error) {
	w.t.Helper()
	var event events.SQSEvent
	read(w.t, name+".json", &event)
	return w.handle(w.t.Context(), event)
}

func TestTheFileIsWhatWasAskedFor(t *testing.T) {
	w := newWorld(t)
	if _, err := w.take("make"); err != nil {
		t.Fatal(err)
	}
	head, _, _ := strings.Cut(w.files["exports/acme/"+w.id+".csv"], ",")
	if diff := cmp.Diff("\ufeff日期", head); diff != "" {
		t.Error(diff)
	}
}
