package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"billingcentre/infra/demo/centre"
	"billingcentre/infra/local/stack"
)

// patience is how long anything may take on a busy machine.
const patience = 60 * time.Second

// shared is the stack that all tests use, started by the first that asks.
var shared struct {
	start sync.Once
	stack *stack.Stack
	state string
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if shared.stack != nil {
		if err := shared.stack.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	if shared.state != "" {
		_ = os.RemoveAll(shared.state)
	}
	os.Exit(code)
}

func running(t *testing.T) *stack.Stack {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: not without the stack")
	}
	shared.start.Do(func() {
		if shared.state, shared.err = os.MkdirTemp("", "e2e-"); shared.err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		shared.stack, shared.err = stack.Start(ctx, stack.Options{State: shared.state, Memory: true})
	})
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.stack
}

// client is a client of the shared stack.
func client(t *testing.T) *centre.Centre {
	t.Helper()
	s := running(t)
	return s.Running.Centre(s.Issuer)
}

// await waits until something holds, and fails the test when it doesn't within patience.
func await(t *testing.T, what string, holds func() (bool, error)) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		ok, err := holds()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if ok {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		case <-look.C:
		}
	}
}

// status is the HTTP status of an error, 0 for another one.
func status(err error) int {
	if refused, ok := errors.AsType[*centre.Refused](err); ok {
		return refused.Status
	}
	return 0
}

// gone tells a 404 from trouble.
func gone(err error) bool { return status(err) == http.StatusNotFound }
