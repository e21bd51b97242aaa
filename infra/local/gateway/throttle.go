package gateway

import (
	"sync"
	"time"
)

// bucket is the token bucket of a stage: burst requests at once, rate a second in the long run, over all clients.
type bucket struct {
	rate, burst float64
	now         func() time.Time

	mu     sync.Mutex
	tokens float64
	at     time.Time
}

func newBucket(rate, burst int, now func() time.Time) *bucket {
	return &bucket{rate: float64(rate), burst: float64(burst), now: now, tokens: float64(burst), at: now()}
}

// take takes a token, if there is one. A rate of 0 is no limit.
func (b *bucket) take() bool {
	if b.rate == 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if passed := now.Sub(b.at); passed > 0 {
		b.tokens = min(b.burst, b.tokens+passed.Seconds()*b.rate)
		b.at = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
