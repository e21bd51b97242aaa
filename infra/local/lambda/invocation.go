package lambda

import (
	"crypto/rand"
	"fmt"
	"time"

	"billingcentre/infra/local/uuid"
)

// invocation is one event on its way through a sandbox.
type invocation struct {
	id       string
	trace    string
	event    []byte
	deadline time.Time

	answered chan outcome  // holds one: the runtime's answer
	settled  chan struct{} // closed when the runtime asks for the next event, thus is done with this one
}

// outcome is what an invocation comes to.
type outcome struct {
	response []byte
	err      error
}

func newInvocation(event []byte, now time.Time, timeout time.Duration) *invocation {
	return &invocation{
		id:       uuid.New(),
		trace:    traceID(now),
		event:    event,
		deadline: now.Add(timeout),
		answered: make(chan outcome, 1),
		settled:  make(chan struct{}),
	}
}

// traceID is an X-Ray trace header of a trace that isn't sampled.
func traceID(now time.Time) string {
	var b [20]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("Root=1-%08x-%x;Parent=%x;Sampled=0", uint32(now.Unix()), b[:12], b[12:])
}
