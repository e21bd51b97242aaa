package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// birth is how long a function takes, from the start of its process on.
type birth struct {
	asked    time.Duration // to its first request for an event: its init
	answered time.Duration // to the answer to that event, which waits for whatever the function fetches; 0 if it got none
}

// bear starts a function under a runtime API that has one event for it, "" for none, and ends it once that is answered.
func bear(ctx context.Context, binary string, env map[string]string, event string) (birth, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r := &runtimeAPI{event: event, calls: make(chan call, 8)}
	api := httptest.NewServer(r)
	defer api.Close()
	cmd := exec.CommandContext(ctx, binary)
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "AWS_LAMBDA_RUNTIME_API="+api.Listener.Addr().String())
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return birth{}, err
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait() //nolint:errcheck // killed processes fail
		cancel()
		close(ended)
	}()
	b, err := r.watch(ctx, began)
	cancel() // kills it
	<-ended
	if err != nil {
		return birth{}, fmt.Errorf("%w; it said: %s", err, said.String())
	}
	return b, nil
}

// runtimeAPI is as much of Lambda's as a first event takes. It tells of the runtime's calls in their order.
type runtimeAPI struct {
	event string
	given atomic.Bool
	calls chan call
}

type call struct {
	at         time.Time
	path, body string
}

const (
	next     = "/2018-06-01/runtime/invocation/next"
	response = "/2018-06-01/runtime/invocation/bench/response"
)

func (r *runtimeAPI) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	at := time.Now()
	body, _ := io.ReadAll(req.Body) // whoever breaks off has ended
	select {
	case r.calls <- call{at, req.URL.Path, string(body)}:
	case <-req.Context().Done():
	}
	if req.URL.Path != next {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	if r.event == "" || r.given.Swap(true) {
		<-req.Context().Done()
		return
	}
	w.Header().Set("Lambda-Runtime-Aws-Request-Id", "bench")
	w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(at.Add(10*time.Second).UnixMilli(), 10))
	io.WriteString(w, r.event) //nolint:errcheck // the function is gone then
}

// watch returns when the event is answered or, if there is none, when one is asked for.
func (r *runtimeAPI) watch(ctx context.Context, began time.Time) (b birth, err error) {
	for {
		select {
		case c := <-r.calls:
			switch {
			case c.path == next && r.event == "":
				return birth{asked: c.at.Sub(began)}, nil
			case c.path == next:
				b.asked = c.at.Sub(began)
			case c.path == response:
				b.answered = c.at.Sub(began)
				return b, nil
			default:
				return birth{}, fmt.Errorf("it failed at %s: %s", c.path, c.body)
			}
		case <-ctx.Done():
			return birth{}, fmt.Errorf("it ended, or took ten seconds: %w", ctx.Err())
		}
	}
}
