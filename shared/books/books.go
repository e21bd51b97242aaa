package books

import (
	"context"
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
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

	books    *Books
	cover    Cover
	kept     int64          // up to here the follower has counted
	base     int64          // the last entry of the last whole volume; what comes after it is
	tail     []wallet.Entry // as the journal tells it
	tailRows map[string][][]Row
	usage    map[string]*usageMonth
	tables   map[int64]*contents
	indexes  map[string]*index // by month, of the workspace that is indexed
	indexed  wallet.WorkspaceID
	shelf    map[int64]*volume
	fetched  []int64 // the volumes on the shelf, in the order in which they came
	lines    int     // of the bills in them
	reads    int     // how many came, ever
}

const tailMost = 500 // entries that a view reads from the journal itself

// Open looks at an account's books. One that isn't open is the refusal NotFound.
//
// The cursor is read before the head, so the head is never behind it.
func (b *Books) Open(ctx context.Context, account wallet.AccountID) (*View, error) {
	cursor, err := follow.Load[Cover](ctx, b.Store, consumer, account)
	if err != nil {
		return nil, err
	}
	head, err := b.Store.Head(ctx, account)
	switch {
	case err != nil:
		return nil, err
	case head.Version == 0:
		return nil, refusal.Of(refusal.NotFound, "There is no such account.")
	}
	v := &View{
		Head: head, books: b, cover: cursor.State, kept: cursor.Number, base: cursor.Number - cursor.Number%stride,
		usage: map[string]*usageMonth{}, tables: map[int64]*contents{}, shelf: map[int64]*volume{}, tailRows: map[string][][]Row{},
	}
	return v, v.readTail(ctx)
}

// readTail reads what comes after the last whole volume.
func (v *View) readTail(ctx context.Context) error {
	last := min(v.Head.Version, v.base+tailMost)
	v.Through = v.base
	if last > v.base {
		page, err := v.books.Store.Journal(ctx, v.Head.Account, last+1, int(last-v.base))
		if err != nil {
			return err
		}
		for _, e := range slices.Backward(page) {
			if e.Number == v.Through+1 {
				v.tail, v.Through = append(v.tail, e), e.Number
			}
		}
	}
	v.Through = max(v.Through, v.kept)
	settled, err := v.books.reversed(ctx, v.tail)
	if err != nil {
		return err
	}
	for _, e := range v.tail {
		if e.Number <= v.kept {
			continue
		}
		var origin *wallet.Entry
		if e.Reversal != nil {
			one := settled[e.Reversal.Bill]
			origin = &one
		}
		if rows := RowsOf(e, origin); len(rows) > 0 {
			v.tailRows[rows[0].Day] = append(v.tailRows[rows[0].Day], rows)
		}
	}
	return nil
}

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

// Error implements error.
func (e *LargeError) Error() string {
	return fmt.Sprintf("books: %d volumes would have to be read", e.Volumes)
}

// bounded is the filter with its open bounds filled in. A day that isn't one is the refusal Invalid.
func (v *View) bounded(f Filter) (Filter, error) {
	for _, day := range [...]string{f.From, f.Until} {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			return f, refusal.Of(refusal.Invalid, "%q is not a day of the calendar.", day)
		}
	}
	if f.Through == 0 || f.Through > v.Through {
		f.Through = v.Through
	}
	return f, nil
}
