package sim

import (
	"context"
	"testing"

	"billingcentre/shared/ledger"
)

// TestSimulationOfArrears lives seeds with monthly bills, countdowns and locks besides. They are others than those without:
// each has a sequence of its own.
func TestSimulationOfArrears(t *testing.T) {
	if *only > 0 {
		t.Skip("-seed is about the other test")
	}
	inLanes(t, *first, max(1, *seeds/5), func(t *testing.T, seed uint64) bool {
		r := Run(t, seed, Options{Arrears: true})
		if why := r.Error(); why != "" {
			t.Error(why)
		}
		return !t.Failed()
	})
}

// Bugs that are planted into the keeping of arrears are found, within so many seeds.
func TestPlantedBugsOfArrearsAreFound(t *testing.T) {
	for bug, plant := range map[string]Plant{
		"the condition on a standing's version is dropped": below(blindStandings),
		"a countdown is put apart from its monthly bill":   above(countdownLater),
		"the mark of a fall into arrears isn't committed":  above(unmarked),
	} {
		found := uint64(0)
		for seed := uint64(1); seed <= 400 && found == 0; seed++ {
			if r := Run(t, seed, Options{Arrears: true, Plant: plant}); len(r.Violations) > 0 {
				found = seed
				t.Logf("%s: seed %d, %s", bug, seed, r.Violations[0])
			}
		}
		if found == 0 {
			t.Errorf("not found: %s", bug)
		}
	}
}

// blindStandings writes an account's standing whatever version is there.
func blindStandings(next ledger.Store, _ *Simulation) ledger.Store {
	return &tampered{Store: next, put: func(ctx context.Context, documents []ledger.Document) error {
		for i, d := range documents {
			if d.Key.Kind == "arrears" || d.Key.Kind == "arrears-case" || d.Key.Kind == "notice" {
				now, err := next.Documents(ctx, d.Key)
				if err != nil {
					return err
				}
				documents[i].Version = now[d.Key].Version
			}
		}
		return next.Put(ctx, documents...)
	}}
}

// countdownLater puts a monthly bill first, and then its countdown: a process may die in between.
func countdownLater(next ledger.Store, _ *worker) ledger.Store {
	return &tampered{Store: next, put: func(ctx context.Context, documents []ledger.Document) error {
		if documents[0].Key.Kind != "monthly-bill" || len(documents) == 1 {
			return next.Put(ctx, documents...)
		}
		if err := next.Put(ctx, documents[0]); err != nil {
			return err
		}
		return next.Put(ctx, documents[1:]...)
	}}
}

// unmarked commits settled bills without what tells that they weren't covered.
func unmarked(next ledger.Store, _ *worker) ledger.Store {
	return &tampered{Store: next, commit: func(ctx context.Context, c ledger.Commit) error {
		var rest []ledger.Document
		for _, d := range c.Documents {
			if d.Key.Kind != "arrears-mark" {
				rest = append(rest, d)
			}
		}
		c.Documents = rest
		return next.Commit(ctx, c)
	}}
}
