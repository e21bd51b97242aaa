package audit

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// silent tells how many of the runs of two days didn't find what the first one that found something did; -1: none did.
func (w *world) silent() int {
	first, silent := false, 0
	for range 2 * 96 {
		w.now = w.now.Add(15 * time.Minute)
		switch found := len(w.audit().Findings) > 0; {
		case found:
			first = true
		case first:
			silent++
		}
	}
	if !first {
		return -1
	}
	return silent
}

// mended fails unless nothing is found a day after it was put right.
func (w *world) mended() {
	w.t.Helper()
	w.plant(plant{})
	for range 8 {
		w.now = w.now.Add(8 * time.Hour)
		w.audit()
	}
	if got := w.audit(); !got.Complete() {
		w.t.Errorf("put right, it is found: %v", got.Findings)
	}
}

// What is found is found in every run from then on, until it is put right: the alarm must last as long as what it is about.
func TestAFindingLastsAsLongAsTheDamage(t *testing.T) {
	for _, p := range plants {
		t.Run(p.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).story()
			w.audit()
			w.plant(p)
			if silent := w.silent(); silent != 0 {
				t.Errorf("not found by %d runs", silent)
			}
			w.mended()
		})
	}
}

// In a journal of many pages too, which one run of the patrol doesn't come through.
func TestAFindingLastsInALongJournal(t *testing.T) {
	for _, what := range []string{"a reason changed, and the chain was mended", "the order is about another amount", "a grant isn't listed as one"} {
		w := newWorld(t).story()
		w.more(450)
		w.audit()
		for _, p := range plants {
			if p.what == what {
				w.plant(p)
			}
		}
		if silent := w.silent(); silent != 0 {
			t.Errorf("%s: not found by %d runs", what, silent)
		}
		w.mended()
	}
}

// An order that says it was credited, by an entry that nobody ever saw, is found by the order alone.
func TestAClaimOfADocumentLasts(t *testing.T) {
	w := newWorld(t).story()
	w.audit()
	forged := recharge.Order{ID: "R9", Account: "acme", Currency: money.CNY, Minor: 1, State: recharge.Credited, Trade: "T9", Channel: "alipay"}
	put := func(version int64, order recharge.Order) {
		t.Helper()
		document := ledger.Document{Key: recharge.Key("R9"), Version: version}.With(order).In(recharge.ListOf("acme"), "9")
		if err := w.store.Put(t.Context(), document); err != nil {
			t.Fatal(err)
		}
	}
	put(0, forged)
	if silent := w.silent(); silent != 0 {
		t.Errorf("not found by %d runs", silent)
	}
	forged.State = recharge.Awaiting
	put(1, forged)
	w.mended()
}

// What can't be read is found, and hides nothing else: neither a document, nor an entry that one names.
func TestDamageHidesNothingElse(t *testing.T) {
	garbage := only("recharge", func(d *ledger.Document) {
		if d.Key.ID == "R1" {
			d.Body = []byte("-")
		}
	})
	for what, spoil := range map[string]func(s *tampered){
		"an order that nobody can read":                func(s *tampered) { s.documents = garbage },
		"an order of an entry nobody can read":         func(s *tampered) { s.damaged = "recharge:R1" },
		"an entry that isn't there, and can't be read": func(s *tampered) { s.damaged = "recharge:R9" },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t).story()
			for n := range 7 {
				claimed := recharge.Order{ID: fmt.Sprint("R", 3+n), Account: "acme", Currency: money.CNY, Minor: 1, State: recharge.Credited}
				if err := w.store.Put(t.Context(), ledger.Document{Key: recharge.Key(claimed.ID)}.With(claimed).In(recharge.ListOf("acme"), claimed.ID)); err != nil {
					t.Fatal(err)
				}
			}
			spoil(w.store)
			var keys []wallet.Key
			for range 3 {
				keys = nil
				for _, f := range w.audit().Findings {
					keys = append(keys, f.Key)
				}
			}
			slices.Sort(keys)
			want := []wallet.Key{"recharge:R3", "recharge:R4", "recharge:R5", "recharge:R6", "recharge:R7", "recharge:R8", "recharge:R9"}
			if what != "an entry that isn't there, and can't be read" {
				want = slices.Insert(want, 0, wallet.Key("recharge:R1"))
			}
			if got := slices.Compact(keys); !slices.Equal(got, want) {
				t.Errorf("found %v", got)
			}
		})
	}
}

// Verify trusts nothing that was verified before; yet what was must still be there. An entry and a head that go back together
// leave no other trace.
func TestVerifyMissesWhatWasThereBefore(t *testing.T) {
	w := newWorld(t).story()
	old := w.head()
	w.more(3)
	back := plant{head: func(wallet.Head) (wallet.Head, error) { return old, nil }, journal: func(all []placed) []placed { return all[:12] }}
	for _, row := range []struct {
		verified bool
		want     Kind
		plant    plant
	}{
		{false, "", back}, // nobody can know: README, "What it doesn't find"
		{true, HeadBehind, back},
		{true, Rewritten, plant{
			journal: entry(3, true, func(e *wallet.Entry) { e.Reason = "gift" }),
			head: func(h wallet.Head) (wallet.Head, error) {
				journal, err := w.store.Journal(t.Context(), "acme", 0, 1)
				h.Last = journal[0].Hash()
				return h, err
			},
		}},
	} {
		if row.verified {
			w.plant(plant{})
			w.audit()
		}
		w.plant(row.plant)
		got, err := w.Verify(t.Context(), "acme")
		if err != nil || row.want == "" && !got.Complete() || row.want != "" && (len(got.Findings) != 1 || got.Findings[0].Kind != row.want) {
			t.Errorf("want %s: %v, %v", row.want, got.Findings, err)
		}
	}
}
