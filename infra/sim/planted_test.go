package sim

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

var table = flag.Int("table", 0, "for the table of planted bugs: in how many seeds each is looked for")

// TestPlantedBugsAreFound proves the simulation: each bug must be found, by what holds after a step or in the end, or
// by Porcupine. With -table=N it looks on in N seeds, and counts.
func TestPlantedBugsAreFound(t *testing.T) {
	for _, bug := range plantedBugs {
		t.Run(bug.name, func(t *testing.T) {
			sim, linear, first, why := 0, 0, uint64(0), ""
			n := uint64(400)
			if *table > 0 {
				n = uint64(*table)
			}
			for i := uint64(0); i < n && (first == 0 || *table > 0); i++ {
				seed := 1 + i
				if *table == 0 {
					seed = (max(bug.hint, 1)-1+i)%n + 1
				}
				r := Run(t, seed, Options{Plant: bug.plant})
				found := r.Error() != ""
				if found {
					sim++
				}
				unordered := (*table > 0 || !found) && r.Linearizable(10*time.Second) == porcupine.Illegal
				if unordered {
					linear++
				}
				if (found || unordered) && first == 0 {
					first, why = seed, strings.Join(append(r.Violations, ""), "; ")
				}
			}
			if first == 0 {
				t.Errorf("not found in %d seeds", n)
			}
			if *table > 0 {
				fmt.Printf("| %s | %d | %d | %d |\n", bug.name, sim, linear, first)
			}
			t.Logf("seed %d: %.300s", first, why)
		})
	}
}
