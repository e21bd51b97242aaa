package main

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"billingcentre/shared/wallet"
)

func TestAdjustmentsAtTheEdges(t *testing.T) { // H85
	w := newWorld(t)
	for i, amount := range []string{"0.01", "100000000.00"} {
		w.want(w.send(adjustments, fmt.Sprint(i), `{"direction":"credit","amount":"`+amount+`","reason":"r"}`), http.StatusCreated, "%s", amount)
	}
	if cash := w.head().Cash.String(); cash != "100000000.01" {
		t.Errorf("cash is %s", cash)
	}
}

func TestAReversalFindsTheTermsOfLotsThatAreGone(t *testing.T) { // README rule 21
	w := newWorld(t)
	var used []wallet.Lot
	for i := range 3 {
		used = append(used, w.voucher(fmt.Sprint(i), 2))
	}
	w.settle("b-1", wallet.BillingCenter)
	for i := range 250 { // grants after the bill aren't looked at
		w.voucher(fmt.Sprint("later ", i), 1)
	}
	w.want(w.send(reversals, "k", `{"reason":"wrong meter"}`, "bill", "b-1"), http.StatusCreated, "reversal")
	head := w.head()
	for _, lot := range used {
		if back, held := head.Lot(lot.ID); !held || back.Remaining != lot.Face || !back.ExpiresAt.Equal(lot.ExpiresAt) {
			t.Errorf("lot %s is back as %+v", lot.ID, back)
		}
	}
	if !head.Arrears.IsZero() {
		t.Errorf("arrears are %s", head.Arrears)
	}
}

func TestABillIsReversedOnceHoweverManyAskAtOnce(t *testing.T) {
	w := newWorld(t)
	w.settle("b-1", wallet.BillingCenter)
	var wait sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		wait.Go(func() { statuses[i] = w.send(reversals, fmt.Sprint(i), `{"reason":"r"}`, "bill", "b-1").Status })
	}
	wait.Wait()
	slices.Sort(statuses)
	if statuses[0] != http.StatusCreated || statuses[1] != http.StatusConflict || statuses[19] != http.StatusConflict {
		t.Errorf("statuses %v", statuses)
	}
	w.want(w.send(reversals, "0", `{"reason":"another"}`, "bill", "b-1"), reusedOr409(t, w), "the first key with another reason")
}

// reusedOr409 is what a reversal's key gets with another reason: 422 for the key that won the race, 409 for others.
func reusedOr409(t *testing.T, w *world) int {
	t.Helper()
	found, err := w.ledger.Store.Entries(t.Context(), wallet.ReverseKey("b-1"), wallet.BillKey("b-1"))
	if err != nil {
		t.Fatal(err)
	}
	first := wallet.Reverse{Settled: found[wallet.BillKey("b-1")], Once: "operator,0", Reason: "r"}
	if found[wallet.ReverseKey("b-1")].Fingerprint == first.Fingerprint() {
		return http.StatusUnprocessableEntity
	}
	return http.StatusConflict
}
