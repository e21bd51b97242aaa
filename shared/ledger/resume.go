package ledger

import (
	"context"
	"errors"

	"billingcentre/shared/refusal"
)

// Resume goes on with a walk that is more than one run can do: at is the place where the run before ended, kept in a
// document, and zero for a new round. Where walk ends is kept whatever else failed: what was done is done, and the next run
// must not begin there again.
func Resume[T any](ctx context.Context, store Store, key DocumentKey, walk func(at *T) error) error {
	at, document, err := Read[T](ctx, store, key)
	if err != nil && !refusal.Is(err, refusal.NotFound) {
		return err
	}
	walked := walk(&at)
	err = store.Put(context.WithoutCancel(ctx), document.With(at))
	if errors.Is(err, ErrStale) { // another run was here at the same time; both did good
		return walked
	}
	return errors.Join(walked, err)
}
