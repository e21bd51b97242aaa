package books

import (
	"context"
	"time"

	"billingcentre/shared/wallet"
)

// AsOf is the head as it was at an instant: after all entries before it, and before those at it and later. Its Lots are
// those that had something left; which of them were usable is told by Head.Usable and Lot.UsableAt of the instant (README
// rule 19), exactly as they were told then. Before the account was opened, and only then, its Version is 0.
//
// It costs three reads, whatever the length of the journal.
func (v *View) AsOf(ctx context.Context, instant time.Time) (wallet.Head, error) { panic("soon") }

// After is the head as it was after an entry; after 0 it is that of an account that isn't open. A number that the view
// doesn't know is the refusal NotFound.
func (v *View) After(ctx context.Context, number int64) (wallet.Head, error) { panic("soon") }

// NumberAt is the number of the last entry before an instant, 0 when there is none.
func (v *View) NumberAt(ctx context.Context, instant time.Time) (int64, error) { panic("soon") }
