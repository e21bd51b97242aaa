package desk_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"billingcentre/shared/export/desk"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/refusal"
)

// silent is a store whose writes of documents aren't answered, whether they are done or not.
type silent struct {
	*memory.Store
	done bool
}

func (s silent) Put(ctx context.Context, documents ...ledger.Document) error {
	if s.done {
		if err := s.Store.Put(ctx, documents...); err != nil {
			return err
		}
	}
	return ledger.ErrUnknown
}

// Nobody knows whether the wish is written: if it is, it is taken; if it isn't, that is no "not found".
func TestAWishWhoseWriteIsNotAnswered(t *testing.T) {
	for _, done := range []bool{true, false} {
		w := newWorld(t)
		w.desk.Store = silent{w.store, done}
		wish, err := november.Check()
		if err != nil {
			t.Fatal(err)
		}
		e, _, err := w.desk.Ask(t.Context(), "acme", "k-1", "olga", wish)
		switch {
		case done && (err != nil || e.State != desk.Pending || len(w.queue) != 1):
			t.Errorf("written: %+v, %v, %d messages", e, err, len(w.queue))
		case !done && (!errors.Is(err, ledger.ErrUnknown) || refusal.Is(err, refusal.NotFound) || len(w.queue) != 0):
			t.Errorf("not written: %v, %d messages", err, len(w.queue))
		}
	}
}

// A message that came too often ends no export that somebody is making: it waited for him all the time.
func TestAnExportThatSomebodyMakesIsNotGivenUp(t *testing.T) {
	w := newWorld(t)
	w.settle(1)
	e := w.ask("k-1", november)
	busy := true
	room := func() bool {
		if busy {
			busy = false
			if err := w.maker.Fail(t.Context(), e.ID); !refusal.Is(err, refusal.Contended) {
				t.Errorf("given up meanwhile: %v", err)
			}
		}
		return true
	}
	if err := w.maker.Make(t.Context(), e.ID, room); err != nil {
		t.Fatal(err)
	}
	if found, err := w.desk.Find(t.Context(), "acme", e.ID); err != nil || found.State != desk.Ready {
		t.Errorf("%+v, %v", found, err)
	}
	w.now = w.now.Add(time.Hour)
	if err := w.maker.Fail(t.Context(), e.ID); err != nil {
		t.Error(err)
	}
}
