package books

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Place is a row's place in a list of rows: the position of an API cursor, by String. The zero Place is before the first.
type Place struct {
	Day   string
	Entry int64
	Line  int
}

// String is "2026-11-01/17/3"; of the zero Place it is "".
func (p Place) String() string {
	if p == (Place{}) {
		return ""
	}
	return fmt.Sprintf("%s/%d/%d", p.Day, p.Entry, p.Line)
}

// ParsePlace reads what String writes. ok is false for anything else.
func ParsePlace(text string) (p Place, ok bool) {
	if text == "" {
		return p, true
	}
	parts := strings.Split(text, "/")
	if len(parts) != 3 {
		return p, false
	}
	_, dayErr := time.Parse(time.DateOnly, parts[0])
	entry, entryErr := strconv.ParseInt(parts[1], 10, 64)
	line, lineErr := strconv.Atoi(parts[2])
	p = Place{parts[0], entry, line}
	return p, dayErr == nil && entryErr == nil && lineErr == nil && p.String() == text
}

// before tells whether a place comes before another in a list.
func (p Place) before(o Place) bool {
	return cmp.Or(cmp.Compare(o.Day, p.Day), cmp.Compare(o.Entry, p.Entry), cmp.Compare(p.Line, o.Line)) < 0
}

// Page is some rows of a list.
type Page struct {
	Rows []Row
	Next Place // zero: there are no more. Not zero with few rows, or none: Filter.Most volumes were read
}

// Rows lists rows: the last day first, within a day the last entry first, within an entry line by line; from the one after
// a place. It reads the account's months in question and as many volumes as the page needs: for rows of one workspace
// among thousands those are many, so a list for people should set Filter.Most (64 is about one second).
func (v *View) Rows(ctx context.Context, f Filter, after Place, limit int) (Page, error) {
	var page Page
	f, err := v.bounded(f)
	if err != nil {
		return page, err
	}
	if after.Day != "" {
		f.Until = min(f.Until, after.Day)
	}
	looked := after
	for s, err := range v.steps(ctx, f, walk{back: true, after: after}) {
		if large := (*LargeError)(nil); errors.As(err, &large) {
			page.Next = looked
			return page, nil
		}
		if err != nil {
			return page, err
		}
		for _, rows := range slices.Backward(s.bills) {
			for _, row := range chosen(rows, f, f.Through) {
				if after != (Place{}) && !after.before(row.Place()) {
					continue
				}
				if len(page.Rows) == limit {
					page.Next = page.Rows[limit-1].Place()
					return page, nil
				}
				page.Rows = append(page.Rows, row)
			}
		}
		looked = Place{s.day, s.first(v), math.MaxInt32}
	}
	return page, nil
}

// EachRow walks through rows the other way, for exports: days, entries and lines ascending. Filter.Most is ignored. The
// walk ends with the first error.
func (v *View) EachRow(ctx context.Context, f Filter) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		f, err := v.bounded(f)
		if err != nil {
			yield(Row{}, err)
			return
		}
		f.Most = 0
		for s, err := range v.steps(ctx, f, walk{}) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			for _, rows := range s.bills {
				for _, row := range chosen(rows, f, f.Through) {
					if !yield(row, nil) {
						return
					}
				}
			}
		}
	}
}
