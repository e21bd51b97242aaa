package ledger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
)

var walkKey = ledger.DocumentKey{Kind: "walk", ID: "accounts"}

// Each run goes on where the one before ended, though that failed, or ran out of time; the end begins a new round.
func TestARunGoesOnWhereTheLastOneEnded(t *testing.T) {
	store, broken := new(memory.Store), errors.New("broken")
	var began []int
	for _, run := range []struct {
		ends int
		err  error
	}{{3, nil}, {5, broken}, {7, context.Canceled}, {0, nil}, {3, nil}} {
		ctx, cancel := context.WithCancel(t.Context())
		err := ledger.Resume(ctx, store, walkKey, func(at *int) error {
			began = append(began, *at)
			if *at = run.ends; errors.Is(run.err, context.Canceled) {
				cancel()
			}
			return run.err
		})
		cancel()
		if !errors.Is(err, run.err) {
			t.Errorf("%v, want %v", err, run.err)
		}
	}
	if diff := cmp.Diff([]int{0, 3, 5, 7, 0}, began); diff != "" {
		t.Error(diff)
	}
}

// Two runs at once do the same twice, which is no fault; of their places the first one's stands.
func TestTwoRunsAtOnceAreNoFault(t *testing.T) {
	store := new(memory.Store)
	if err := ledger.Resume(t.Context(), store, walkKey, func(at *int) error {
		*at = 4
		return ledger.Resume(t.Context(), store, walkKey, func(at *int) error {
			*at = 9
			return nil
		})
	}); err != nil {
		t.Error(err)
	}
	if at, _, err := ledger.Read[int](t.Context(), store, walkKey); at != 9 || err != nil {
		t.Error(at, err)
	}
}

func TestAPlaceThatCannotBeReadOrKeptIsAFault(t *testing.T) {
	store := new(memory.Store)
	if err := store.Put(t.Context(), ledger.Document{Key: walkKey, Body: []byte("{")}); err != nil {
		t.Fatal(err)
	}
	if err := ledger.Resume(t.Context(), store, walkKey, func(*int) error { t.Error("it walked"); return nil }); err == nil {
		t.Error("an unreadable place is none")
	}
	away := &unkept{Store: new(memory.Store)}
	if err := ledger.Resume(t.Context(), away, walkKey, func(*int) error { return nil }); !errors.Is(err, ledger.ErrThrottled) {
		t.Error(err)
	}
}

// unkept is a store that takes no documents now.
type unkept struct{ ledger.Store }

func (unkept) Put(context.Context, ...ledger.Document) error { return ledger.ErrThrottled }
