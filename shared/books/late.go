package books

import (
	"context"
	"maps"
	"slices"
)

// LateMonth is a usage month that entries have changed.
type LateMonth struct {
	Month string // YYYY-MM
	Last  int64  // the last entry that changed it
}

// Changed tells which usage months entries after a number have changed, in order: bills that came late, and reversals. What
// they changed is in Totals and Rows with Filter.After. It reads nothing.
func (v *View) Changed(_ context.Context, after int64) ([]LateMonth, error) {
	last := maps.Clone(v.cover.Months)
	if last == nil {
		last = map[string]int64{}
	}
	for day, bills := range v.tailRows {
		for _, rows := range bills {
			last[monthOf(day)] = max(last[monthOf(day)], rows[0].Entry)
		}
	}
	var changed []LateMonth
	for _, month := range slices.Sorted(maps.Keys(last)) {
		if last[month] > after {
			changed = append(changed, LateMonth{month, last[month]})
		}
	}
	return changed, nil
}
