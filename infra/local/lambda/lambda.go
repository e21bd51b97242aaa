// Package lambda runs functions as Lambda does: their true binaries, as deployed, behind the Runtime API.
//
// A Function keeps sandboxes. A sandbox is one process of the binary, `bootstrap`, and one HTTP server that speaks the
// Runtime API to it alone (AWS_LAMBDA_RUNTIME_API). It starts on demand, serves one invocation at a time, is kept warm,
// and is thrown away when it crashes or runs out of time; nothing of the host's environment gets in. So what only shows
// on Lambda shows here: a panic that costs a cold start, state kept between invocations, a deadline, two processes that
// race. Memory and CPU are not limited.
//
// At any time a sandbox belongs to one owner: to the pool while it is idle, else to the goroutine that serves an invocation.
// A caller who stops waiting doesn't stop the function, as on Lambda.
package lambda

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	// MaxEvent and MaxResponse are the limits of a synchronous invocation, in bytes.
	MaxEvent    = 6 << 20
	MaxResponse = 6<<20 + 100

	defaultTimeout     = 3 * time.Second
	defaultInitTimeout = 10 * time.Second
	defaultMemoryMB    = 128
	defaultConcurrency = 10
	// stopWait is what a process has between SIGTERM and SIGKILL.
	stopWait = 2 * time.Second
)

// Config describes a function. Name and Binary are needed; what else is zero has Lambda's default.
type Config struct {
	Name        string
	Binary      string            // path of the bootstrap
	Env         map[string]string // the function's own variables; Lambda's reserved ones can't be changed
	Timeout     time.Duration     // of an invocation; 3 seconds
	InitTimeout time.Duration     // from the start of a process to its first request for work; 10 seconds
	MemoryMB    int               // told to the function, not enforced; 128
	Concurrency int               // most processes at once; 10, as one machine isn't a Region
	Region      string            // us-east-1

	// Logs gets what the function prints, line by line behind its name, one Write a line. Nil drops it. Several
	// functions may share a writer that can be called concurrently, as files can.
	Logs io.Writer
	// Now is the clock that deadlines are told by: the real one, unless a test needs to know. Time-outs are real time.
	Now func() time.Time
}

// Function runs one function. It is safe for concurrent use.
type Function struct {
	config Config
	logs   *logs

	closing chan struct{}
	running sync.WaitGroup // invocations

	mu     sync.Mutex
	closed bool
	all    map[*sandbox]bool
	idle   []*sandbox // the last one used is the next one used, so that few are kept busy
}

// New prepares a function. Its first process starts with the first invocation.
func New(c Config) *Function {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.InitTimeout == 0 {
		c.InitTimeout = defaultInitTimeout
	}
	if c.MemoryMB == 0 {
		c.MemoryMB = defaultMemoryMB
	}
	if c.Concurrency == 0 {
		c.Concurrency = defaultConcurrency
	}
	if c.Region == "" {
		c.Region = "us-east-1"
	}
	if c.Logs == nil {
		c.Logs = io.Discard
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Function{
		config:  c,
		logs:    &logs{prefix: c.Name + " | ", to: c.Logs},
		closing: make(chan struct{}),
		all:     map[*sandbox]bool{},
	}
}

// Name is the function's name.
func (f *Function) Name() string { return f.config.Name }

// ARN names the function to AWS's other services.
func (f *Function) ARN() string { return arn(&f.config) }

// Sandboxes is the number of processes, idle ones and those at work.
func (f *Function) Sandboxes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.all)
}

// Invoke has the function handle an event (JSON) and returns its response. Errors: *FunctionError when the function
// failed, *ThrottledError when Concurrency processes are at work, *EventTooLargeError, ErrClosed, and ctx's when the
// caller doesn't wait for the end, which the function still comes to.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if len(event) > MaxEvent {
		return nil, &EventTooLargeError{Function: f.config.Name, Size: len(event)}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !f.enter() {
		return nil, ErrClosed
	}
	done := make(chan outcome, 1)
	go func() {
		defer f.running.Done()
		done <- f.run(event)
	}()
	select {
	case o := <-done:
		return o.response, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Close stops all processes and waits until they are gone. Invocations under way end with ErrClosed.
func (f *Function) Close() error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.closing)
	}
	idle := f.idle
	f.idle = nil
	f.mu.Unlock()

	var stops sync.WaitGroup
	for _, s := range idle {
		stops.Go(s.stop)
	}
	stops.Wait()
	f.running.Wait()
	return nil
}

// enter counts an invocation in, unless the function is closed.
func (f *Function) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.running.Add(1)
	return true
}

// run finds a sandbox and has it serve the event. A warm one that died in its sleep costs nothing but another try.
func (f *Function) run(event []byte) outcome {
	for {
		s, warm, err := f.acquire()
		if err != nil {
			return outcome{err: err}
		}
		if !warm {
			if err := s.start(); err != nil {
				return outcome{err: err}
			}
		}
		o := s.serve(event)
		if warm && errors.Is(o.err, errDiedIdle) {
			continue
		}
		f.release(s)
		return o
	}
}

// acquire takes an idle sandbox, or makes room for a new one, which isn't started yet.
func (f *Function) acquire() (s *sandbox, warm bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, false, ErrClosed
	}
	if n := len(f.idle); n > 0 {
		s, f.idle = f.idle[n-1], f.idle[:n-1]
		return s, true, nil
	}
	if len(f.all) >= f.config.Concurrency {
		return nil, false, &ThrottledError{Function: f.config.Name}
	}
	s = newSandbox(f)
	f.all[s] = true
	return s, false, nil
}

// release gives a sandbox back, if it still lives.
func (f *Function) release(s *sandbox) {
	f.mu.Lock()
	closed := f.closed
	if f.all[s] && !closed {
		f.idle = append(f.idle, s)
	}
	f.mu.Unlock()
	if closed {
		s.stop()
	}
}

// forget makes room: the sandbox's process is gone.
func (f *Function) forget(s *sandbox) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, s)
	f.idle = slices.DeleteFunc(f.idle, func(other *sandbox) bool { return other == s })
}
