package bus

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// Invoker runs a function once.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// FunctionTarget is a function that is invoked with events, asynchronously.
type FunctionTarget struct {
	Name     string
	ARN      string
	Function Invoker
	Retries  int           // of an event that it fails on
	MaxAge   time.Duration // after which an event isn't tried again
	// OnFailure takes Lambda's record of an event that was given up; nil for none.
	OnFailure func(record string) error
}

// job is one event for one function.
type job struct {
	ID       string          `json:"id"`
	Rule     string          `json:"rule"`
	Function string          `json:"function"`
	Event    json.RawMessage `json:"event"`
	Accepted time.Time       `json:"accepted"`
	Failed   int             `json:"failed"` // attempts
	Due      time.Time       `json:"due,omitzero"`
}

// invocations are the events that functions have not yet got.
type invocations struct {
	server *Server

	mu      sync.Mutex
	waiting []job
	running map[string]int // by function
	taken   map[string]job // those that run, by id and rule
	targets map[string]FunctionTarget
	changed chan struct{} // closed, and made anew, whenever there is something to look at
}

func newInvocations(s *Server) *invocations {
	return &invocations{server: s, running: map[string]int{}, taken: map[string]job{}, targets: map[string]FunctionTarget{}, changed: make(chan struct{})}
}

func (v *invocations) add(j job, target FunctionTarget) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.targets[j.Rule+"/"+j.Function] = target
	v.waiting = append(v.waiting, j)
	v.wake()
}

// wake lets Run and Idle look again. The lock is held.
func (v *invocations) wake() {
	close(v.changed)
	v.changed = make(chan struct{})
}

// Run invokes functions until ctx ends, and returns when the last invocation has. What is left is kept by Save.
func (s *Server) Run(ctx context.Context) {
	var work sync.WaitGroup
	defer work.Wait()
	for {
		j, target, next, changed := s.invocations.take()
		if target.Function != nil {
			work.Go(func() { s.invocations.run(ctx, j, target) })
			continue
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take is the next job that is due and whose function is free; without one, when to look again.
func (v *invocations) take() (j job, target FunctionTarget, next time.Duration, changed <-chan struct{}) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.server.o.Now()
	next = time.Hour
	for i, j := range v.waiting {
		target, known := v.targets[j.Rule+"/"+j.Function]
		switch {
		case !known || v.running[j.Function] >= v.server.o.Concurrency:
		case j.Due.After(now):
			next = min(next, j.Due.Sub(now))
		default:
			v.waiting = append(v.waiting[:i:i], v.waiting[i+1:]...)
			v.running[j.Function]++
			v.taken[j.Rule+"/"+j.ID] = j
			return j, target, 0, nil
		}
	}
	return job{}, FunctionTarget{}, next, v.changed
}

// run invokes once. An invocation that has begun ends by itself.
func (v *invocations) run(ctx context.Context, j job, target FunctionTarget) {
	answer, err := target.Function.Invoke(context.WithoutCancel(ctx), j.Event)
	v.mu.Lock()
	defer v.mu.Unlock()
	defer v.wake()
	v.running[j.Function]--
	delete(v.taken, j.Rule+"/"+j.ID)
	if err == nil {
		return
	}
	now := v.server.o.Now()
	j.Failed++
	v.server.log.Error("an event's invocation failed", "rule", j.Rule, "function", j.Function, "event", j.ID, "attempt", j.Failed, "error", err)
	if j.Failed <= target.Retries && now.Sub(j.Accepted) < target.MaxAge {
		j.Due = now.Add(v.server.o.RetryDelay << (j.Failed - 1))
		v.waiting = append(v.waiting, j)
		return
	}
	v.server.giveUpFunction(j, target, answer, err)
}

// giveUpFunction writes Lambda's record of an asynchronous invocation that failed to its destination.
func (s *Server) giveUpFunction(j job, target FunctionTarget, answer []byte, cause error) {
	if target.OnFailure == nil {
		s.log.Error("an event is lost: its function has no on-failure destination", "rule", j.Rule, "event", j.ID)
		return
	}
	said := json.RawMessage(`null`)
	if json.Valid(answer) {
		said = answer
	}
	record, err := json.Marshal(map[string]any{
		"version": "1.0", "timestamp": s.o.Now().UTC().Format(time.RFC3339Nano),
		"requestContext": map[string]any{
			"requestId": j.ID, "functionArn": target.ARN + ":$LATEST", "condition": "RetriesExhausted", "approximateInvokeCount": j.Failed,
		},
		"requestPayload":  j.Event,
		"responseContext": map[string]any{"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
		"responsePayload": said,
	})
	if err == nil {
		err = target.OnFailure(string(record))
	}
	s.log.Error("an event was given up", "rule", j.Rule, "event", j.ID, "cause", cause, "destination_error", err)
}

// Idle waits until no invocation is waiting or running, or ctx ends: for tests and demonstrations.
func (s *Server) Idle(ctx context.Context) error {
	for {
		s.invocations.mu.Lock()
		idle, changed := len(s.invocations.waiting)+len(s.invocations.taken) == 0, s.invocations.changed
		s.invocations.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
