package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/batch"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// hider notes how long messages are hidden.
type hider struct{ hidden map[string]time.Duration }

func (q *hider) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	for _, e := range in.Entries {
		q.hidden[*e.ReceiptHandle] = time.Duration(e.VisibilityTimeout) * time.Second
	}
	return new(sqs.ChangeMessageVisibilityBatchOutput), nil
}

// world is the function with accounts acme and zen, later (opened in November) and west (in Los Angeles).
func world(t *testing.T) (handler, *hider) {
	t.Helper()
	now := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: clock}
	for _, a := range []directory.Account{{ID: "acme", Zone: "Asia/Shanghai"}, {ID: "zen", Zone: "Asia/Shanghai"}, {ID: "west", Zone: "America/Los_Angeles"}, {ID: "later", Zone: "Asia/Shanghai"}} {
		if a.Currency = money.CNY; a.ID == "later" {
			now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
		}
		if _, err := l.Do(t.Context(), a.ID, directory.Opening(a, "olga")); err != nil {
			t.Fatal(err)
		}
	}
	now = time.Date(2026, 11, 4, 6, 0, 0, 0, time.UTC) // in Los Angeles it is the 3rd for two more hours
	metrics, q := &metric.Metrics{Out: io.Discard}, &hider{map[string]time.Duration{}}
	log := slog.New(slog.DiscardHandler)
	return handler{
		wishes: &batch.Consumer{
			Source: "monthly-bills", QueueURL: "https://sqs.us-east-1.amazonaws.com/123456789012/billing-centre-monthly-bills", MaxReceives: 20, Queue: q,
			Quarantine: &quarantine.Quarantine{Store: l.Store, Now: clock, Metrics: metrics}, Now: clock, Log: log,
		},
		maker: &statement.Maker{Store: l.Store, Policy: l.Policy, Now: clock}, metrics: metrics, log: log,
	}, q
}

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../events/monthly-bills/" + name + ".json")
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestABatchOfWishes(t *testing.T) {
	h, q := world(t)
	var batch events.SQSEvent
	var want events.SQSEventResponse
	read(t, "batch", &batch)
	read(t, "batch.answer", &want)
	for range 2 { // the second time finds what the first has made
		got, err := h.handle(t.Context(), batch)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	if diff := cmp.Diff(map[string]time.Duration{"r-2": 2*time.Hour + 5*time.Minute + time.Second}, q.hidden); diff != "" {
		t.Errorf("hidden (-want +got):\n%s", diff)
	}
	made := ""
	for _, account := range []wallet.AccountID{"acme", "zen", "west", "later"} {
		_, err := statement.Bills{Store: h.maker.Store}.Bill(t.Context(), account, "2026-10")
		made += fmt.Sprint(account, " ", err == nil, " ")
	}
	if made != "acme true zen true west false later false " {
		t.Errorf("made: %s", made)
	}
	kept, err := h.wishes.Quarantine.List(t.Context(), "", 10)
	if err != nil || len(kept) != 1 || kept[0].ID != "m-3" || kept[0].Kind != string(refusal.Invalid) {
		t.Errorf("in quarantine: %+v, %v", kept, err)
	}
}

func TestABatchOfAnotherQueueIsRefused(t *testing.T) {
	h, _ := world(t)
	var batch events.SQSEvent
	read(t, "wrong-queue", &batch)
	if _, err := h.handle(t.Context(), batch); !refusal.Is(err, refusal.Forbidden) {
		t.Error(err)
	}
}

// down is a store that can't be reached.
type down struct{ ledger.Store }

func (down) Documents(context.Context, ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	return nil, ledger.ErrThrottled
}

func TestATroubleOfOursIsTriedAgain(t *testing.T) {
	h, q := world(t)
	h.maker.Store = down{h.maker.Store}
	var batch events.SQSEvent
	read(t, "batch", &batch)
	got, err := h.handle(t.Context(), batch)
	if err != nil || len(got.BatchItemFailures) != 4 || q.hidden["r-1"] != 5*time.Second {
		t.Errorf("%+v, %v, %v", got, err, q.hidden)
	}
}
