package books

import (
	"context"
	"fmt"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Books are the books of all accounts.
type Books struct {
	Store ledger.Store
}

// View is one account's books and its head, as they were when it was opened. It reads what it is asked for, when it is
// asked, and remembers a little of it; it isn't safe for concurrent use.
type View struct {
	Head    wallet.Head // strongly consistent; its Currency and Zone are the account's
	Through int64       // all entries up to this number are in what the view tells. See Behind

	books *Books
}

// Open looks at an account's books. One that isn't open is the refusal NotFound.
func (b *Books) Open(ctx context.Context, account wallet.AccountID) (*View, error) { panic("soon") }

// Behind is how many of the head's entries the view doesn't tell, because the follower is further behind than a view
// reads by itself (500 entries), or the journal's list lags for a moment. It is nearly always 0.
func (v *View) Behind() int64 { return v.Head.Version - v.Through }

// Filter chooses rows.
type Filter struct {
	From, Until string             // usage days, YYYY-MM-DD, both included
	Workspace   wallet.WorkspaceID // "" for all
	Product     string             // "" for all
	// After and Through choose entries with After < number <= Through; Through 0 is all that the view knows. A monthly
	// bill keeps Through, so that it is the same whenever it is made again; what came later has numbers after it.
	After, Through int64
	// Most is how many volumes (a hundred entries each) may be read for an answer that isn't kept ready; 0 is no limit.
	// A page of rows that would need more is cut short, and has Next; totals that would need more are a *LargeError.
	Most int
}

// LargeError says that an answer would need more reads than Filter.Most: ask for less, or have an export made.
type LargeError struct {
	Volumes int // at least so many would have to be read
}

func (e *LargeError) Error() string {
	return fmt.Sprintf("books: %d volumes would have to be read", e.Volumes)
}
