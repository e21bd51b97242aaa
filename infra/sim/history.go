package sim

import (
	"fmt"
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"billingcentre/shared/bill"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Operation is one try of something, by whomever, as Porcupine reads it: what was asked, when, and what was answered.
// One that nobody heard the end of returns at infinity: it may have happened at any time since, or may yet.
type Operation struct {
	Account wallet.AccountID
	Key     wallet.Key     // of the entry that answers, when that is known beforehand
	Command wallet.Command // when that is known beforehand
	View    bool

	Call, Return int64     // in steps
	Began, Ended time.Time // by the clock of who tried

	Entry    *wallet.Entry // what it did, or what had been done before
	Repeated bool
	Refused  error
	Head     wallet.Head // View only

	rank int64 // among those that were called at the same time
}

const never = math.MaxInt64

// record takes a client's try into the history. What became of an unknown one is known here: either one of its commits
// landed, and then it happened, at some time after its call; or it had no effect, and then there is nothing to explain.
func (s *Simulation) record(w *worker, o Operation, receipt ledger.Receipt, err error, unknown bool) {
	switch {
	case unknown:
		s.doubtful = append(s.doubtful, doubt{w, o, 0})
		return
	case o.View:
		if err != nil {
			return
		}
	case err != nil:
		o.Refused = err
	case receipt.Entry.Key == "":
		return // no entry answers a recharge order
	default:
		// Who did it, and lost the answer, is told that it was done before: by itself.
		o.Entry, o.Key = &receipt.Entry, receipt.Entry.Key
		o.Repeated = receipt.Repeated && !did(w, o.Key)
	}
	s.history = append(s.history, o)
}

// doubt is a try that nobody heard the end of.
type doubt struct {
	worker *worker
	Operation
	heard int // so many of its commits are in the history already
}

// recordExpiry takes the entries that the schedule's function has booked into the history.
func (s *Simulation) recordExpiry(w *worker, began int64) {
	o := Operation{Call: began, Return: int64(s.steps)}
	for _, commit := range w.landed {
		for _, e := range commit.Entries {
			o.Account, o.Key, o.Entry = e.Account, e.Key, &e
			s.history = append(s.history, o)
		}
	}
	s.doubtful = append(s.doubtful, doubt{w, Operation{Call: began}, len(w.landed)})
}

// settling are the tries of a batch's bills.
func (s *Simulation) settling(batch []*message) []Operation {
	var operations []Operation
	for _, m := range batch {
		b, err := bill.Decode([]byte(m.body))
		o := Operation{Call: int64(s.steps), Return: -1}
		for _, sent := range s.world.bills {
			if err == nil && !m.stranger && sent.bill.ID == b.ID && sent.settle.Fingerprint() == (wallet.Settle{Bill: b}).Fingerprint() {
				o.Account, o.Command, o.Key = sent.account, sent.settle, sent.settle.Key()
			}
		}
		operations = append(operations, o)
	}
	return operations
}

// recordSettling takes the tries of a batch's bills into the history: those that were acknowledged and aren't kept in
// quarantine were answered by their entry.
func (s *Simulation) recordSettling(w *worker, operations []Operation, acked []*message) {
	answered := map[wallet.Key]bool{}
	for _, m := range acked {
		if b, err := bill.Decode([]byte(m.body)); err == nil {
			answered[wallet.BillKey(b.ID)] = true
		}
	}
	seen := map[wallet.Fingerprint]bool{}
	for _, o := range operations {
		if o.Key == "" || seen[o.Command.Fingerprint()] {
			continue
		}
		seen[o.Command.Fingerprint()] = true
		entry, settled := s.auditors[o.Account].settled[o.Command.(wallet.Settle).Bill.ID]
		if !answered[o.Key] || !settled || entry.Fingerprint != o.Command.Fingerprint() {
			s.doubtful = append(s.doubtful, doubt{w, o, 0})
			continue
		}
		o.Return, o.Entry, o.Repeated = int64(s.steps), &entry, !did(w, o.Key)
		s.history = append(s.history, o)
	}
}

// did tells whether a process committed an entry.
func did(w *worker, key wallet.Key) bool {
	for _, commit := range w.landed {
		for _, e := range commit.Entries {
			if e.Key == key {
				return true
			}
		}
	}
	return false
}

// mine tells whether an entry answers an operation, as far as that is known.
func (o *Operation) mine(e wallet.Entry) bool {
	return (o.Key == "" || o.Key == e.Key) && (o.Command == nil || o.Command.Fingerprint() == e.Fingerprint)
}

// resolve brings the doubtful tries that had an effect into the history, returning at infinity.
func (s *Simulation) resolve() {
	for _, d := range s.doubtful {
		for _, commit := range d.worker.landed[d.heard:] {
			for _, e := range commit.Entries {
				if d.mine(e) {
					o := d.Operation
					o.Account, o.Key, o.Entry, o.Return = e.Account, e.Key, &e, never
					s.history = append(s.history, o)
				}
			}
		}
	}
}

// state is a wallet as a sequence of operations left it. The chain of hashes tells the whole journal.
type state struct {
	head wallet.Head
	done *deed
}

// deed is the list of what was done, the last first.
type deed struct {
	key    wallet.Key
	hash   wallet.Hash
	before *deed
}

func (d *deed) find(key wallet.Key) (wallet.Hash, bool) {
	for ; d != nil; d = d.before {
		if d.key == key {
			return d.hash, true
		}
	}
	return wallet.Hash{}, false
}

// model is the sequential wallet: one operation after the other, each at once.
func model(start map[wallet.AccountID][]wallet.Entry) porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			var parts [][]porcupine.Operation
			at := map[wallet.AccountID]int{}
			for _, o := range history {
				account := o.Input.(Operation).Account
				i, known := at[account]
				if !known {
					i = len(parts)
					at[account], parts = i, append(parts, nil)
				}
				parts[i] = append(parts[i], o)
			}
			return parts
		},
		Init: func() any { return state{} },
		Step: func(before, input, _ any) (bool, any) {
			st, o := before.(state), input.(Operation)
			if st.head.Version == 0 { // the entries that the account began with
				st = began(start[o.Account])
			}
			return st.step(o)
		},
		Equal: func(a, b any) bool {
			return a.(state).head.Version == b.(state).head.Version && a.(state).head.Last == b.(state).head.Last
		},
		Hash: func(a any) uint64 { return uint64(a.(state).head.Version) },
		DescribeOperation: func(input, _ any) string {
			o := input.(Operation)
			return fmt.Sprintf("%s view=%t refused=%v repeated=%t", o.Key, o.View, o.Refused, o.Repeated)
		},
	}
}

func began(entries []wallet.Entry) (st state) {
	for _, e := range entries {
		st, _ = st.take(e)
	}
	return st
}

// take replays an entry onto the state.
func (st state) take(e wallet.Entry) (state, bool) {
	head, err := wallet.Replay(st.head, e)
	return state{head, &deed{e.Key, e.Hash(), st.done}}, err == nil
}

// step tells whether an operation may have happened in a state, and what it left.
func (st state) step(o Operation) (bool, any) {
	switch {
	case o.View:
		return o.Head.Version == st.head.Version && o.Head.Last == st.head.Last, st
	case o.Refused != nil:
		return st.refuses(o), st
	}
	first, there := st.done.find(o.Key)
	if o.Repeated || there {
		return o.Repeated && there && first == o.Entry.Hash(), st
	}
	if o.Command != nil {
		change, err := wallet.Decide(st.head, o.Command, policy(), o.Entry.Time)
		if err != nil || change.Entry.Hash() != o.Entry.Hash() {
			return false, st
		}
	}
	after, ok := st.take(*o.Entry)
	return ok, after
}

// refuses: what was refused must be refusable then, at the earliest or the latest instant of its try, for the same
// reason. A key that was used for it before is never refused.
func (st state) refuses(o Operation) bool {
	if o.Command == nil {
		return true
	}
	if _, there := st.done.find(o.Key); there {
		return refusal.Is(o.Refused, refusal.KeyReused)
	}
	for _, now := range []time.Time{o.Began, o.Ended} {
		if _, err := wallet.Decide(st.head, o.Command, policy(), now); refusal.As(err) != nil && refusal.As(err).Kind == refusal.As(o.Refused).Kind {
			return true
		}
	}
	return false
}

// Linearizable has Porcupine look for an order of all operations in which each happens at once, between its call and
// its return, as the sequential wallet would have it.
func (r *Result) Linearizable(timeout time.Duration) porcupine.CheckResult {
	parts := map[wallet.AccountID][]Operation{}
	for _, o := range r.History {
		parts[o.Account] = append(parts[o.Account], o)
	}
	var history []porcupine.Operation
	for account, part := range parts {
		for _, o := range tightened(part, r.Began[account]) {
			call, end := instants(o)
			history = append(history, porcupine.Operation{ClientId: len(history), Input: o, Call: call, Return: end})
		}
	}
	return porcupine.CheckOperationsTimeout(model(r.Began), history, timeout)
}

// instants are an operation's times for Porcupine: of those that began at once, the one that must come first is tried first.
func instants(o Operation) (call, end int64) {
	const ranks = 1 << 20
	if o.Return == never {
		return o.Call*ranks + o.rank, never
	}
	return o.Call*ranks + o.rank, o.Return*ranks + ranks - 1
}
