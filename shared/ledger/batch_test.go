package ledger_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// recorded notes the operations of a store's calls.
func recorded(operations *[]string) faults.Plan {
	return func(call faults.Call) faults.Fault {
		*operations = append(*operations, call.Operation)
		return faults.Fault{}
	}
}

func count(operations []string, name string) (n int) {
	for _, operation := range operations {
		if operation == name {
			n++
		}
	}
	return n
}

func TestABatchOf250IsThreeCommits(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		var operations []string
		must(t, on(faults.Over(g.store, recorded(&operations))).DoAll(t.Context(), "acme", intents(ledgertest.Bills("b", 250, "0.01")...))...)
		if want := []string{"Head", "Commit", "Head", "Commit", "Head", "Commit"}; !slices.Equal(operations, want) {
			t.Errorf("it took %v", operations)
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 252 {
			t.Errorf("%d entries", len(journal))
		}
	})
}

func TestDuplicatesCostOneReadAfterTheFirstCancelledCommit(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		old := ledgertest.Bills("old", 20, "0.01")
		must(t, on(g.store).DoAll(t.Context(), "acme", intents(old...))...)
		for _, c := range []struct {
			name  string
			bills []wallet.Command
			want  []string
		}{
			{"all were there", old, []string{"Head", "Commit", "Entries"}},
			{"most were there", append(slices.Clone(old), ledgertest.Bills("new", 5, "0.01")...), []string{"Head", "Commit", "Entries", "Head", "Commit"}},
		} {
			var operations []string
			outcomes := on(faults.Over(g.store, recorded(&operations))).DoAll(t.Context(), "acme", intents(c.bills...))
			must(t, outcomes...)
			if !slices.Equal(operations, c.want) {
				t.Errorf("%s: it took %v", c.name, operations)
			}
			for i, outcome := range outcomes {
				if outcome.Repeated != (i < len(old)) {
					t.Errorf("%s: bill %d: repeated is %t", c.name, i, outcome.Repeated)
				}
			}
		}
		ledgertest.CheckReplay(t, g.store, "acme")
	})
}

func TestALookUpThatFailedIsMadeAgainBeforeAnythingIsWritten(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		old := ledgertest.Bills("old", 3, "0.01")
		must(t, on(g.store).DoAll(t.Context(), "acme", intents(old...))...)
		var operations []string
		plan := func(call faults.Call) faults.Fault {
			if operations = append(operations, call.Operation); count(operations, "Entries") == 1 {
				return faults.Fault{Kind: faults.Throttled}
			}
			return faults.Fault{}
		}
		must(t, on(faults.Over(g.store, plan)).DoAll(t.Context(), "acme", intents(old...))...)
		if want := []string{"Head", "Commit", "Entries", "Entries"}; !slices.Equal(operations, want) {
			t.Errorf("it took %v", operations)
		}
	})
}

func TestDuplicatesWithinABatch(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		outcomes := on(g.store).DoAll(t.Context(), "acme", intents(
			ledgertest.Bill("a", "1"), ledgertest.Bill("b", "2"), ledgertest.Bill("a", "1"), ledgertest.Bill("a", "1.5"), ledgertest.Bill("c", "3"),
		))
		if err := outcomes[3].Err; !refusal.Is(err, refusal.KeyReused) {
			t.Errorf("other content: %v", err)
		}
		outcomes[3].Err = nil
		must(t, outcomes...)
		if !outcomes[2].Repeated || !sameEntry(outcomes[0].Receipt, outcomes[2].Receipt) || outcomes[0].Repeated {
			t.Errorf("same content: %+v", outcomes[2])
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 5 {
			t.Errorf("%d entries", len(journal))
		}
	})
}

func TestARefusedFirstLeavesItsDuplicateToBeDecided(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 0)
		buy := wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)}
		outcomes := on(g.store).DoAll(t.Context(), "acme", intents(buy, ledgertest.Cash("r", 100), buy))
		if !refusal.Is(outcomes[0].Err, refusal.Insufficient) {
			t.Errorf("first: %v", outcomes[0].Err)
		}
		must(t, outcomes[1:]...)
		if outcomes[2].Repeated {
			t.Error("it was decided, not repeated")
		}
		ledgertest.CheckReplay(t, g.store, "acme")
	})
}

func TestARefusalInTheMiddleStopsNobody(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		foreign := ledgertest.Bill("usd", "1")
		foreign.Bill.Currency = money.USD
		foreign.Bill.Lines[0].Amount = money.ZeroExact(money.USD)
		outcomes := on(g.store).DoAll(t.Context(), "acme", intents(
			ledgertest.Bill("a", "1"), foreign, ledgertest.Bill("b", "1"),
			wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)}, ledgertest.Bill("c", "1"),
		))
		for i, want := range []refusal.Kind{"", refusal.NotApplicable, "", refusal.Insufficient, ""} {
			if err := outcomes[i].Err; want == "" && err != nil || want != "" && !refusal.Is(err, want) {
				t.Errorf("outcome %d: %v, want %q", i, err, want)
			}
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 5 {
			t.Errorf("%d entries", len(journal))
		}
	})
}

func TestWhatWasDoneIsNotRefusedLater(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		buy := wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)}
		must(t, on(g.store).DoAll(t.Context(), "acme", intents(buy))...)
		outcomes := on(g.store).DoAll(t.Context(), "acme", intents(ledgertest.Bill("a", "1"), buy, ledgertest.Bill("b", "1")))
		must(t, outcomes...)
		if !outcomes[1].Repeated {
			t.Errorf("%+v", outcomes[1])
		}
		ledgertest.CheckReplay(t, g.store, "acme")
	})
}

func TestTwoOfABatchThatTurnTheSameDocument(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 0)
		putCode(t, g.store)
		var operations []string
		outcomes := on(faults.Over(g.store, recorded(&operations))).DoAll(t.Context(), "acme", []ledger.Intent{
			entering(g.store, "acme", "1"), entering(g.store, "acme", "1"), entering(g.store, "acme", "2"), {Command: ledgertest.Bill("a", "1")},
		})
		if !refusal.Is(outcomes[2].Err, refusal.NotFound) {
			t.Errorf("the used code: %v", outcomes[2].Err)
		}
		outcomes[2].Err = nil
		must(t, outcomes...)
		if !outcomes[1].Repeated || !sameEntry(outcomes[0].Receipt, outcomes[1].Receipt) {
			t.Errorf("the same request: %+v", outcomes[1])
		}
		// The second finds its entry taken, the third the code used.
		if commits := count(operations, "Commit"); commits > 4 {
			t.Errorf("it took %v", operations)
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 3 {
			t.Errorf("%d entries", len(journal))
		}
	})
}

// poisoned refuses commits with certain entries as a database refuses what is too large.
type poisoned struct{ ledger.Store }

var errPoison = errors.New("item size has exceeded the maximum allowed size")

func (p poisoned) Commit(ctx context.Context, commit ledger.Commit) error {
	if slices.ContainsFunc(commit.Entries, func(e wallet.Entry) bool { return strings.Contains(string(e.Key), "poison") }) {
		return errPoison
	}
	return p.Store.Commit(ctx, commit)
}

func TestAnEntryThatCannotBeKeptStopsNobodyElse(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		bills := ledgertest.Bills("b", 40, "0.01")
		bills[7], bills[30] = ledgertest.Bill("poison-1", "1"), ledgertest.Bill("poison-2", "1")
		var operations []string
		outcomes := on(faults.Over(poisoned{g.store}, recorded(&operations))).DoAll(t.Context(), "acme", intents(bills...))
		for i, outcome := range outcomes {
			if poison := i == 7 || i == 30; poison != errors.Is(outcome.Err, errPoison) || !poison && outcome.Err != nil {
				t.Errorf("bill %d: %v", i, outcome.Err)
			}
		}
		if commits := count(operations, "Commit"); commits > 30 {
			t.Errorf("it took %d commits", commits)
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 40 {
			t.Errorf("%d entries", len(journal))
		}
	})
}

// TestWhatMayHaveBeenDoneIsLookedForFirst: a redelivered bill costs a read, and not a cancelled commit.
func TestWhatMayHaveBeenDoneIsLookedForFirst(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		old := ledgertest.Bills("old", 20, "0.01")
		must(t, on(g.store).DoAll(t.Context(), "acme", intents(old...))...)
		for _, c := range []struct {
			name  string
			bills []wallet.Command
			want  []string
		}{
			{"all were there", old, []string{"Entries"}},
			{"most were there", append(slices.Clone(old), ledgertest.Bills("new", 5, "0.01")...), []string{"Entries", "Head", "Commit"}},
		} {
			var operations []string
			again := intents(c.bills...)
			for i := range again {
				again[i].Again = i < len(old)
			}
			outcomes := on(faults.Over(g.store, recorded(&operations))).DoAll(t.Context(), "acme", again)
			must(t, outcomes...)
			if !slices.Equal(operations, c.want) {
				t.Errorf("%s: it took %v", c.name, operations)
			}
			for i, outcome := range outcomes {
				if outcome.Repeated != (i < len(old)) {
					t.Errorf("%s: bill %d: repeated is %t", c.name, i, outcome.Repeated)
				}
			}
		}
		ledgertest.CheckReplay(t, g.store, "acme")
	})
}
