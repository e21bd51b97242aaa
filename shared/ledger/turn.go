package ledger

import (
	"context"
	"errors"
)

const turns = 8 // tries of one turn that others got in the way of

// Turn turns documents that move no money, again from the start whenever one of them has moved meanwhile. try loads them,
// and gives what they are about and all that is to be written; nothing, if nothing is to change. An unknown outcome is
// looked at, not guessed: turning what has been turned must change nothing. changed tells that something was written.
func Turn[T any](ctx context.Context, store Store, try func() (value T, write []Document, err error)) (value T, changed bool, err error) {
	var none T
	doubt := false
	for attempt := 1; ; attempt++ {
		value, write, err := try()
		switch {
		case err != nil:
			return none, false, err
		case len(write) == 0:
			return value, doubt, nil
		}
		err = store.Put(ctx, write...)
		switch {
		case err == nil:
			return value, true, nil
		case errors.Is(err, ErrUnknown):
			doubt = true
		case !errors.Is(err, ErrStale) && !errors.Is(err, ErrContended):
			return none, false, err
		}
		if attempt == turns || Backoff(ctx, attempt) != nil {
			return none, false, exhausted(err)
		}
	}
}
