package main

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

func TestTheSchedulesEventPlansWhatIsDue(t *testing.T) {
	now := time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: clock}
	if _, err := l.Do(t.Context(), "acme", directory.Opening(directory.Account{ID: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga")); err != nil {
		t.Fatal(err)
	}
	var sent []string
	h := handler{log: slog.New(slog.DiscardHandler), planner: &statement.Planner{
		Store: l.Store, Directory: &directory.Directory{Store: l.Store, Now: clock}, Now: clock,
		Send: func(_ context.Context, bodies []string) error { sent = append(sent, bodies...); return nil },
	}}
	text, err := os.ReadFile("../../events/monthly-plan/schedule.json")
	if err != nil {
		t.Fatal(err)
	}
	var event duty
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	now = time.Date(2026, 11, 3, 10, 30, 0, 0, time.UTC)
	for range 2 { // the second run has nothing to do
		plan, err := h.handle(t.Context(), event)
		if want := (statement.Plan{Month: "2026-10", Done: true, Accounts: 1, Wished: 1}); plan != want || err != nil {
			t.Errorf("%+v, %v", plan, err)
		}
	}
	if diff := cmp.Diff([]string{`{"version":1,"month":"2026-10","accounts":["acme"]}`}, sent); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if _, err := h.handle(t.Context(), duty{"expiry"}); err == nil {
		t.Error("another's event was taken")
	}
}
