package sim

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"billingcentre/shared/wallet"
)

var every = flag.Bool("every", false, "each fault at each call, not only what kills, and what writes meet")

// whole is a short life of all verbs: bills, a top-up and its notice, a code, a purchase, an order, an expiry, a reversal, a
// correction.
const whole = 301

// faults are the fates of the calls of a life, one by one. Of calls that write those are all; of others the death of their
// process, unless every one is asked for.
func faultsOf(life Result) (all []One) {
	for i, write := range life.writes {
		for f := lost; f <= crashAfter; f++ {
			if f.of(write) == f && (write || *every || f == crashAfter) {
				all = append(all, One{Fair: true, Call: 1 + i, Fate: f})
			}
		}
	}
	return all
}

// T-10 to T-13: in a life without faults, each call that leaves a process meets each fault once, all else being well: it is
// lost, or done without an answer, or done much later, or refused, or takes its process with it, before or after it was done.
func TestEachFaultAtEachCall(t *testing.T) {
	if *only > 0 {
		t.Skip("one seed was asked for")
	}
	fair := Run(t, whole, Options{One: One{Fair: true}})
	if why := fair.Error(); why != "" {
		t.Fatal(why)
	}
	kinds := map[wallet.EntryKind]bool{}
	for _, o := range fair.History {
		if o.Entry != nil {
			kinds[o.Entry.Kind] = true
		}
	}
	for _, kind := range []wallet.EntryKind{
		wallet.Settled, wallet.ToppedUp, wallet.Activated, wallet.Purchased, wallet.Ordered, wallet.Lapsed, wallet.Reversed, wallet.Adjusted,
	} {
		if !kinds[kind] {
			t.Errorf("nothing was %s in it", kind)
		}
	}
	var met counts
	all := faultsOf(fair)
	inLanes(t, 0, len(all), func(t *testing.T, n uint64) bool {
		r := Run(t, whole, Options{One: all[n]})
		met.add(&r)
		what := fmt.Sprintf("call %d: %s", all[n].Call, all[n].Fate)
		if why := r.Error(); why != "" {
			t.Errorf("%s: %s", what, why)
		} else if r.Linearizable(time.Minute) == porcupine.Illegal {
			t.Errorf("%s: the history isn't linearizable", what)
		}
		return !t.Failed()
	})
	if met.seeds != len(all) || met.fates[crashAfter] != len(fair.writes) {
		t.Errorf("of %d faults: %v", len(all), &met)
	}
	t.Logf("%d calls, %v", len(fair.writes), &met)
}
