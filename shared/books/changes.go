package books

import (
	"context"
	"iter"
	"time"

	"billingcentre/shared/wallet"
)

// ChangeFilter chooses entries.
type ChangeFilter struct {
	From, Until    time.Time          // From <= time < Until; zero: no bound
	Kinds          []wallet.EntryKind // none: all
	Funds          []Fund             // entries that moved one of them; none: all, even those that moved nothing
	After, Through int64              // After < number <= Through; Through 0 is all that the view knows
	Most           int                // as Filter.Most, for pages
}

// ChangePage is some changes of a list.
type ChangePage struct {
	Changes []Change
	Next    int64 // the number to ask for as before; 0: there are no more. Filter.Most may cut a page short
}

// Changes lists entries, the last first, from the one before a number (0: the last of all). Volumes that have no entry of
// the kinds and funds are passed over unread: a page costs a constant number of reads, whatever the length of the journal.
func (v *View) Changes(ctx context.Context, f ChangeFilter, before int64, limit int) (ChangePage, error) {
	panic("soon")
}

// EachChange walks through entries the other way, for exports: in the order of their numbers. The walk ends with the first
// error.
func (v *View) EachChange(ctx context.Context, f ChangeFilter) iter.Seq2[Change, error] {
	panic("soon")
}

// JournalDay is one day of the journal, in the account's zone: what there was, what came in, what went out.
type JournalDay struct {
	Day     string // on which entries were made, YYYY-MM-DD; never mind which usage they are about
	First   int64  // numbers of its first and last entries
	Last    int64
	Opening wallet.Balances // before First
	Closing wallet.Balances // after Last
	Flows   []Flow          // by kind, in the order of the kinds. Opening + In - Out = Closing, fund by fund
}

// Flow is what the entries of one kind moved on one day.
type Flow struct {
	Kind  wallet.EntryKind
	Count int64
	In    Sums // what the funds grew by
	Out   Sums // what they shrank by, above zero. What is repaid of arrears is Out of them
}

// JournalDays tells the days from one to another, both included, that have entries, in order. It reads one document a
// month.
func (v *View) JournalDays(ctx context.Context, from, until string) ([]JournalDay, error) {
	panic("soon")
}
