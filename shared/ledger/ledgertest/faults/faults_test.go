package faults_test

import (
	"errors"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/ledger/memory"
)

func TestALateWriteLandsAfterSoManyCalls(t *testing.T) {
	plain := new(memory.Store)
	acme := ledgertest.Open(t, plain, "acme")
	store := faults.Over(plain, faults.Write(1, faults.Fault{Kind: faults.Late, After: 2}))
	if err := store.Commit(t.Context(), acme.Decide(acme.Head(), ledgertest.Bill("b", "1"))); !errors.Is(err, ledger.ErrUnknown) {
		t.Fatal(err)
	}
	for call, want := range []int64{1, 1, 2} { // a call sees what landed with the one before it
		head, err := store.Head(t.Context(), "acme")
		if err != nil || head.Version != want {
			t.Errorf("call %d: version %d, %v, want %d", call+1, head.Version, err, want)
		}
	}
}

func TestASeedGivesTheSameFaults(t *testing.T) {
	one, same, other := faults.Random(7, 0.5), faults.Random(7, 0.5), faults.Random(8, 0.5)
	differs := false
	for range 100 {
		want := one(faults.Call{})
		if got := same(faults.Call{}); got != want {
			t.Fatalf("%v, then %v", want, got)
		}
		differs = differs || other(faults.Call{}) != want
	}
	if !differs {
		t.Error("another seed gives the same")
	}
}

func TestAScriptSparesReads(t *testing.T) {
	plan := faults.Script(faults.Fault{}, faults.Fault{Kind: faults.Lost})
	for writes, want := range []faults.Kind{faults.Nothing, faults.Nothing, faults.Lost, faults.Nothing} {
		if got := plan(faults.Call{Writes: writes}).Kind; got != want {
			t.Errorf("write %d: %s, want %s", writes, got, want)
		}
	}
}
