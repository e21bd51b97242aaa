package ledger

import (
	"context"
	"math/rand/v2"
	"time"
)

// Wait pauses before another try, the attempt-th, of what others got in the way of. Nil is Backoff.
type Wait func(ctx context.Context, attempt int) error

// Pause waits.
func (w Wait) Pause(ctx context.Context, attempt int) error {
	if w != nil {
		return w(ctx, attempt)
	}
	return Backoff(ctx, attempt)
}

// Backoff waits with full jitter: up to 20 ms, doubling, at most 1 s.
func Backoff(ctx context.Context, attempt int) error {
	ceiling := min(20*time.Millisecond<<min(attempt-1, 10), time.Second)
	timer := time.NewTimer(rand.N(ceiling) + 1)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
