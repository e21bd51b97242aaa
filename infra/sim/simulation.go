package sim

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/wallet"
)

// dawn is when every seed's life begins.
var dawn = time.Date(2026, time.November, 2, 3, 0, 0, 0, time.UTC)

// Options are what a run may have besides its seed.
type Options struct {
	Store ledger.Store  // nil for one in memory
	Truth ledger.Store  // the same store without any faults of its own, for the auditors; nil for Store itself
	Storm func(on bool) // is told when the storm begins and ends, for faults of the store's own
	Plant Plant         // a bug
	Trace bool          // keep all of the trace, not only its end
	Crowd Crowd         // instead of the seed's own number of clients and accounts
	One   One           // instead of the seed's own faults

	Arrears bool // monthly bills, countdowns and locks besides
}

// Crowd is many clients at once on one account, until its history is so long.
type Crowd struct{ Clients, Operations int }

// One is a single fault in a life that has no other: what becomes of the call of a number, counted from 1.
type One struct {
	Fair bool
	Call int
	Fate fate
}

// Result is what became of a seed.
type Result struct {
	Seed       uint64
	Violations []string // what didn't hold; nothing more happens after the first step that has some
	Trace      []string // what happened: the last of it, or all
	Digest     string   // of the whole trace and of every account's end: equal when a replay is identical
	History    []Operation
	Began      map[wallet.AccountID][]wallet.Entry // the entries that accounts began with
	Steps      int
	Entries    int // that were committed under all that
	Calls      [crashAfter + 1]int
	writes     []bool // of each call, whether it writes
}

// Simulation is one seed's life.
type Simulation struct {
	dice    *rand.Rand
	lag     *rand.Rand // the dice of lists alone
	weather weather
	now     time.Time
	store   ledger.Store
	truth   ledger.Store // as auditors see it
	told    func(storm bool)
	plant   Plant
	crowd   Crowd
	one     One

	mu        sync.Mutex // the simulation has it but while it rests
	parked    []*call
	abandoned []*call
	active    []*worker
	late      []*call
	workers   int
	doing     *worker // whose call arrives just now

	lists      map[string]any // what each list gave last
	queue      queue
	world      world
	auditors   map[wallet.AccountID]*auditor
	history    []Operation
	doubtful   []doubt
	began      map[wallet.AccountID][]wallet.Entry // what accounts began with
	outageEnds time.Time
	outages    int
	dunning    dunning

	steps  int
	digest hash.Hash
	result *Result
	keep   bool
}

// Run lives one seed. It is the caller's to say whether that fails a test.
func Run(t *testing.T, seed uint64, o Options) (result Result) {
	synctest.Test(t, func(*testing.T) {
		s := &Simulation{
			dice: rand.New(rand.NewPCG(seed, 0x5eed)), lag: rand.New(rand.NewPCG(seed, 0x1a6)), lists: map[string]any{}, now: dawn,
			store: o.Store, truth: o.Truth, told: o.Storm, plant: o.Plant, keep: o.Trace, crowd: o.Crowd, one: o.One,
			digest: sha256.New(), result: &Result{Seed: seed}, auditors: map[wallet.AccountID]*auditor{},
			dunning: dunning{on: o.Arrears, months: map[wallet.AccountID]int{}},
		}
		s.run()
		result = *s.result
	})
	return result
}

func (s *Simulation) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() {
		if broken := recover(); broken != nil {
			s.violated("panic: %v", broken)
		}
		s.close()
	}()
	if s.store == nil {
		s.store = new(memory.Store)
	}
	s.weather = forecast(s.dice)
	if s.lag.IntN(3) == 0 {
		s.weather.stale = 0.5 * s.lag.Float64()
	}
	if s.one.Fair {
		s.weather = s.weather.fair()
	}
	if c := s.crowd; c.Clients > 0 {
		s.weather.workers, s.weather.accounts, s.weather.bills, s.weather.asks = c.Clients, 1, c.Operations, c.Operations
	}
	if s.plant.Below != nil {
		s.store = s.plant.Below(s.store, s)
	}
	if s.truth == nil {
		s.truth = s.store
	}
	if s.told == nil {
		s.told = func(bool) {}
	}
	s.found()
	s.began = map[wallet.AccountID][]wallet.Entry{}
	for account, a := range s.auditors {
		s.began[account] = slices.Clone(a.entries)
	}
	s.told(true)
	s.storm()
	s.told(false)
	s.clear()
	if !s.failed() {
		s.final()
	}
}

// storm is the seed's weather, for some hundred steps.
func (s *Simulation) storm() {
	for last := 150 + s.dice.IntN(250); (s.steps < last || len(s.history) < s.crowd.Operations) && !s.failed(); {
		s.step()
	}
}

// step lets everything run until it blocks, and then one thing happen.
func (s *Simulation) step() {
	s.settle()
	if s.failed() {
		return
	}
	s.steps++
	if len(s.parked) > 0 && s.dice.Float64() < s.weather.eager {
		s.release(s.dice.IntN(len(s.parked)))
		return
	}
	s.happen()
}

// settle waits until nothing moves by itself, and hears what came of it.
func (s *Simulation) settle() {
	s.rest(0)
	s.reap()
	s.sort(s.parked)
	s.queue.bury(s.now)
}

// rest lets processes run until all are blocked, and so much time pass. Only then do they touch what is the simulation's.
func (s *Simulation) rest(by time.Duration) {
	s.mu.Unlock()
	defer s.mu.Lock()
	synctest.Wait()
	if by > 0 {
		time.Sleep(by)
		synctest.Wait()
	}
}

// happen is one thing of those that may happen now.
func (s *Simulation) happen() {
	room := len(s.active) < s.weather.workers
	deeds := []struct {
		weight int
		may    bool
		do     func()
	}{
		{5, room && len(s.queue.waiting(s.now)) > 0, s.deliver},
		{4, s.world.sent < s.weather.bills, s.produce},
		{4, room && len(s.world.asks) < s.weather.asks, s.ask},
		{3, room && len(s.world.asks) > 0, s.askAgain},
		{2, room, s.expire},
		{3, room && len(s.world.payable) > 0, s.pay},
		{1, true, s.haunt},
		{3, len(s.late) > 0, func() { s.land(s.dice.IntN(len(s.late))) }},
		{3, true, func() { s.advance(time.Duration(1 + s.dice.Int64N(int64(5*time.Second)))) }},
		{2, len(s.active) == 0 || s.dice.IntN(8) == 0, s.leap},
		{1, s.weather.outage && s.outages == 0, s.outage},
		{3, room && s.dunning.on, s.dun},
		{2, room && s.dunning.on, s.cut},
		{2, room && s.dunning.on, s.repay},
	}
	total := 0
	for _, d := range deeds {
		if d.may {
			total += d.weight
		}
	}
	roll := s.dice.IntN(total)
	for _, d := range deeds {
		if !d.may {
			continue
		}
		if roll -= d.weight; roll < 0 {
			d.do()
			return
		}
	}
}

// land lets a late call arrive, long after anybody waits for it.
func (s *Simulation) land(at int) {
	c := s.late[at]
	s.late = slices.Delete(s.late, at, at+1)
	s.tell("late: %d %s", c.worker.id, c.label)
	s.arrive(c) //nolint:errcheck // nobody is there to hear of it
}

// close ends every process, so that none outlives its seed.
func (s *Simulation) close() {
	for _, w := range slices.Clone(s.active) {
		s.kill(w)
	}
	for range 100 { // those that pause by themselves end with their pause
		s.rest(time.Minute)
	}
	s.resolve()
	s.result.Steps, s.result.History, s.result.Began = s.steps, s.history, s.began
	for _, account := range s.world.accounts {
		if a := s.auditors[account]; a != nil {
			s.digest.Write(a.head.Canonical())
			s.result.Entries += int(a.head.Version)
		}
	}
	s.result.Digest = fmt.Sprintf("%x", s.digest.Sum(nil)[:8])
}

const shortTrace = 60

// tell writes the trace. What is in it must be the same on every replay.
func (s *Simulation) tell(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	s.digest.Write([]byte(line))
	if trace := &s.result.Trace; s.keep || len(*trace) < 2*shortTrace {
		*trace = append(*trace, line)
	} else {
		*trace = append((*trace)[shortTrace:], line)
	}
}

// violated notes what didn't hold.
func (s *Simulation) violated(format string, args ...any) {
	s.result.Violations = append(s.result.Violations, fmt.Sprintf(format, args...))
}

func (s *Simulation) failed() bool { return len(s.result.Violations) > 0 }

// Error tells all that is needed to look into a seed that failed; empty when it didn't.
func (r *Result) Error() string {
	if len(r.Violations) == 0 {
		return ""
	}
	return fmt.Sprintf("seed %d, step %d:\n\t%s\nthe trace ends with\n\t%s\nrepeat it with: make sim SEED=%d",
		r.Seed, r.Steps, strings.Join(r.Violations, "\n\t"), strings.Join(r.Trace[max(0, len(r.Trace)-shortTrace):], "\n\t"), r.Seed)
}

// plain is a context of the simulation's own looks into the store.
func plain() context.Context { return context.Background() }
