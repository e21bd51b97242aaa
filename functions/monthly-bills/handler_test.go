package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
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
	kept, _, err := h.wishes.Quarantine.List(t.Context(), "", 10)
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

// uneven is a store that says something else of each account.
type uneven struct {
	ledger.Store
	says map[wallet.AccountID]error
}

func (u uneven) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	for account, err := range u.says {
		if err != nil && strings.Contains(keys[0].ID, string(account)) {
			return nil, err
		}
	}
	return u.Store.Documents(ctx, keys...)
}

// A wish is acknowledged, or kept for an operator, only when none of its accounts could still be done.
func TestAnAccountThatCanNeverBeDoneTakesNoneWithIt(t *testing.T) {
	never := refusal.Of(refusal.Conflict, "no")
	for _, row := range []struct {
		name      string
		acme, zen error
		want      time.Duration // until it comes again; 0: it is kept
	}{
		{"never, and never", never, never, 0},
		{"never, and done", never, nil, 0},
		{"never, and not now", never, ledger.ErrThrottled, 5 * time.Second},
		{"not now, and never", ledger.ErrThrottled, never, 5 * time.Second},
		{"never, and no answer", never, ledger.ErrUnknown, 5 * time.Second},
		{"never, and a fault", never, errors.New("boom"), 5 * time.Second},
		{"never, and in two hours", never, &refusal.Refusal{Kind: refusal.TooEarly, RetryAfter: 7200}, 2 * time.Hour},
		{"in two hours, and not now", &refusal.Refusal{Kind: refusal.TooEarly, RetryAfter: 7200}, ledger.ErrThrottled, 5 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			h, q := world(t)
			h.maker.Store = uneven{h.maker.Store, map[wallet.AccountID]error{"acme": row.acme, "zen": row.zen}}
			var batch events.SQSEvent
			read(t, "batch", &batch)
			batch.Records = batch.Records[:1]
			got, err := h.handle(t.Context(), batch)
			if again := len(got.BatchItemFailures) == 1; err != nil || again != (row.want > 0) || q.hidden["r-1"] != row.want {
				t.Errorf("%+v, %v, hidden %v", got, err, q.hidden)
			}
			kept, _, err := h.wishes.Quarantine.List(t.Context(), "", 10)
			if err != nil || len(kept) == 1 != (row.want == 0) {
				t.Errorf("in quarantine: %+v, %v", kept, err)
			}
		})
	}
}
