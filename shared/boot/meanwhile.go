package boot

import (
	"context"
	"fmt"
	"os"
)

// Meanwhile is a handler that is still being wired: that goes on beside the runtime's start, and a first event waits for it
// until its own deadline. Where no event is on its way yet, as Lambda keeps sandboxes ready, it returns when all is wired.
func Meanwhile[Handler ~func(context.Context, In) (Out, error), In, Out any](wire func(*Boot) Handler) Handler {
	b := Start()
	wired := Beside(func() Handler { return wire(b) })
	if os.Getenv("AWS_LAMBDA_INITIALIZATION_TYPE") != "on-demand" {
		return wired.Wait()
	}
	return func(ctx context.Context, in In) (out Out, err error) {
		select {
		case <-wired.done:
			return wired.is(ctx, in)
		case <-ctx.Done():
			return out, fmt.Errorf("the function wasn't ready in time: %w", ctx.Err())
		}
	}
}

// Part is a part of a cold start that is prepared beside others.
type Part[T any] struct {
	done chan struct{}
	is   T // once done is closed
}

// Beside begins to prepare a part of a cold start, so that secrets are fetched side by side. One that fails must end the
// process, as Fail does and a panic: nothing else would ever end the wait for it.
func Beside[T any](prepare func() T) *Part[T] {
	p := &Part[T]{done: make(chan struct{})}
	go func() {
		p.is = prepare()
		close(p.done)
	}()
	return p
}

// Wait returns what was prepared.
func (p *Part[T]) Wait() T {
	<-p.done
	return p.is
}
