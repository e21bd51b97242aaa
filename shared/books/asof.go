package books

import (
	"context"
	"fmt"
	"sort"
	"time"

	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// AsOf is the head as it was at an instant: after all entries before it, and before those at it and later. Its Lots are
// those that had something left; which of them were usable is told by Head.Usable and Lot.UsableAt of the instant (README
// rule 19), exactly as they were told then. Before the account was opened, and only then, its Version is 0.
//
// It costs three reads, whatever the length of the journal.
func (v *View) AsOf(ctx context.Context, instant time.Time) (wallet.Head, error) {
	number, err := v.NumberAt(ctx, instant)
	if err != nil {
		return wallet.Head{}, err
	}
	return v.After(ctx, number)
}

// After is the head as it was after an entry; after 0 it is that of an account that isn't open. A number that the view
// doesn't know is the refusal NotFound.
func (v *View) After(ctx context.Context, number int64) (wallet.Head, error) {
	switch {
	case number == 0:
		return wallet.Head{Account: v.Head.Account}, nil
	case number == v.Head.Version:
		head := v.Head
		head.Due = time.Time{} // nobody remembers when a schedule should have looked
		return head, nil
	case number < 0 || number > v.base+int64(len(v.tail)):
		return wallet.Head{}, refusal.Of(refusal.NotFound, "There is no entry %d, or the books haven't got there.", number)
	case number > v.base:
		head, err := v.atBase(ctx)
		if err != nil {
			return wallet.Head{}, err
		}
		return replay(head, v.tail, number)
	}
	found, err := v.at(ctx, volumeOf(number))
	if err != nil {
		return wallet.Head{}, err
	}
	return found.after(number)
}

// atBase is the head before the tail.
func (v *View) atBase(ctx context.Context) (wallet.Head, error) {
	if v.base == 0 {
		return wallet.Head{Account: v.Head.Account}, nil
	}
	found, err := v.at(ctx, volumeOf(v.base))
	if err != nil {
		return wallet.Head{}, err
	}
	return found.after(v.base)
}

// NumberAt is the number of the last entry before an instant, 0 when there is none.
func (v *View) NumberAt(ctx context.Context, instant time.Time) (int64, error) {
	before := func(entries []wallet.Entry) int64 {
		return int64(sort.Search(len(entries), func(i int) bool { return !entries[i].Time.Before(instant) }))
	}
	switch {
	case v.Head.Time.Before(instant) && v.Behind() == 0:
		return v.Through, nil
	case len(v.tail) > 0 && v.tail[0].Time.Before(instant):
		return v.base + before(v.tail), nil
	}
	// The last table that begins before the instant has the last volume that does.
	ms := instant.UnixMilli()
	if instant.After(time.UnixMilli(ms)) {
		ms++ // entries have whole milliseconds
	}
	last := func(starts []int64) int64 {
		return int64(sort.Search(len(starts), func(i int) bool { return starts[i] >= ms }))
	}
	table := last(v.cover.Starts)
	if table == 0 {
		return 0, nil
	}
	c, err := v.contentsAt(ctx, table)
	if err != nil {
		return 0, err
	}
	number := (table-1)*listed + last(c.starts)
	found, err := v.at(ctx, number)
	if err != nil {
		return 0, err
	}
	return firstOf(number) - 1 + before(found.entries), nil
}

// contentsAt is a table of contents.
func (v *View) contentsAt(ctx context.Context, number int64) (*contents, error) {
	if known := v.tables[number]; known != nil {
		return known, nil
	}
	key := contentsKey(v.Head.Account, number)
	documents, err := v.books.Store.Documents(ctx, key)
	if err != nil {
		return nil, err
	}
	c, err := readContents(documents[key].Body)
	if err != nil {
		return nil, fmt.Errorf("table of contents %d of %s: %w", number, v.Head.Account, err)
	}
	v.tables[number] = c
	return c, nil
}
