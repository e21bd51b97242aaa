package main

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/arrears"
	"billingcentre/shared/metric"
)

// count has acme owe a bill, and its monthly bill find it.
func (w *world) count(general, restricted string) {
	w.t.Helper()
	w.settle(usage("b-1", "2026-11-01", general, restricted))
	head, err := w.ledger.Open(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	documents, err := arrears.Begin(w.t.Context(), w.ledger.Store, w.ledger.Policy, head, "2026-10", w.now)
	if err == nil {
		err = w.ledger.Store.Put(w.t.Context(), documents...)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// patrol has all accounts in arrears looked at, as functions/arrears does.
func (w *world) patrol() {
	w.t.Helper()
	keeper := &arrears.Keeper{Ledger: w.ledger, Directory: w.directory, Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: io.Discard}}
	if _, err := keeper.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if _, err := keeper.Patrol(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// lock has acme locked for 18.40.
func (w *world) lock() {
	w.t.Helper()
	w.count("13.4", "5")
	w.now = w.now.AddDate(0, 0, 11)
	w.patrol()
	w.now = w.now.AddDate(0, 0, 3)
	w.patrol()
}

func TestWhoMayLookAtDebtors(t *testing.T) {
	for role, want := range map[api.Role]int{
		api.Owner: http.StatusForbidden, api.Viewer: http.StatusForbidden, api.Partner: http.StatusForbidden, api.Operator: http.StatusOK, "": http.StatusUnauthorized,
	} {
		got := newWorld(t).send(apitest.Call{Route: "GET /v1/operator/arrears", Query: "state=locked", Caller: api.Caller{Role: role, Account: "acme"}})
		if got.Status != want {
			t.Errorf("%q: %d, want %d", role, got.Status, want)
		}
	}
}
