package boot_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"billingcentre/shared/boot"
)

const initialization = "AWS_LAMBDA_INITIALIZATION_TYPE"

type greeter func(ctx context.Context, name string) (string, error)

func greet(_ context.Context, name string) (string, error) { return "hello " + name, nil }

func TestFirstEventsWaitForTheWiring(t *testing.T) {
	t.Setenv(initialization, "on-demand")
	synctest.Test(t, func(t *testing.T) {
		secret, wirings := make(chan struct{}), new(atomic.Int64)
		handle := boot.Meanwhile(func(*boot.Boot) greeter {
			wirings.Add(1)
			<-secret
			return greet
		})
		answers := make(chan string, 3)
		for range cap(answers) {
			go func() {
				answer, err := handle(t.Context(), "you")
				answers <- answer
				if err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		if n := len(answers); n > 0 {
			t.Fatalf("%d events were answered before all was wired", n)
		}
		close(secret)
		for range cap(answers) {
			if answer := <-answers; answer != "hello you" {
				t.Errorf("got %q", answer)
			}
		}
		if n := wirings.Load(); n != 1 {
			t.Errorf("wired %d times, want once", n)
		}
	})
}

func TestAnEventWaitsUntilItsDeadlineAndTheNextGoesOnWaiting(t *testing.T) {
	t.Setenv(initialization, "on-demand")
	synctest.Test(t, func(t *testing.T) {
		secret := make(chan struct{})
		handle := boot.Meanwhile(func(*boot.Boot) greeter { <-secret; return greet })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if answer, err := handle(ctx, "you"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %q, %v, want the deadline", answer, err)
		}
		close(secret)
		if answer, err := handle(t.Context(), "you"); answer != "hello you" || err != nil {
			t.Errorf("got %q, %v", answer, err)
		}
	})
}

func TestWhereNoEventIsOnItsWayTheStartWaits(t *testing.T) {
	for _, how := range []string{"provisioned-concurrency", "snap-start", ""} {
		t.Run(how, func(t *testing.T) {
			t.Setenv(initialization, how)
			synctest.Test(t, func(t *testing.T) {
				secret, ready := make(chan struct{}), make(chan greeter, 1)
				go func() { ready <- boot.Meanwhile(func(*boot.Boot) greeter { <-secret; return greet }) }()
				synctest.Wait()
				if len(ready) > 0 {
					t.Error("it was ready before all was wired")
				}
				close(secret)
				if answer, err := (<-ready)(t.Context(), "you"); answer != "hello you" || err != nil {
					t.Errorf("got %q, %v", answer, err)
				}
			})
		})
	}
}

func TestPartsArePreparedSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // ends the test when the parts wait for ever
		meet := make(chan string)
		first := boot.Beside(func() string { return <-meet })
		second := boot.Beside(func() string { meet <- "one"; return "two" })
		if got := first.Wait() + " " + second.Wait(); got != "one two" {
			t.Errorf("got %q", got)
		}
	})
}
