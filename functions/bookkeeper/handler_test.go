package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

var noon = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// run starts the function with an event, as Lambda does.
func run(t *testing.T, store ledger.Store, text []byte) (string, error) {
	t.Helper()
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	h := handler{books.NewKeeper(store, func() time.Time { return noon }, slog.New(slog.DiscardHandler), &metric.Metrics{Out: new(bytes.Buffer)})}
	answer, err := h.handle(t.Context(), e)
	if err != nil {
		return "", err
	}
	out, err := json.Marshal(answer, json.Deterministic(true))
	if err != nil {
		t.Fatal(err)
	}
	return string(out), nil
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../../events/bookkeeper/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Three entries are no volume yet: they are kept when there are a hundred, and read from the journal until then.
func TestABatchOfTheStream(t *testing.T) {
	store := new(memory.Store)
	got, err := run(t, store, read(t, "committed.json"))
	if err != nil || got != `{"batchItemFailures":[]}` {
		t.Errorf("%s, %v", got, err)
	}
}

func TestTheScheduleBringsAllAccountsUpToDate(t *testing.T) {
	store := new(memory.Store)
	l := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return noon }}
	for i := range 3 {
		id := wallet.AccountID(fmt.Sprintf("a-%d", i))
		intents := []ledger.Intent{directory.Opening(directory.Account{ID: id, Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga")}
		for n := range 60 + 60*i {
			intents = append(intents, ledger.Intent{Command: wallet.TopUp{Order: fmt.Sprint(id, n), Amount: money.Units(money.CNY, 1), Channel: "alipay"}})
		}
		for _, o := range l.DoAll(t.Context(), id, intents) {
			if o.Err != nil {
				t.Fatal(o.Err)
			}
		}
	}
	for _, want := range []string{`{"accounts":3,"behind":2,"failed":0,"round":true}`, `{"accounts":3,"behind":0,"failed":0,"round":true}`} {
		if got, err := run(t, store, read(t, "schedule.json")); err != nil || got != want {
			t.Errorf("%s, %v", got, err)
		}
	}
	for account, want := range map[wallet.AccountID]int64{"a-0": 0, "a-1": 100, "a-2": 100} {
		if cursor, err := follow.Load[books.Cover](t.Context(), store, "books", account); err != nil || cursor.Number != want {
			t.Errorf("%s is kept up to %d, %v", account, cursor.Number, err)
		}
	}
}

func TestAnEventOfSomebodyElseIsRefused(t *testing.T) {
	for _, text := range []string{`{}`, `{"duty":"audit"}`} {
		if _, err := run(t, new(memory.Store), []byte(text)); err == nil || !strings.Contains(err.Error(), "catch-up") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
