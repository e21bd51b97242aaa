package wallet

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"billingcentre/shared/money"
)

// TestMain runs more sequences than the library's default, unless a number is asked for.
func TestMain(m *testing.M) {
	flag.Parse()
	asked := false
	flag.Visit(func(f *flag.Flag) { asked = asked || f.Name == "rapid.checks" })
	if !asked && !testing.Short() {
		_ = flag.Set("rapid.checks", "2000")
	}
	os.Exit(m.Run())
}

// TestRandomSequences runs random commands at random times on one wallet, under a random policy, and checks every
// invariant after every step. `-rapid.checks=1000000` runs for hours; a failure prints the seed that repeats it.
func TestRandomSequences(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		if wrong := newWorld(t, Decide).run(); len(wrong) > 0 {
			t.Fatalf("violated:\n\t%s", strings.Join(wrong, "\n\t"))
		}
	})
}

// decider is Decide, or a version of it with a bug.
type decider func(Head, Command, Policy, time.Time) (Change, error)

// world is one wallet in a random sequence, with what a store would keep of it.
type world struct {
	*rapid.T
	decide  decider
	policy  Policy
	scale   int64 // minor units: the size of most amounts
	now     time.Time
	head    Head
	journal []Entry
	keys    map[Key]bool
	lots    map[LotID]*life
	once    int
}

// life is what became of a lot's money.
type life struct {
	terms                            Lot
	granted, used, lapsed, givenBack int64
}

func newWorld(t *rapid.T, decide decider) *world {
	w := &world{T: t, decide: decide, now: morning, keys: map[Key]bool{}, lots: map[LotID]*life{}, policy: DefaultPolicy()}
	w.scale = rapid.SampledFrom([]int64{1, 1e2, 1e4, 1e6, 1e7, 1 << 40, money.Limit / 4}).Draw(t, "scale")
	w.policy.Grace = rapid.SampledFrom([]time.Duration{day, 0, time.Hour}).Draw(t, "grace")
	w.policy.LapseRestored = rapid.Bool().Draw(t, "lapse restored")
	w.policy.MaxTopUp = rapid.SampledFrom([]int64{money.Limit / 100, 100_000_000}).Draw(t, "max top-up")
	w.policy.MaxLots = rapid.SampledFrom([]int{1000, 5}).Draw(t, "max lots")
	w.policy.CreditFloor = rapid.SampledFrom([]int64{100, 1e14, 0}).Draw(t, "credit floor")
	w.policy.MaxBillAge = rapid.SampledFrom([]time.Duration{0, 0, 40 * day}).Draw(t, "max bill age")
	return w
}

// run is one sequence. It stops at the first step that violates something.
func (w *world) run() findings {
	if wrong := w.do(Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}); len(wrong) > 0 {
		return wrong
	}
	for range rapid.IntRange(1, 40).Draw(w.T, "steps") {
		w.move()
		command := w.command()
		if w.keys[command.Key()] {
			continue // it was done before: a ledger answers with the first entry
		}
		if wrong := w.do(command); len(wrong) > 0 {
			return wrong
		}
	}
	return w.audit()
}

// do decides one command, checks the decision, and commits it.
func (w *world) do(command Command) (wrong findings) {
	s := &step{before: w.head, bytes: w.head.Canonical(), command: command, policy: w.policy, now: w.now}
	defer func() {
		if r := recover(); r != nil {
			wrong.add("panic", "%v", r)
		}
		for i := range wrong {
			wrong[i] = fmt.Sprintf("%s [step %d, %T]", wrong[i], len(w.journal), command)
		}
	}()
	s.change, s.err = w.decide(w.head, command, w.policy, w.now)
	if _, opens := command.(Open); !opens {
		wrong = s.violations()
	}
	if len(wrong) == 0 {
		w.checkAgain(&wrong, s)
	}
	if s.err != nil {
		return wrong
	}
	w.head, w.journal = s.change.Head, append(w.journal, s.change.Entry)
	w.keys[command.Key()] = true
	w.tally(&wrong, s.change.Entry)
	return wrong
}

// checkAgain: the same input gives the same bytes, and so does the same input listed in another order.
func (w *world) checkAgain(f *findings, s *step) {
	same := func(check string, change Change, err error) {
		if fmt.Sprint(err) != fmt.Sprint(s.err) {
			f.add(check, "was answered by %v, and then by %v", s.err, err)
		} else if err == nil && (!bytes.Equal(change.Head.Canonical(), s.change.Head.Canonical()) || !bytes.Equal(change.Entry.Canonical(), s.change.Entry.Canonical())) {
			f.add(check, "gives other bytes")
		}
	}
	change, err := w.decide(s.before, s.command, s.policy, s.now)
	same("again", change, err)
	permuted := w.permuted(s.command)
	if s.err != nil { // which of several reasons is told may depend on the listing
		return
	}
	change, err = w.decide(s.before, permuted, s.policy, s.now)
	same("permuted lists", change, err)
	if permuted.Fingerprint() != s.command.Fingerprint() || permuted.Key() != s.command.Key() {
		f.add("permuted lists", "are taken for another command")
	}
	change, err = fromShuffled(s)
	same("permuted funds", change, err)
}

func (w *world) permuted(command Command) Command {
	switch c := command.(type) {
	case Settle:
		c.Bill.Lines = rapid.Permutation(c.Bill.Lines).Draw(w.T, "lines")
		return c
	case Order:
		c.Cards = rapid.Permutation(c.Cards).Draw(w.T, "cards")
		return c
	}
	return command
}

// fromShuffled decides a command on a head whose lots are listed backwards. Decide would refuse such a head as broken.
func fromShuffled(s *step) (Change, error) {
	d := draft{head: s.before.clone(), policy: &s.policy, now: s.change.Entry.Time}
	if _, opens := s.command.(Open); opens {
		return s.change, s.err
	}
	d.entry = Entry{Key: s.command.Key(), Account: d.head.Account, Number: d.head.Version + 1, Time: d.now, Fingerprint: s.command.Fingerprint(), Previous: d.head.Last}
	slices.Reverse(d.head.Lots)
	if err := s.command.decide(&d); err != nil {
		return Change{}, err
	}
	slices.SortFunc(d.head.Lots, burnOrder)
	return d.seal()
}

// tally follows every lot through its life: granted = used + lapsed + remaining - given back.
func (w *world) tally(f *findings, e Entry) {
	for _, lot := range e.Lots {
		if w.lots[lot.ID] == nil {
			w.lots[lot.ID] = &life{terms: lot}
		} else if e.Kind != Reversed {
			f.add("lots' lives", "%s was granted twice", lot.ID)
		}
	}
	for _, p := range e.Postings {
		amount := p.Amount.Minor()
		if p.To.Kind == InLot {
			if l := w.lots[p.To.Lot]; e.Kind == Reversed {
				l.givenBack += amount
			} else {
				l.granted += amount
			}
		}
		if p.From.Kind == InLot {
			if l := w.lots[p.From.Lot]; p.To.Kind == AtBreakage {
				l.lapsed += amount
			} else {
				l.used += amount
			}
		}
	}
	for id, l := range w.lots {
		lot, _ := w.head.Lot(id)
		if l.granted != l.terms.Face.Minor() || l.granted != l.used+l.lapsed+lot.Remaining.Minor()-l.givenBack || l.givenBack > l.used {
			f.add("lots' lives", "%s: %d granted, %d used, %d lapsed, %d given back, %s remaining", id, l.granted, l.used, l.lapsed, l.givenBack, lot.Remaining)
		}
	}
}

// audit replays the whole journal from nothing, as it would be read from a store.
func (w *world) audit() (f findings) {
	var head Head
	for _, e := range w.journal {
		stored, err := DecodeEntry(e.Canonical())
		if err == nil {
			head, err = Replay(head, stored)
		}
		if err != nil {
			f.add("audit", "%v", err)
			return f
		}
	}
	if !bytes.Equal(head.Canonical(), w.head.Canonical()) {
		f.add("audit", "the journal rebuilds another head")
	}
	return f
}
