package sim

import (
	"math/rand/v2"
	"time"
)

// fate is what becomes of a call that leaves a process.
type fate int

const (
	done        fate = iota
	lost             // it never arrives
	answerLost       // it is done, and nobody hears of it
	late             // nobody hears of it, and it is done some time later
	throttled        // refused for its rate
	contended        // refused, for others write to the same items
	crashBefore      // the process dies before the call
	crashAfter       // it is done, and the process dies before it hears of it
)

func (f fate) String() string {
	return [...]string{"done", "lost", "answer lost", "late", "throttled", "contended", "crash before", "crash after"}[f]
}

// weather is what a seed has in store. Most seeds leave some of it out: what never happens together with everything
// else is found by those that have little else.
type weather struct {
	rates    [crashAfter + 1]float64
	ackLost  float64 // a batch's answer doesn't reach the queue
	twice    float64 // a message comes twice at once
	skew     time.Duration
	jumps    float64 // a worker's clock is set anew in the middle of its work
	stale    float64 // a list gives what it gave before
	outage   bool    // three hours without a database
	eager    float64 // how much rather a parked call goes on than something else begins
	workers  int     // at the same time
	accounts int
	bills    int
	asks     int // of clients
}

// kinds of faults that a seed may leave out.
var faultRates = [...]struct {
	fate fate
	most float64
}{{lost, 0.05}, {answerLost, 0.3}, {late, 0.3}, {throttled, 0.1}, {contended, 0.2}, {crashBefore, 0.04}, {crashAfter, 0.05}}

func forecast(dice *rand.Rand) weather {
	w := weather{
		eager: 0.4 + 0.5*dice.Float64(), workers: 2 + dice.IntN(5), accounts: 1 + dice.IntN(3), bills: 4 + dice.IntN(10), asks: 4 + dice.IntN(12),
		outage: dice.IntN(6) == 0,
	}
	for _, r := range faultRates {
		if dice.IntN(3) > 0 {
			w.rates[r.fate] = r.most * dice.Float64()
		}
	}
	if dice.IntN(2) == 0 {
		w.skew = time.Duration(dice.Int64N(int64(10 * time.Minute)))
		w.jumps = 0.05 * float64(dice.IntN(3))
	}
	if dice.IntN(3) > 0 {
		w.ackLost, w.twice = 0.2*dice.Float64(), 0.3*dice.Float64()
	}
	return w
}

// fair is as much going on as in the storm, without its faults.
func (w weather) fair() weather {
	return weather{twice: w.twice, eager: w.eager, workers: w.workers, accounts: w.accounts, bills: w.bills, asks: w.asks}
}

// calm is the weather at the end: nothing fails any more.
func (w weather) calm() weather {
	return weather{eager: 1, workers: w.workers, accounts: w.accounts}
}

// of is what a fate is for a write, or for a read.
func (f fate) of(write bool) fate {
	if !write && (f == late || f == answerLost || f == contended) {
		return done // these are fates of writes
	}
	return f
}

// draw is the fate of one call.
func (w *weather) draw(dice *rand.Rand, write bool) fate {
	roll := dice.Float64()
	for f, rate := range w.rates {
		if roll -= rate; rate > 0 && roll < 0 {
			return fate(f).of(write)
		}
	}
	return done
}

// offset is how wrong a worker's clock is.
func (w *weather) offset(dice *rand.Rand) time.Duration {
	if w.skew == 0 {
		return 0
	}
	return (time.Duration(dice.Int64N(int64(2*w.skew))) - w.skew).Truncate(time.Millisecond)
}
