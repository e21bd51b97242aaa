package lambda

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"billingcentre/infra/local/process"
)

// phase is where a sandbox stands in the Runtime API's order: it asks for an event, answers it, asks for the next.
type phase int

const (
	starting phase = iota // has not asked for work yet
	waiting               // has asked for work and has none
	working               // has an event
	answered              // has answered, and not asked for more
)

// sandbox is one process of the function and the Runtime API that it talks to.
type sandbox struct {
	function *Function
	work     chan *invocation // taken by the runtime's request for the next event
	ready    chan struct{}    // closed when the runtime first asks for work
	failed   chan struct{}    // closed when the runtime reports that it can't start
	ended    chan struct{}    // closed when the process is gone

	server  *http.Server
	process *process.Process

	mu      sync.Mutex
	phase   phase
	current *invocation
	fault   *FunctionError // of the start, as the runtime reported it
}

func newSandbox(f *Function) *sandbox {
	return &sandbox{
		function: f,
		work:     make(chan *invocation),
		ready:    make(chan struct{}),
		failed:   make(chan struct{}),
		ended:    make(chan struct{}),
	}
}

// start runs the process and returns when it asks for work. When it doesn't, the sandbox is gone.
func (s *sandbox) start() error {
	if err := s.launch(); err != nil {
		s.function.forget(s)
		return s.failure(&FunctionError{Type: InvalidEntry, Message: err.Error()}, "")
	}
	limit := s.function.config.InitTimeout
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.ready:
		return nil
	case <-s.failed:
		s.stop()
		return s.failure(s.fault, "")
	case <-s.ended:
		select {
		case <-s.failed:
			return s.failure(s.fault, "")
		default:
			return s.failure(exited(s.process.Outcome()), "")
		}
	case <-timer.C:
		s.kill()
		return s.failure(timedOut("Init", limit), "")
	case <-s.function.closing:
		s.stop()
		return ErrClosed
	}
}

// launch opens the Runtime API, then starts the process.
func (s *sandbox) launch() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.server = &http.Server{Handler: s.api(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // ends by Close, in watch

	config := &s.function.config
	out, errs := s.function.logs.lines(), s.function.logs.lines()
	cmd := exec.Command(config.Binary)
	cmd.Dir = filepath.Dir(config.Binary)
	cmd.Env = environment(config, listener.Addr().String())
	cmd.Stdout, cmd.Stderr = out, errs
	if s.process, err = process.Start(cmd); err != nil {
		_ = s.server.Close()
		return fmt.Errorf("start %s: %w", config.Binary, err)
	}
	go s.watch(out, errs)
	return nil
}

// watch waits for the process's end, and cleans up behind it.
func (s *sandbox) watch(output ...*lines) {
	<-s.process.Done()
	for _, o := range output {
		o.flush()
	}
	_ = s.server.Close()
	s.function.forget(s)
	close(s.ended)
}

// serve hands an event to the waiting runtime and returns when the runtime is done with it, or with its life.
func (s *sandbox) serve(event []byte) outcome {
	config := &s.function.config
	timer := time.NewTimer(config.Timeout)
	defer timer.Stop()
	in := newInvocation(event, config.Now(), config.Timeout)
	select {
	case s.work <- in:
	case <-s.ended:
		return outcome{err: errDiedIdle}
	case <-s.function.closing:
		s.stop()
		return outcome{err: ErrClosed}
	case <-timer.C:
		s.kill()
		return outcome{err: s.failure(timedOut("Task", config.Timeout), in.id)}
	}
	o := s.await(in, timer.C)
	if failed, ok := errors.AsType[*FunctionError](o.err); ok {
		o.err = s.failure(failed, in.id)
	}
	return o
}

// await returns when the runtime asks for more work, not when it answers: only then may the sandbox get another event,
// and a panic that it answered with has ended it by then.
func (s *sandbox) await(in *invocation, timeout <-chan time.Time) outcome {
	var unanswered func() error
	select {
	case <-in.settled:
	case <-s.ended:
		unanswered = func() error { return exited(s.process.Outcome()) }
	case <-timeout:
		s.kill()
		unanswered = func() error { return timedOut("Task", s.function.config.Timeout) }
	case <-s.function.closing:
		s.stop()
		unanswered = func() error { return ErrClosed }
	}
	select {
	case o := <-in.answered:
		return o
	default:
		return outcome{err: unanswered()}
	}
}

// stop asks the process to end, kills it if it doesn't, and waits until it is gone.
func (s *sandbox) stop() {
	s.process.Stop(stopWait)
	<-s.ended
}

func (s *sandbox) kill() {
	s.process.Kill()
	<-s.ended
}

// failure completes an error and writes it to the log, as Lambda does.
func (s *sandbox) failure(e *FunctionError, request string) error {
	e.Function, e.RequestID = s.function.config.Name, request
	s.function.logs.line(fmt.Sprintf("%s: %s %s", e.Type, e.Message, request))
	return e
}
