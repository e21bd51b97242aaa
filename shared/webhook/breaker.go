package webhook

import (
	"sync"
	"time"
)

const (
	// strikes are how many posts in a row that time out make an endpoint rest.
	strikes = 3
	// rest is how long it does.
	rest = time.Minute
	// putOff is over how long the deliveries that meet a resting endpoint are spread: so they neither come all at once
	// when it has rested, nor often while it goes on resting.
	putOff = time.Hour
	// putOffFor is how long a delivery is put off in all, before it is given up.
	putOffFor = 48 * time.Hour
)

// breaker keeps endpoints that don't answer from costing everybody else's time: each post that times out takes ten
// seconds of a worker. Being put off is no attempt: a delivery that a receiver would take isn't given up because others
// timed out before it. What the breaker knows is this sandbox's own.
type breaker struct {
	mu        sync.Mutex
	endpoints map[string]*health
}

type health struct {
	silent int
	until  time.Time
}

// rests tells whether an endpoint does.
func (b *breaker) rests(endpoint string, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.endpoints[endpoint]
	return h != nil && now.Before(h.until)
}

// heard notes how a post ended. One that times out after a rest is enough for the next.
func (b *breaker) heard(endpoint string, timedOut bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !timedOut {
		delete(b.endpoints, endpoint)
		return
	}
	if b.endpoints == nil {
		b.endpoints = map[string]*health{}
	}
	h := b.endpoints[endpoint]
	if h == nil {
		h = &health{}
		b.endpoints[endpoint] = h
	}
	if h.silent++; h.silent >= strikes {
		h.until = now.Add(rest)
	}
}
