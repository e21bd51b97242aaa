package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// errKilled is what a dead process gets from every call. Nobody ever sees it: a dead process has no answer.
var errKilled = errors.New("sim: the process is dead")

// worker is a process: one invocation of a function, or one try of a client.
type worker struct {
	sim    *Simulation
	id     int
	name   string
	skew   time.Duration // how wrong its clock is
	ends   time.Time     // when it is killed for taking too long
	dead   bool
	landed []ledger.Commit // the commits of it that were written, even after its end
	report func()          // what to do with its outcome, unless it died
	over   bool
}

// now is the worker's clock.
func (w *worker) now() time.Time { return w.sim.now.Add(w.skew) }

// call is a call on its way out of a process. It waits until the simulation tells its fate.
type call struct {
	worker *worker
	label  string           // what it is: the same on every replay
	about  wallet.AccountID // whose wallet it writes, if any's
	write  bool
	do     func() error // what it does where it arrives
	failed error        // what it gives when it isn't known what became of it
	answer chan error
	at     time.Time // it lands then, when it is late
}

// start begins a process. body runs in a goroutine of its own, and its context ends before the process is killed.
func (s *Simulation) start(name string, limit time.Duration, body func(ctx context.Context, w *worker) (report func())) *worker {
	s.workers++
	w := &worker{sim: s, id: s.workers, name: name, skew: s.weather.offset(s.dice), ends: s.now.Add(limit)}
	s.active = append(s.active, w)
	s.tell("start %d %s %+v", w.id, name, w.skew)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		report := body(ctx, w)
		s.mu.Lock()
		defer s.mu.Unlock()
		w.report, w.over = report, true
	}()
	return w
}

// leave parks a call until its fate is known.
func (w *worker) leave(ctx context.Context, label string, write bool, failed error, do func() error) error {
	return w.park(ctx, &call{worker: w, label: label, write: write, do: do, failed: failed, answer: make(chan error, 1)})
}

func (w *worker) park(ctx context.Context, c *call) error {
	w.sim.mu.Lock()
	if w.dead {
		w.sim.mu.Unlock()
		return errKilled
	}
	w.sim.parked = append(w.sim.parked, c)
	w.sim.mu.Unlock()
	select {
	case err := <-c.answer:
		return err
	case <-ctx.Done(): // it hangs, and its caller gives up: it may still arrive
		w.sim.mu.Lock()
		defer w.sim.mu.Unlock()
		w.sim.parked = slices.DeleteFunc(w.sim.parked, func(p *call) bool { return p == c })
		if c.write {
			w.sim.abandoned = append(w.sim.abandoned, c)
		}
		return c.failed
	}
}

// wait is the pause between two tries: others go on meanwhile.
func (w *worker) wait(ctx context.Context, attempt int) error {
	return w.leave(ctx, fmt.Sprintf("pause %d", attempt), false, ctx.Err(), func() error { return ctx.Err() })
}

// sort brings what is parked into an order that depends on the seed alone.
func (s *Simulation) sort(calls []*call) {
	slices.SortStableFunc(calls, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.worker.id, b.worker.id), cmp.Compare(a.label, b.label))
	})
}

// release lets one parked call meet its fate.
func (s *Simulation) release(at int) {
	c := s.parked[at]
	s.parked = slices.Delete(s.parked, at, at+1)
	w := c.worker
	if s.weather.jumps > 0 && s.dice.Float64() < s.weather.jumps {
		w.skew = s.weather.offset(s.dice)
	}
	f := s.weather.draw(s.dice, c.write)
	if s.now.Before(s.outageEnds) && f < crashBefore {
		f = lost
	}
	s.result.writes = append(s.result.writes, c.write)
	if s.one.Fair && len(s.result.writes) == s.one.Call {
		f = s.one.Fate.of(c.write)
	}
	s.result.Calls[f]++
	s.tell("%d %s: %s", w.id, c.label, f)
	switch f {
	case done:
		c.answer <- s.arrive(c)
	case lost:
		c.answer <- c.failed
	case answerLost:
		s.arrive(c) //nolint:errcheck // its answer is what is lost
		c.answer <- c.failed
	case late:
		c.at = s.now.Add(time.Duration(s.dice.Int64N(int64(15 * time.Minute))))
		s.late = append(s.late, c)
		c.answer <- c.failed
	case throttled:
		c.answer <- ledger.ErrThrottled
	case contended:
		c.answer <- ledger.ErrContended
	case crashBefore:
		c.answer <- errKilled
		s.kill(w)
	case crashAfter:
		s.arrive(c) //nolint:errcheck // nobody is there to hear of it
		c.answer <- errKilled
		s.kill(w)
	}
}

// arrive does a call, and audits what it did.
func (s *Simulation) arrive(c *call) error {
	s.doing = c.worker
	err := c.do()
	s.doing = nil
	if c.write && !s.failed() {
		s.tell("  %d %s gives %v", c.worker.id, c.label, err)
		s.audit(c.about)
	}
	return err
}

// kill ends a process: none of its calls goes out any more.
func (s *Simulation) kill(w *worker) {
	s.tell("kill %d", w.id)
	w.dead = true
	s.parked = slices.DeleteFunc(s.parked, func(c *call) bool {
		if c.worker == w {
			c.answer <- errKilled
		}
		return c.worker == w
	})
}

// reap hears the outcomes of processes that are over, the oldest first.
func (s *Simulation) reap() {
	var over []*worker
	s.active = slices.DeleteFunc(s.active, func(w *worker) bool {
		if w.over {
			over = append(over, w)
		}
		return w.over
	})
	s.sort(s.abandoned)
	for _, c := range s.abandoned { // whether it arrives isn't known to anybody
		if s.dice.IntN(2) == 0 {
			c.at = s.now.Add(time.Duration(s.dice.Int64N(int64(15 * time.Minute))))
			s.late = append(s.late, c)
		}
	}
	s.abandoned = nil
	for _, w := range over {
		s.tell("over %d %s dead=%t", w.id, w.name, w.dead)
		w.report()
	}
}
