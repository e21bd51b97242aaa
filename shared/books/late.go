package books

import "context"

// LateMonth is a usage month that entries have changed.
type LateMonth struct {
	Month string // YYYY-MM
	Last  int64  // the last entry that changed it
}

// Changed tells which usage months entries after a number have changed, in order: bills that came late, and reversals. What
// they changed is in Totals and Rows with Filter.After.
func (v *View) Changed(ctx context.Context, after int64) ([]LateMonth, error) { panic("soon") }
