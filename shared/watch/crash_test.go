package watch_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/preference"
)

// failing fails one write, made or not made.
type failing struct {
	ledger.Store
	at, writes int
	made       bool
}

func (f *failing) Put(ctx context.Context, documents ...ledger.Document) error {
	f.writes++
	if f.writes != f.at {
		return f.Store.Put(ctx, documents...)
	}
	if f.made {
		if err := f.Store.Put(ctx, documents...); err != nil {
			return err
		}
	}
	return errors.New("the function dies")
}

// The function dies at any of its writes, before or after it; the event comes again. Each crossing and each day is told once,
// by its own entry.
func TestDeathAtAnyWrite(t *testing.T) {
	for _, made := range []bool{false, true} {
		for at := 1; ; at++ {
			w := newWorld(t)
			w.want(preference.Preferences{LowBalance: "100.00", DayTotal: "5.00"})
			w.look(w.change(20000))
			var last int64
			for _, by := range []int64{-15000, 15000, -10001} {
				w.change(by)
			}
			last = w.bill("2026-11-09", map[string]string{"logs": "9"})
			mortal := w.Watch
			broken := &failing{Store: w.Store, at: at, made: made}
			mortal.Store = broken
			_ = mortal.Look(t.Context(), "acme", last)
			if broken.writes < at {
				if at < 4 {
					t.Fatalf("it writes %d times only", at-1)
				}
				break
			}
			w.look(last)
			if diff := cmp.Diff([]string{"50.00", "99.99"}, w.told(last)); diff != "" {
				t.Errorf("write %d, made: %v: %s", at, made, diff)
			}
			if diff := cmp.Diff([]string{`2026-11-09 "" 9 of 5.00`}, w.high([]string{"2026-11-09"}, []string{""})); diff != "" {
				t.Errorf("write %d, made: %v: %s", at, made, diff)
			}
		}
	}
}
