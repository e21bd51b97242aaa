package batch

import (
	"errors"
	"math"
	"time"

	"billingcentre/shared/refusal"
)

const (
	firstPause = 5 * time.Second
	// longestPause is just below the twelve hours from its receipt that a queue can hide a message.
	longestPause = 12*time.Hour - 10*time.Minute
	// farAhead is how long before its day ends a bill is waited for; beyond that its day is a mistake.
	farAhead = 48 * time.Hour
)

// fate is what follows from a kind of refusal.
type fate struct {
	keep     bool          // trying again can't help
	patience time.Duration // how long after it was sent it is tried again; 0: as often as the queue does
	ceiling  time.Duration // the longest pause between two tries
}

var (
	hopeless = fate{keep: true}
	awaited  = fate{patience: 15 * time.Minute, ceiling: 5 * time.Minute}
	// hindered messages meet trouble of ours. With 20 receives this outlasts an outage of three hours.
	hindered = fate{ceiling: 15 * time.Minute}
	unbegun  = fate{ceiling: firstPause}
)

// fates is the one table from kinds of refusals to queues.
var fates = map[refusal.Kind]fate{
	refusal.Invalid:         hopeless,
	refusal.TooLarge:        hopeless,
	refusal.Unsupported:     hopeless,
	refusal.Unauthenticated: hopeless,
	refusal.Forbidden:       hopeless,
	refusal.Conflict:        hopeless,
	refusal.KeyReused:       hopeless,
	refusal.Insufficient:    hopeless,
	refusal.Expired:         hopeless,
	refusal.NotApplicable:   hopeless,
	refusal.NotFound:        awaited,
	refusal.TooEarly:        hindered, // until the instant that the refusal tells
	refusal.TooMany:         hindered,
	refusal.Contended:       hindered,
	refusal.Throttled:       hindered,
	refusal.Unavailable:     hindered,
}

// The kinds of what is no refusal.
const (
	internal   = "internal"
	unfinished = "unfinished"
)

// fateOf tells what follows from an error, and its kind.
func fateOf(err error) (fate, string) {
	if r := refusal.As(err); r != nil {
		return fates[r.Kind], string(r.Kind)
	}
	if errors.Is(err, errUnfinished) {
		return unbegun, unfinished
	}
	return hindered, internal
}

// judge tells whether a message that wasn't done goes into quarantine, and if not, after which pause it is tried again.
func (c *Consumer) judge(m *Message) (keep bool, pause time.Duration) {
	f, _ := fateOf(m.err)
	switch {
	case f.keep, m.Receives >= c.MaxReceives-1: // on its last receive the queue would give it up without a reason
		return true, 0
	case f.patience > 0 && c.Now().Sub(m.SentAt) >= f.patience:
		return true, 0
	case refusal.Is(m.err, refusal.TooEarly):
		wait := early(m.err)
		return wait > farAhead, min(wait, longestPause)
	}
	doublings := min(m.Receives-1, 20)
	return false, min(firstPause<<doublings, f.ceiling)
}

// early is how long what is too early has to wait.
func early(err error) time.Duration {
	return min(time.Duration(refusal.As(err).RetryAfter), math.MaxInt64/time.Second) * time.Second
}

// Deciding is which of the errors that a message's parts met decides what becomes of it: the one that is tried again
// soonest and longest. A part that can never be done must not take one with it that can: the message comes again until
// nothing else is left, and is kept then. It is nil when all parts are done.
func Deciding(errs []error) (deciding error) {
	for _, err := range errs {
		if err != nil && (deciding == nil || hope(err) > hope(deciding)) {
			deciding = err
		}
	}
	return deciding
}

// hope orders errors by what trying again does for them.
func hope(err error) int {
	f, _ := fateOf(err)
	tooEarly := refusal.Is(err, refusal.TooEarly)
	switch {
	case f.keep, tooEarly && early(err) > farAhead:
		return 0
	case f.patience > 0:
		return 1
	case tooEarly: // whoever can go on sooner mustn't wait for as long
		return 2
	}
	return 3
}
