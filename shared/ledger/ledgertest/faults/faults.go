// Package faults makes the database fail on purpose, in the ways in which DynamoDB does and DynamoDB Local can't.
//
// A Plan tells the fault of each call. Transport injects it beneath the real SDK client, as an http.RoundTripper, so
// that retries, error types and idempotency tokens are the true ones. Store injects it above any ledger.Store, for
// tests of many steps. Both know the three fates of a write whose answer is missing: it was never written, it was
// written, or it will be, later, when nobody waits for it any more.
package faults

import (
	"math/rand/v2"
	"slices"
	"sync"
)

// Kind is how a call goes wrong.
type Kind int

// The kinds of faults.
const (
	Nothing            Kind = iota // it goes well
	Lost                           // the connection breaks before the database sees the call
	AnswerLost                     // the database does it, and the connection breaks before the answer
	Late                           // the connection breaks; the database does it some calls later
	ServerError                    // HTTP 500, and it wasn't done
	ServerErrorDone                // HTTP 500, though it was done
	Throttled                      // ThrottlingException, HTTP 400
	ThrottledInside                // TransactionCanceledException whose reason is a throttle
	Conflict                       // TransactionCanceledException whose reason is a conflict, or TransactionConflictException
	TransactionRunning             // TransactionInProgressException: an earlier try with the same token is at work
)

// Kinds are all that can go wrong.
var Kinds = [...]Kind{Lost, AnswerLost, Late, ServerError, ServerErrorDone, Throttled, ThrottledInside, Conflict, TransactionRunning}

func (k Kind) String() string {
	return [...]string{
		"nothing", "not written", "written, answer lost", "lands late", "server error", "server error, but written",
		"throttled", "throttled inside a transaction", "conflict", "transaction in progress",
	}[k]
}

// Fault is what happens to one call.
type Fault struct {
	Kind  Kind
	After int // Late only: it lands when so many further calls are through
}

// Call is a call that a Plan may spoil. Operation is named as DynamoDB's (Transport) or as ledger.Store's method (Store).
type Call struct {
	Operation string
	Number    int // from 1, of all calls
	Writes    int // from 1, of the calls that write; 0 for a read
}

// Plan tells the fault of a call. It is asked once for each call, and never twice at the same time.
type Plan func(Call) Fault

// None spoils nothing.
func None(Call) Fault { return Fault{} }

// Script gives the first writes their faults, one after the other, and spares the others.
func Script(faults ...Fault) Plan {
	return func(call Call) Fault {
		if call.Writes == 0 || call.Writes > len(faults) {
			return Fault{}
		}
		return faults[call.Writes-1]
	}
}

// Write spoils one write, the number-th.
func Write(number int, fault Fault) Plan {
	return Script(append(make([]Fault, number-1), fault)...)
}

// Always spoils every call of an operation.
func Always(operation string, fault Fault) Plan {
	return func(call Call) Fault {
		if call.Operation != operation {
			return Fault{}
		}
		return fault
	}
}

// Random spoils calls at a rate between 0 and 1, with faults of all kinds. The same seed gives the same faults to the
// same sequence of calls.
func Random(seed uint64, rate float64) Plan {
	random := rand.New(rand.NewPCG(seed, seed))
	return func(Call) Fault {
		if random.Float64() >= rate {
			return Fault{}
		}
		return Fault{Kind: Kinds[random.IntN(len(Kinds))], After: random.IntN(5)}
	}
}

// desk asks the plan, counts calls, and keeps what shall land late.
type desk struct {
	mu     sync.Mutex
	plan   Plan
	calls  int
	writes int
	held   []held
}

type held struct {
	due  int // lands when so many calls are through
	land func()
}

// ask counts a call and gives its fault. Reads have no late fate: they are lost.
func (d *desk) ask(operation string, write bool) (Call, Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	call := Call{Operation: operation, Number: d.calls}
	if write {
		d.writes++
		call.Writes = d.writes
	}
	if d.plan == nil {
		return call, Fault{}
	}
	fault := d.plan(call)
	if fault.Kind == Late && !write {
		fault.Kind = Lost
	}
	return call, fault
}

// hold keeps a write until after more calls.
func (d *desk) hold(call Call, after int, land func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = append(d.held, held{call.Number + after, land})
}

// through lands, after a call, all that is due with it.
func (d *desk) through(call Call) {
	d.land(func(h held) bool { return h.due <= call.Number })
}

func (d *desk) land(now func(held) bool) {
	d.mu.Lock()
	var landing []held
	d.held = slices.DeleteFunc(d.held, func(h held) bool {
		if now(h) {
			landing = append(landing, h)
		}
		return now(h)
	})
	d.mu.Unlock()
	for _, h := range landing {
		h.land()
	}
}

// Land lets everything land that is still held.
func (d *desk) Land() { d.land(func(held) bool { return true }) }

// Calls is the number of calls so far, and of those that write.
func (d *desk) Calls() (all, writes int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.calls, d.writes
}
