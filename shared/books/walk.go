package books

import (
	"context"
	"iter"
	"maps"
	"slices"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// How rows are found: the months in question tell for each day which volumes have rows of it; those are read, some
// together, and remembered for the next day that needs them.

const (
	shelfSize  = 24     // volumes that a view remembers
	shelfLines = 60_000 // lines of bills in them: some 60 MB
	together   = 8      // volumes, or months, that are read at once, after the first ones
	firstReads = 2
)

// walk is how steps are taken.
type walk struct {
	back   bool                  // from the last day and volume to the first
	after  Place                 // back only: from there on
	wanted func(day string) bool // nil: all days
}

// step is what one volume, or the tail, says of one day.
type step struct {
	day    string
	volume int64   // 0: the tail
	bills  [][]Row // by entry, in order
}

// first is the number that no entry of the step is before.
func (s step) first(v *View) int64 {
	if s.volume == 0 {
		return v.kept + 1
	}
	return firstOf(s.volume)
}

// steps walks through what volumes say of the days of a filter. It ends with *LargeError after Filter.Most volumes.
func (v *View) steps(ctx context.Context, f Filter, w walk) iter.Seq2[step, error] {
	return func(yield func(step, error) bool) {
		reads := v.reads
		window := firstReads
		for months := range growing(v.months(f, w.back)) {
			err := v.load(ctx, months)
			if err == nil {
				err = v.loadIndexes(ctx, months, f.Workspace)
			}
			if err != nil {
				yield(step{}, err)
				return
			}
			plan := v.plan(months, f, w)
			for i, s := range plan {
				missing := v.missing(plan[i:], window)
				if s.volume > 0 && v.shelf[s.volume] == nil {
					if f.Most > 0 {
						left := f.Most - (v.reads - reads)
						if left <= 0 {
							yield(s, &LargeError{f.Most + 1})
							return
						}
						missing = missing[:min(left, len(missing))]
					}
					if err := v.fetch(ctx, missing); err != nil {
						yield(step{}, err)
						return
					}
					window = v.window(2 * window)
				}
				s.bills = v.rowsOn(s)
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

// growing gives a list in parts, each twice as long as the one before: most walks end in the first.
func growing(list []string) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		for size := 1; len(list) > 0; size = min(2*size, together) {
			n := min(size, len(list))
			if !yield(list[:n]) {
				return
			}
			list = list[n:]
		}
	}
}

// months are the usage months of a filter that have rows.
func (v *View) months(f Filter, back bool) (months []string) {
	known := maps.Clone(v.cover.Months)
	if known == nil {
		known = map[string]int64{}
	}
	for day := range v.tailRows {
		known[monthOf(day)] = v.Through
	}
	for month, last := range known {
		if m := v.usage[month]; m != nil {
			last = max(last, m.Last)
		}
		if month >= monthOf(f.From) && month <= monthOf(f.Until) && last > f.After {
			months = append(months, month)
		}
	}
	slices.Sort(months)
	if back {
		slices.Reverse(months)
	}
	return months
}

// load reads the documents of months.
func (v *View) load(ctx context.Context, months []string) error {
	var keys []ledger.DocumentKey
	for _, month := range months {
		if v.usage[month] == nil {
			keys = append(keys, monthKey(usageKind, v.Head.Account, month))
			v.usage[month] = &usageMonth{}
		}
	}
	if len(keys) == 0 {
		return nil
	}
	documents, err := v.books.Store.Documents(ctx, keys...)
	for _, month := range months {
		if err == nil && v.usage[month].Days == nil {
			v.usage[month], err = readUsage(documents[monthKey(usageKind, v.Head.Account, month)].Body, v.Head.Currency)
		}
	}
	return err
}

// loadIndexes reads where the rows of a workspace are, in months that have an index.
func (v *View) loadIndexes(ctx context.Context, months []string, workspace wallet.WorkspaceID) error {
	if workspace == "" {
		return nil
	}
	if v.indexed != workspace {
		v.indexed, v.indexes = workspace, map[string]*index{}
	}
	var keys []ledger.DocumentKey
	for _, month := range months {
		if v.cover.Indexed[month] > 0 && v.indexes[month] == nil {
			keys = append(keys, indexKey(v.Head.Account, month, shardOf(workspace)))
		}
	}
	if len(keys) == 0 {
		return nil
	}
	documents, err := v.books.Store.Documents(ctx, keys...)
	for _, month := range months {
		if document, exists := documents[indexKey(v.Head.Account, month, shardOf(workspace))]; err == nil && exists {
			v.indexes[month], err = readIndex(document.Body, v.Head.Currency)
		}
	}
	return err
}

// plan lists the steps through the days of months.
func (v *View) plan(months []string, f Filter, w walk) (plan []step) {
	for _, month := range months {
		days := slices.Collect(maps.Keys(v.usage[month].Days))
		for day := range v.tailRows {
			if monthOf(day) == month && v.usage[month].Days[day] == nil {
				days = append(days, day)
			}
		}
		slices.Sort(days)
		if w.back {
			slices.Reverse(days)
		}
		for _, day := range days {
			if day >= f.From && day <= f.Until && (w.wanted == nil || w.wanted(day)) {
				plan = append(plan, v.planDay(v.usage[month].Days[day], day, f, w)...)
			}
		}
	}
	return plan
}

func (v *View) planDay(kept *usageDay, day string, f Filter, w walk) (plan []step) {
	if w.back && w.after.Day != "" && day > w.after.Day {
		return nil
	}
	low, high := volumeOf(f.After+1), volumeOf(f.Through)
	if w.back && day == w.after.Day {
		high = min(high, volumeOf(w.after.Entry))
	}
	if kept != nil {
		has := v.having(monthOf(day), f.Workspace)
		for _, run := range kept.Runs {
			for number := max(run[0], low); number <= min(run[1], high); number++ {
				if has(number) {
					plan = append(plan, step{day: day, volume: number})
				}
			}
		}
	}
	if len(v.tailRows[day]) > 0 && f.Through > v.kept {
		plan = append(plan, step{day: day})
	}
	if w.back {
		slices.Reverse(plan)
	}
	return plan
}

// having tells whether a volume may have rows of a workspace in a month.
func (v *View) having(month string, workspace wallet.WorkspaceID) func(volume int64) bool {
	x := v.indexes[month]
	if workspace == "" || x == nil {
		return func(int64) bool { return true }
	}
	has := x.of(workspace)
	return func(volume int64) bool { return volume > x.Through || has[volume] }
}

// missing are the next volumes of a plan that aren't on the shelf.
func (v *View) missing(plan []step, limit int) (numbers []int64) {
	for _, s := range plan {
		if len(numbers) == limit {
			break
		}
		if s.volume > 0 && v.shelf[s.volume] == nil && !slices.Contains(numbers, s.volume) {
			numbers = append(numbers, s.volume)
		}
	}
	return numbers
}

// fetch reads volumes onto the shelf, from which the oldest ones go.
func (v *View) fetch(ctx context.Context, numbers []int64) error {
	found, err := v.books.volumes(ctx, v.Head.Account, numbers)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		v.shelf[number] = found[number]
		v.lines += found[number].lines()
	}
	for len(v.fetched) > 0 && (len(v.fetched)+len(numbers) > shelfSize || v.lines > shelfLines) {
		v.lines -= v.shelf[v.fetched[0]].lines()
		delete(v.shelf, v.fetched[0])
		v.fetched = v.fetched[1:]
	}
	v.fetched = append(v.fetched, numbers...)
	v.reads += len(numbers)
	return nil
}

// window is how many volumes are read at once: fewer, where bills are so long that few fit onto the shelf.
func (v *View) window(wanted int) int {
	average := v.lines/max(len(v.fetched), 1) + 1
	return max(1, min(wanted, together, shelfLines/2/average))
}

// lines is how many lines the bills of a volume have.
func (v *volume) lines() (lines int) {
	for _, e := range v.entries {
		if e.Settlement != nil {
			lines += len(e.Settlement.Lines)
		}
	}
	return lines
}

// at is a volume, from the shelf or read now.
func (v *View) at(ctx context.Context, number int64) (*volume, error) {
	if v.shelf[number] == nil {
		if err := v.fetch(ctx, []int64{number}); err != nil {
			return nil, err
		}
	}
	return v.shelf[number], nil
}

// rowsOn are the rows of a step, entry by entry.
func (v *View) rowsOn(s step) (bills [][]Row) {
	counted := v.counted(monthOf(s.day))
	if s.volume == 0 {
		return after(v.tailRows[s.day], counted)
	}
	for _, rows := range v.shelf[s.volume].bills() {
		if rows[0].Day == s.day && rows[0].Entry <= counted {
			bills = append(bills, rows)
		}
	}
	return bills
}

// counted is the last entry whose rows are found by a month's document, once it is loaded. What comes after it is in the
// tail. The follower may have moved on since the view was opened: then the document knows more than the cursor said.
func (v *View) counted(month string) int64 {
	if m := v.usage[month]; m != nil {
		return max(v.kept, m.Last)
	}
	return v.kept
}

// after are the rows of entries after a number.
func after(bills [][]Row, number int64) [][]Row {
	return slices.DeleteFunc(slices.Clone(bills), func(rows []Row) bool { return rows[0].Entry <= number })
}

// bills are the rows of a volume, entry by entry.
func (v *volume) bills() [][]Row {
	if v.rows == nil {
		v.rows = [][]Row{}
		for _, e := range v.entries {
			var origin *wallet.Entry
			if e.Reversal != nil {
				one := v.settled[e.Reversal.Bill]
				origin = &one
			}
			if rows := RowsOf(e, origin); len(rows) > 0 {
				v.rows = append(v.rows, rows)
			}
		}
	}
	return v.rows
}
