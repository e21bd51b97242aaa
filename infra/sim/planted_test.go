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

// farEnough is how many seeds each planted bug is looked for in.
const farEnough = 400

// TestPlantedBugsAreFound proves the simulation: each bug must be found, by what holds after a step or in the end, or
// by Porcupine. With -table=N it counts in how many of the first N seeds it is, and looks on where it is in none.
func TestPlantedBugsAreFound(t *testing.T) {
	for _, bug := range plantedBugs {
		t.Run(bug.name, func(t *testing.T) {
			sim, linear, first, why := 0, 0, uint64(0), ""
			for i := 0; i < farEnough && (first == 0 || i < *table); i++ {
				seed := 1 + uint64(i)
				if *table == 0 {
					seed = (max(bug.hint, 1)-1+uint64(i))%farEnough + 1
				}
				r := Run(t, seed, Options{Plant: bug.plant})
				found := r.Error() != ""
				unordered := (i < *table || !found) && r.Linearizable(10*time.Second) == porcupine.Illegal
				if found && i < *table {
					sim++
				}
				if unordered && i < *table {
					linear++
				}
				if (found || unordered) && first == 0 {
					first, why = seed, strings.Join(append(r.Violations, ""), "; ")
				}
			}
			if first == 0 {
				t.Errorf("not found in %d seeds", farEnough)
			}
			if *table > 0 {
				fmt.Printf("| %s | %d | %d | %d |\n", bug.name, sim, linear, first)
			}
			t.Logf("seed %d: %.300s", first, why)
		})
	}
}
