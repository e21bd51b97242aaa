package sim

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

var (
	seeds  = flag.Int("seeds", 250, "how many seeds are simulated")
	first  = flag.Uint64("first", 1, "the first of them")
	within = flag.Duration("within", 0, "begin no further seed so long after the start; 0: all are simulated, however long it takes")
	only   = flag.Uint64("seed", 0, "simulate this one only, and print all that happens")
)

// started is when the tests were.
var started = time.Now()

func hasTime() bool { return *within == 0 || time.Since(started) < *within }

// lanes is how many seeds are simulated at once.
const lanes = 2

// counts are what a run of many seeds met.
type counts struct {
	mu         sync.Mutex
	seeds      int
	steps      int
	entries    int
	operations int
	fates      [crashAfter + 1]int
}

func (c *counts) add(r *Result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seeds++
	c.steps += r.Steps
	c.entries += r.Entries
	c.operations += len(r.History)
	for f, n := range r.Calls {
		c.fates[f] += n
	}
}

func (c *counts) String() string {
	var fates []string
	for f, n := range c.fates {
		fates = append(fates, fmt.Sprintf("%d %s", n, fate(f)))
	}
	return fmt.Sprintf("%d seeds, %d steps, %d entries, %d operations; calls: %s", c.seeds, c.steps, c.entries, c.operations, strings.Join(fates, ", "))
}

// TestSimulation lives many seeds, and has Porcupine read each one's history. A failure prints its seed.
func TestSimulation(t *testing.T) {
	if *only > 0 {
		alone(t, *only)
		return
	}
	if *seeds < 1 {
		t.Fatal("no seed was asked for: nothing would be shown")
	}
	var met counts
	began := time.Now()
	inLanes(t, *first, *seeds, func(t *testing.T, seed uint64) bool {
		r := Run(t, seed, Options{})
		met.add(&r)
		if why := r.Error(); why != "" {
			again := Run(t, seed, Options{})
			t.Errorf("%s\nreplayed identically: %t", why, again.Digest == r.Digest)
		} else if r.Linearizable(time.Minute) == porcupine.Illegal {
			t.Errorf("seed %d: the history of its %d operations isn't linearizable; repeat it with: make sim SEED=%d", seed, len(r.History), seed)
		}
		return !t.Failed() && hasTime()
	})
	t.Logf("%v, in %s", &met, time.Since(began).Round(time.Millisecond))
	if met.seeds < *seeds && !t.Failed() {
		t.Logf("%d of %d seeds passed in the %s that they had", met.seeds, *seeds, *within)
	}
}

// inLanes runs seeds in a few lanes, until one of them is told to stop.
func inLanes(t *testing.T, first uint64, n int, run func(t *testing.T, seed uint64) bool) {
	var next atomic.Uint64
	t.Run("lanes", func(t *testing.T) {
		for lane := range lanes {
			t.Run(fmt.Sprint(lane), func(t *testing.T) {
				t.Parallel()
				for {
					i := next.Add(1) - 1
					if i >= uint64(n) || !run(t, first+i) {
						next.Store(uint64(n))
						return
					}
				}
			})
		}
	})
}

// alone prints the life of one seed.
func alone(t *testing.T, seed uint64) {
	r := Run(t, seed, Options{Trace: true})
	fmt.Fprintln(os.Stderr, strings.Join(r.Trace, "\n"))
	if why := r.Error(); why != "" {
		t.Error(why)
	}
	t.Logf("%d steps, %d entries, %d operations, digest %s, Porcupine says %s", r.Steps, r.Entries, len(r.History), r.Digest, r.Linearizable(time.Minute))
}

// TestASeedReplaysIdentically: the whole trace, and every account's end.
func TestASeedReplaysIdentically(t *testing.T) {
	for seed := uint64(1); seed <= 30; seed++ {
		one, two := Run(t, seed, Options{Trace: true}), Run(t, seed, Options{Trace: true})
		if one.Digest != two.Digest {
			for i := range min(len(one.Trace), len(two.Trace)) {
				if one.Trace[i] != two.Trace[i] {
					t.Fatalf("seed %d, line %d:\n%s\n%s", seed, i, one.Trace[i], two.Trace[i])
				}
			}
			t.Fatalf("seed %d: %s, then %s", seed, one.Digest, two.Digest)
		}
	}
}
