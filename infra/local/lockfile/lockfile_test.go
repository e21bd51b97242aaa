package lockfile_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"billingcentre/infra/local/lockfile"
)

func TestOneHolderAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "lock")
	var holders, turns atomic.Int32
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			unlock, err := lockfile.Lock(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			defer holders.Add(-1)
			if holders.Add(1) != 1 {
				t.Error("two hold the lock")
			}
			turns.Add(1)
		})
	}
	group.Wait()
	if turns.Load() != 4 {
		t.Errorf("%d of 4 had the lock", turns.Load())
	}
}

func TestAWaitCanBeGivenUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockfile.Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := lockfile.Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a taken lock: %v, want %v", err, context.DeadlineExceeded)
	}
}
