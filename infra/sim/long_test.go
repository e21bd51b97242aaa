package sim

import (
	"flag"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

var (
	crowds     = flag.Int("crowds", 4, "how many seeds are lived by a crowd, for long histories")
	operations = flag.Int("operations", 200, "how long those are at least")
)

// clients is how many a crowd has at once, all on one account.
const clients = 16

// TestLongHistories: a crowd's history is linearizable, under every fault.
func TestLongHistories(t *testing.T) {
	if *only > 0 {
		t.Skip("one seed was asked for")
	}
	inLanes(t, *first, *crowds, func(t *testing.T, seed uint64) bool {
		began := time.Now()
		r := Run(t, seed, Options{Crowd: Crowd{Clients: clients, Operations: *operations}})
		lived := time.Since(began)
		if why := r.Error(); why != "" {
			t.Error(why)
		} else if got := r.Linearizable(time.Minute); got != porcupine.Ok {
			t.Errorf("seed %d: Porcupine says %s of the history of its %d operations", seed, got, len(r.History))
		}
		t.Logf("seed %d: %d operations of %d clients on one account, %d entries, %d steps, in %s; Porcupine took %s", seed, len(r.History), clients,
			r.Entries, r.Steps, lived.Round(time.Millisecond), (time.Since(began) - lived).Round(time.Millisecond))
		return !t.Failed() && hasTime()
	})
}

// TestALongHistoryThatIsWrongIsFound: heads that lag behind are a bug that only Porcupine finds.
func TestALongHistoryThatIsWrongIsFound(t *testing.T) {
	r := Run(t, 1, Options{Plant: below(staleHeads), Crowd: Crowd{Clients: clients, Operations: 200}})
	if why := r.Error(); why != "" {
		t.Fatal(why)
	}
	if got := r.Linearizable(time.Minute); got != porcupine.Illegal {
		t.Errorf("Porcupine says %s of the history of its %d operations", got, len(r.History))
	}
}
