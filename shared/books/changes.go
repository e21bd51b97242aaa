package books

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
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
	var page ChangePage
	if before > 0 && (f.Through == 0 || f.Through >= before) {
		f.Through = before - 1
		if before == 1 {
			return page, nil
		}
	}
	f, err := v.numbered(ctx, f)
	if err != nil {
		return page, err
	}
	reads := v.reads
	for some, err := range v.changes(ctx, f, true) {
		if err != nil {
			return page, err
		}
		for _, c := range slices.Backward(some) {
			if !f.chooses(c) {
				continue
			}
			if len(page.Changes) == limit {
				page.Next = page.Changes[limit-1].Entry.Number
				return page, nil
			}
			page.Changes = append(page.Changes, c)
		}
		if f.Most > 0 && v.reads-reads >= f.Most {
			if next := some[0].Entry.Number; next > f.After+1 {
				page.Next = next
			}
			return page, nil
		}
	}
	return page, nil
}

// EachChange walks through entries the other way, for exports: in the order of their numbers. The walk ends with the first
// error.
func (v *View) EachChange(ctx context.Context, f ChangeFilter) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		f, err := v.numbered(ctx, f)
		if err != nil {
			yield(Change{}, err)
			return
		}
		for some, err := range v.changes(ctx, f, false) {
			if err != nil {
				yield(Change{}, err)
				return
			}
			for _, c := range some {
				if f.chooses(c) && !yield(c, nil) {
					return
				}
			}
		}
	}
}

// numbered is the filter with its instants turned into numbers.
func (v *View) numbered(ctx context.Context, f ChangeFilter) (ChangeFilter, error) {
	known := v.base + int64(len(v.tail))
	if f.Through == 0 || f.Through > known {
		f.Through = known
	}
	if !f.Until.IsZero() {
		last, err := v.NumberAt(ctx, f.Until)
		if err != nil {
			return f, err
		}
		f.Through = min(f.Through, last)
	}
	if !f.From.IsZero() {
		last, err := v.NumberAt(ctx, f.From)
		if err != nil {
			return f, err
		}
		f.After = max(f.After, last)
	}
	return f, nil
}

// chooses tells whether a filter, once it is numbered, chooses a change.
func (f ChangeFilter) chooses(c Change) bool {
	return c.Entry.Number > f.After && c.Entry.Number <= f.Through && f.wants(c.mask())
}

// changes walks through the tail, and the volumes that may have what a filter chooses, each in the order of its entries.
func (v *View) changes(ctx context.Context, f ChangeFilter, back bool) iter.Seq2[[]Change, error] {
	tail := func(yield func([]Change, error) bool) bool {
		if f.Through <= v.base {
			return true
		}
		some, err := v.tailChanges(ctx)
		return yield(some, err) && err == nil
	}
	return func(yield func([]Change, error) bool) {
		if back && !tail(yield) || !v.volumeChanges(ctx, f, back, yield) {
			return
		}
		if !back {
			tail(yield)
		}
	}
}

func (v *View) volumeChanges(ctx context.Context, f ChangeFilter, back bool, yield func([]Change, error) bool) bool {
	first, last := volumeOf(f.After+1), volumeOf(min(f.Through, v.base))
	tables := make([]int64, 0, 1)
	for table := contentsOf(first); table <= contentsOf(last) && first <= last; table++ {
		tables = append(tables, table)
	}
	if back {
		slices.Reverse(tables)
	}
	for _, table := range tables {
		numbers, err := v.numbers(ctx, table, first, last, f)
		if err != nil {
			return yield(nil, err)
		}
		if back {
			slices.Reverse(numbers)
		}
		window := firstReads
		for i, number := range numbers {
			if v.shelf[number] == nil {
				next := slices.DeleteFunc(slices.Clone(numbers[i:min(i+window, len(numbers))]), func(n int64) bool { return v.shelf[n] != nil })
				if err := v.fetch(ctx, next); err != nil {
					return yield(nil, err)
				}
				window = v.window(2 * window)
			}
			some, err := v.shelf[number].told()
			if !yield(some, err) || err != nil {
				return false
			}
		}
	}
	return true
}

// numbers are the volumes of a table of contents that may have what a filter chooses.
func (v *View) numbers(ctx context.Context, table, first, last int64, f ChangeFilter) (numbers []int64, err error) {
	all := &contents{}
	if len(f.Kinds)+len(f.Funds) > 0 {
		if !f.wants(v.cover.Masks[table-1]) {
			return nil, nil
		}
		if all, err = v.contentsAt(ctx, table); err != nil {
			return nil, err
		}
	}
	for number := max(first, (table-1)*listed+1); number <= min(last, table*listed); number++ {
		if all.Masks == nil || f.wants(all.Masks[(number-1)%listed]) {
			numbers = append(numbers, number)
		}
	}
	return numbers, nil
}

// told are the changes of a volume.
func (v *volume) told() (_ []Change, err error) {
	if v.changes == nil {
		v.changes, err = changesOf(v.before, v.entries)
	}
	return v.changes, err
}

func (v *View) tailChanges(ctx context.Context) ([]Change, error) {
	if len(v.tail) == 0 {
		return nil, nil
	}
	head, err := v.atBase(ctx)
	if err != nil {
		return nil, err
	}
	return changesOf(head, v.tail)
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
// month. A day may tell of entries after Through, when the follower has moved on since the view was opened.
func (v *View) JournalDays(ctx context.Context, from, until string) ([]JournalDay, error) {
	f, err := v.bounded(Filter{From: from, Until: until})
	if err != nil {
		return nil, err
	}
	zone, err := directory.Zone(v.Head.Zone)
	if err != nil {
		return nil, err
	}
	kept, err := v.journalMonths(ctx, f, zone)
	if err != nil {
		return nil, err
	}
	tail, err := v.tailChanges(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range tail {
		day := c.Entry.Time.In(zone).Format(time.DateOnly)
		counted := v.kept
		if d := kept.Days[day]; d != nil {
			counted = max(counted, d.Last) // by now, perhaps more than when the view was opened
		}
		if c.Entry.Number > counted && day >= from && day <= until {
			kept.add(day, c)
		}
	}
	var days []JournalDay
	for _, day := range slices.Sorted(maps.Keys(kept.Days)) {
		told, err := kept.Days[day].tell(day, v.Head.Currency)
		if err != nil {
			return nil, err
		}
		days = append(days, told)
	}
	return days, nil
}

// journalMonths reads what is kept of days, all in one. There are no months before the account was opened.
func (v *View) journalMonths(ctx context.Context, f Filter, zone *time.Location) (*journalMonth, error) {
	all, err := readJournal(nil)
	if err != nil || len(v.cover.Starts) == 0 {
		return all, err
	}
	opened := time.UnixMilli(v.cover.Starts[0]).In(zone).Format(time.DateOnly)
	newest := v.Head.Time.In(zone).Format(time.DateOnly)
	from, until := max(f.From, opened), min(f.Until, newest)
	var keys []ledger.DocumentKey
	for month := monthOf(from); from <= until && month <= monthOf(until); month = nextMonth(month) {
		keys = append(keys, monthKey(journalKind, v.Head.Account, month))
	}
	documents, err := v.books.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, document := range documents {
		month, err := readJournal(document.Body)
		if err != nil {
			return nil, err
		}
		for day, d := range month.Days {
			if day >= f.From && day <= f.Until {
				all.Days[day] = d
			}
		}
	}
	return all, nil
}

// nextMonth is the month after one, both as YYYY-MM.
func nextMonth(month string) string {
	t, err := time.Parse("2006-01", month)
	if err != nil {
		return "9999-99" // after all months: it ends whoever counts them
	}
	return t.AddDate(0, 1, 0).Format("2006-01")
}
