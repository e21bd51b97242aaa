package statement

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"billingcentre/shared/books"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Movement is one line of income and expenditure: what one entry did to one fund, all of its postings together.
type Movement struct {
	Entry   wallet.Entry
	Fund    books.Fund
	Change  money.Amount // signed; arrears that grow are above zero
	Balance money.Amount // of the fund, after it
}

// funds are in the order in which they are told: the one in which they pay (README rule 15).
var funds = [...]books.Fund{books.Regular, books.Discount, books.Card, books.Cash, books.Arrears}

// FundOf is the fund of a name.
func FundOf(name string) (books.Fund, bool) {
	for _, fund := range funds {
		if fund.String() == name {
			return fund, true
		}
	}
	return 0, false
}

// Holds is what a fund holds; of the arrears, what is owed.
func Holds(b wallet.Balances, fund books.Fund) money.Amount {
	return books.Sums{Cash: b.Cash, Arrears: b.Arrears, Regular: b.Regular, Discount: b.Discount, Card: b.Card}.Of(fund)
}

// MovementsOf are the lines of a change. An entry that moved nothing has none.
func MovementsOf(c books.Change) []Movement {
	var moved []Movement
	for _, fund := range funds {
		was, is := Holds(c.Before, fund), Holds(c.Entry.Balances, fund)
		if was != is {
			moved = append(moved, Movement{c.Entry, fund, is.Sub(was), is})
		}
	}
	return moved
}

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

const (
	mostVolumes   = 32  // of the books, that one read asks for; one that needs more ends the page
	changesAtOnce = 100 // changes that one read asks for
	changeReads   = 5   // of one page
)

// MovementPage is some lines of income and expenditure.
type MovementPage struct {
	Rows []Movement
	Next Position // zero: there are no more. A page may be short, or empty, and have more
}

// Movements lists income and expenditure, the last entry first, within an entry in the order in which funds pay. Of a filter
// with funds, only those are told; of one workspace, the settlements of its bills.
func Movements(ctx context.Context, view *books.View, f books.ChangeFilter, workspace wallet.WorkspaceID, at Position, limit int) (MovementPage, error) {
	f.Most = mostVolumes
	var page MovementPage
	for reads := 0; ; reads++ {
		asked := limit
		if workspace != "" {
			asked = changesAtOnce
		}
		changes, err := view.Changes(ctx, f, at.Before, asked)
		if err != nil {
			return MovementPage{}, err
		}
		for _, c := range changes.Changes {
			for i, m := range told(c, f.Funds) {
				if i < at.Skip || !of(c.Entry, workspace) {
					continue
				}
				if len(page.Rows) == limit {
					page.Next = Position{c.Entry.Number + 1, i}
					return page, nil
				}
				page.Rows = append(page.Rows, m)
			}
			at.Skip = 0
		}
		if changes.Next == 0 {
			return page, nil
		}
		at = Position{Before: changes.Next}
		if reads+1 == changeReads || len(changes.Changes) < asked {
			page.Next = at
			return page, nil
		}
	}
}

// told are the lines of a change that are about some funds; none: about all.
func told(c books.Change, only []books.Fund) []Movement {
	moved := MovementsOf(c)
	if len(only) == 0 {
		return moved
	}
	return slices.DeleteFunc(moved, func(m Movement) bool { return !slices.Contains(only, m.Fund) })
}
