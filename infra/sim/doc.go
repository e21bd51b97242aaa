// Package sim runs the whole centre in one goroutine's hands: one seed drives clocks, schedule, crashes, faults and
// clients over the code that the functions run, and every seed replays identically.
//
//	simulation.go  Run: a seed's life, from its opening to the calm after the storm
//	time.go        how time passes: by seconds, hours, to the brink of a fund's end
//	weather.go     what a seed has in store: rates of faults, drawn from the seed
//	worker.go      a worker and its calls, each of which waits until the simulation lets it through
//	wire.go        ledger.Store as a worker sees it
//	queue.go       the queue: visibility, duplicates, reordering, late redelivery
//	centre.go      the functions' own code, wired to all that
//	client.go      what clients, operators and the payment provider do, again and again
//	bills.go       what the producer of bills sends
//	auditor.go     what must hold after every write; judge.go, what an entry must be by the rules
//	settled.go     the waterfall of a settled bill, computed once more
//	final.go       what must hold in the end
//	history.go     what was asked and answered, as Porcupine reads it
//
// How it works. A worker is a process: a Lambda invocation with a clock of its own. Its code runs in ordinary
// goroutines inside a testing/synctest bubble. Each call that leaves the process (to the store, the queue, the payment
// provider) parks. When every goroutine is blocked, the simulation, which is the only one to roll dice, picks what
// happens next: one of the parked calls goes through, fails, loses its answer, is put off until later, or takes the
// whole process with it; or a client acts, a batch is delivered, time passes. Parked calls are sorted by what they are,
// not by when they came, so that the scheduler of Go has no say, and the trace of a seed is the same each time.
//
// After every write the accounts are audited: see auditor.go. In the end the weather clears, everything is delivered
// and retried, and nothing may be lost, doubled or stuck.
package sim
