package webhook

import (
	"sync"
	"time"
)

const (
	// strikes are how many posts in a row that nobody answers make an endpoint rest.
	strikes = 3
	// rest is how long it does. The attempts that fall into it count as failed, so that deliveries come to their end.
	rest = time.Minute
)

// breaker keeps endpoints that don't answer from costing everybody else's time: each unanswered post takes ten seconds
// of a worker. What it knows is this sandbox's own.
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

// heard notes whether an endpoint answered. One silence after a rest is enough for the next.
func (b *breaker) heard(endpoint string, answered bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if answered {
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
