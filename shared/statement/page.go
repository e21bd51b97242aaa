package statement

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"billingcentre/shared/books"
)

// Position is a place in a list that is in the order of entries: before an entry, or after so many rows of the entry
// just before it. The zero Position is the beginning.
type Position struct {
	Before int64
	Skip   int
}

// String is the position as a cursor holds it; that of the beginning is "".
func (p Position) String() string {
	if p == (Position{}) {
		return ""
	}
	return fmt.Sprintf("%d/%d", p.Before, p.Skip)
}

// ParsePosition reads what String writes.
func ParsePosition(text string) (Position, error) {
	if text == "" {
		return Position{}, nil
	}
	before, skip, _ := strings.Cut(text, "/")
	number, err := strconv.ParseInt(before, 10, 64)
	if err != nil {
		return Position{}, fmt.Errorf("position %q: %w", text, err)
	}
	rows, err := strconv.Atoi(skip)
	if err != nil {
		return Position{}, fmt.Errorf("position %q: %w", text, err)
	}
	return Position{number, rows}, nil
}

// Page is some rows of a list.
type Page[Row any] struct {
	Rows []Row
	Next Position // zero: there are no more. A page may be short, or empty, and have more
}

const (
	mostVolumes   = 32  // of the books, that one read asks for; one that needs more ends the page
	changesAtOnce = 100 // changes that one read asks for, where many may have no row
	changeReads   = 5   // of one page
)

// list tells changes as rows, the last entry first.
type list[Row any] struct {
	filter books.ChangeFilter
	atOnce int                               // changes that one read asks for
	rows   func(books.Change) ([]Row, error) // asked in the order of the list; positions count what it returns
	holds  func(Row) bool                    // chooses among them
}

// page reads on from a position. What it costs is bounded: where rows are rare, it is short, and its position goes on.
func (l list[Row]) page(ctx context.Context, view *books.View, at Position, limit int) (Page[Row], error) {
	var page Page[Row]
	for range changeReads {
		changes, err := view.Changes(ctx, l.filter, at.Before, l.atOnce)
		if err != nil {
			return Page[Row]{}, err
		}
		for _, c := range changes.Changes {
			rows, err := l.rows(c)
			if err != nil {
				return Page[Row]{}, err
			}
			for i, row := range rows {
				if i < at.Skip || !l.holds(row) {
					continue
				}
				if len(page.Rows) == limit {
					page.Next = Position{c.Entry.Number + 1, i}
					return page, nil
				}
				page.Rows = append(page.Rows, row)
			}
			at.Skip = 0
		}
		if changes.Next == 0 {
			return page, nil
		}
		at = Position{Before: changes.Next}
		if len(changes.Changes) < l.atOnce {
			break
		}
	}
	page.Next = at
	return page, nil
}
