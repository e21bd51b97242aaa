package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/audit"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// world is the function over some accounts.
type world struct {
	handler
	t       *testing.T
	now     time.Time
	store   *store
	metrics bytes.Buffer
}

// store is one whose heads can be damaged, and of which a list can fail.
type store struct {
	ledger.Store
	head func(wallet.Head) (wallet.Head, error)
	list string
}

func (s *store) List(ctx context.Context, list, before string, limit int) ([]ledger.Document, error) {
	if s.list != "" && s.list == list {
		return nil, ledger.ErrThrottled
	}
	return s.Store.List(ctx, list, before, limit)
}

func (s *store) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	head, err := s.Store.Head(ctx, account)
	if s.head != nil && err == nil {
		return s.head(head)
	}
	return head, err
}

func newWorld(t *testing.T, accounts int) *world {
	w := &world{t: t, now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), store: &store{Store: new(memory.Store)}}
	now := func() time.Time { return w.now }
	w.handler = handler{
		auditor:   &audit.Auditor{Store: w.store, Now: now, Lag: audit.Lag, Grace: wallet.DefaultPolicy().Grace},
		directory: &directory.Directory{Store: w.store, Now: now}, log: slog.New(slog.DiscardHandler), metrics: &metric.Metrics{Out: &w.metrics},
	}
	l := &ledger.Ledger{Store: w.store, Policy: wallet.DefaultPolicy(), Now: now}
	for i := range accounts {
		id := wallet.AccountID(fmt.Sprintf("a-%03d", i))
		w.do(l, id, directory.Opening(directory.Account{ID: id, Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga"))
		w.do(l, id, ledger.Intent{Command: wallet.Adjust{Account: id, Once: "k", Amount: money.Units(money.CNY, 9), Reason: "test"}})
	}
	return w
}

func (w *world) do(l *ledger.Ledger, account wallet.AccountID, intent ledger.Intent) {
	w.t.Helper()
	if _, err := l.Do(w.t.Context(), account, intent); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run() outcome {
	w.t.Helper()
	out, err := w.handle(w.t.Context(), duty{"audit"})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestARoundAuditsAllAccounts(t *testing.T) {
	w := newWorld(t, 230)
	if got, want := w.run(), (outcome{Accounts: 230, Entries: 230 * 4, Round: true}); got != want { // tail and first patrol
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := w.run(), (outcome{Accounts: 230, Round: true}); got != want {
		t.Errorf("again: got %+v, want %+v", got, want)
	}
	if w.metrics.Len() > 0 {
		t.Errorf("metrics: %s", &w.metrics)
	}
}

// An account that is taken out of the list of all isn't forgotten: within a day it is found, and then by every run.
func TestAnAccountThatIsOutOfTheListIsFound(t *testing.T) {
	for what, spoil := range map[string]func(*ledger.Document){
		"its document is in no list":       func(d *ledger.Document) { *d = d.In("", "") },
		"its document is in another place": func(d *ledger.Document) { *d = d.In(d.List, "2026") },
		"its document is another's":        func(d *ledger.Document) { d.Body = []byte(`{"account_id":"a-002"}`) },
		"its document is nothing":          func(d *ledger.Document) { d.Body = []byte(`-`) },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t, 230)
			w.run()
			if got := w.run(); got.Findings != 0 {
				t.Fatalf("%+v", got)
			}
			key := ledger.DocumentKey{Kind: "account", ID: "a-001"}
			put := func(change func(*ledger.Document)) {
				t.Helper()
				found, err := w.store.Documents(t.Context(), key)
				document := found[key]
				change(&document)
				if err == nil {
					err = w.store.Put(t.Context(), document)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			found, err := w.store.Documents(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			put(spoil)
			first := 0
			for run := 1; run <= 100; run++ {
				w.now = w.now.Add(15 * time.Minute)
				switch got := w.run(); {
				case got.Findings > 0 && first == 0:
					first = run
				case got.Findings == 0 && first > 0:
					t.Fatalf("found by run %d, and not by run %d", first, run)
				}
			}
			kept, _, err := audit.Findings(t.Context(), w.store, "", 10)
			if err != nil || first == 0 || len(kept) != 1 || kept[0].Account != "a-001" || kept[0].Kind != audit.AccountMissing {
				t.Errorf("found by run %d: %v, %v", first, kept, err)
			}
			put(func(d *ledger.Document) { d.Body, d.List, d.Rank = found[key].Body, found[key].List, found[key].Rank })
			if w.run(); w.run().Findings > 0 {
				t.Error("put right, it is found")
			}
		})
	}
}

// Of a run that has no time left, the next one takes over where it ended.
func TestARunGoesOnWhereTheLastOneEnded(t *testing.T) {
	w := newWorld(t, 230)
	at := round{}
	_, next, err := w.directory.Accounts(t.Context(), "", 200)
	if err != nil {
		t.Fatal(err)
	}
	at.Accounts = next
	if err := w.store.Put(t.Context(), ledger.Document{Key: roundKey}.With(at)); err != nil {
		t.Fatal(err)
	}
	if got := w.run(); got.Accounts != 30 || !got.Round {
		t.Errorf("got %+v", got)
	}
	short, cancel := context.WithDeadline(t.Context(), time.Now().Add(reserve))
	defer cancel()
	if got, err := w.handle(short, duty{"audit"}); err != nil || got.Accounts != 0 || got.Round {
		t.Errorf("without time: %+v, %v", got, err)
	}
	if got := w.run(); got.Accounts != 230 || !got.Round {
		t.Errorf("the next: %+v", got)
	}
}

// What a run did is done, though something else of it failed: else the next one would do the same again, and never come further.
func TestARunThatFailsInPartIsNoRunInVain(t *testing.T) {
	for _, list := range []string{"audits", "cloud-charges#pending"} {
		w := newWorld(t, 230)
		w.store.list = list
		short, cancel := context.WithDeadline(t.Context(), time.Now().Add(reserve+time.Hour))
		defer cancel()
		if _, err := w.handle(short, duty{"audit"}); err == nil {
			t.Fatalf("%s: nothing failed", list)
		}
		at, _, err := ledger.Read[round](t.Context(), w.store, roundKey)
		if err != nil {
			t.Errorf("%s: how far it came isn't kept: %v", list, err)
		}
		w.store.list = ""
		if got := w.run(); got.Accounts != 230 || !got.Round || at.Accounts != "" {
			t.Errorf("%s: %+v after %+v", list, got, at)
		}
	}
}

func TestAFindingIsKeptAndCountedEveryRound(t *testing.T) {
	w := newWorld(t, 3)
	w.run()
	w.store.head = func(h wallet.Head) (wallet.Head, error) {
		if h.Account == "a-001" {
			h.Cash = h.Cash.Add(money.Of(money.CNY, 1))
		}
		return h, nil
	}
	for range 2 {
		if got := w.run(); got.Findings != 1 || got.Accounts != 3 || got.Failed != 0 {
			t.Errorf("got %+v", got)
		}
	}
	if got := strings.Count(w.metrics.String(), `"AuditFindings":1`); got != 2 {
		t.Errorf("counted %d times: %s", got, &w.metrics)
	}
	kept, _, err := audit.Findings(t.Context(), w.store, "", 10)
	if err != nil || len(kept) != 1 || kept[0].Account != "a-001" || kept[0].Kind != audit.HeadDiffers {
		t.Errorf("kept %v, %v", kept, err)
	}
}

func TestAnAccountThatFailsStopsNoOther(t *testing.T) {
	w := newWorld(t, 3)
	w.store.head = func(h wallet.Head) (wallet.Head, error) {
		if h.Account == "a-001" {
			return h, ledger.ErrThrottled
		}
		return h, nil
	}
	if got, err := w.handle(t.Context(), duty{"audit"}); err == nil || got.Failed != 1 || got.Accounts != 3 || got.Findings != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestOnlyTheSchedulesEventIsTaken(t *testing.T) {
	w := newWorld(t, 1)
	text, err := os.ReadFile("../../events/auditor/schedule.json")
	if err != nil {
		t.Fatal(err)
	}
	var event duty
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	if got, err := w.handle(t.Context(), event); err != nil || got.Accounts != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
	for _, event := range []duty{{}, {"expiry"}, {"Audit"}} {
		if _, err := w.handle(t.Context(), event); err == nil {
			t.Errorf("%+v was taken", event)
		}
	}
}
