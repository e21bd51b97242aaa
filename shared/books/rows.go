package books

import (
	"context"
	"iter"
)

// Place is a row's place in a list of rows: the position of an API cursor, by String. The zero Place is before the first.
type Place struct {
	Day   string
	Entry int64
	Line  int
}

// String is "2026-11-01/17/3"; of the zero Place it is "".
func (p Place) String() string { panic("soon") }

// ParsePlace reads what String writes. ok is false for anything else.
func ParsePlace(text string) (p Place, ok bool) { panic("soon") }

// Page is some rows of a list.
type Page struct {
	Rows []Row
	Next Place // zero: there are no more. Not zero with few rows, or none: Filter.Most volumes were read
}

// Rows lists rows: the last day first, within a day the last entry first, within an entry line by line; from the one after
// a place. It reads the account's months in question and as many volumes as the page needs: for rows of one workspace
// among thousands those are many, so a list for people should set Filter.Most (64 is about one second).
func (v *View) Rows(ctx context.Context, f Filter, after Place, limit int) (Page, error) {
	panic("soon")
}

// EachRow walks through rows the other way, for exports: days, entries and lines ascending. Filter.Most is ignored. The
// walk ends with the first error.
func (v *View) EachRow(ctx context.Context, f Filter) iter.Seq2[Row, error] { panic("soon") }
