package statement

import (
	"context"
	"slices"

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

// fundOf is the fund of a name.
func fundOf(name string) (books.Fund, bool) {
	for _, fund := range funds {
		if fund.String() == name {
			return fund, true
		}
	}
	return 0, false
}

// holds is what a fund holds; of the arrears, what is owed.
func holds(b wallet.Balances, fund books.Fund) money.Amount {
	return books.Sums{Cash: b.Cash, Arrears: b.Arrears, Regular: b.Regular, Discount: b.Discount, Card: b.Card}.Of(fund)
}

// MovementsOf are the lines of a change. An entry that moved nothing has none.
func MovementsOf(c books.Change) []Movement {
	var moved []Movement
	for _, fund := range funds {
		was, is := holds(c.Before, fund), holds(c.Entry.Balances, fund)
		if was != is {
			moved = append(moved, Movement{c.Entry, fund, is.Sub(was), is})
		}
	}
	return moved
}

// Movements lists income and expenditure, the last entry first, within an entry in the order in which funds pay. Of a filter
// with funds, only those are told; about something, the settlements that are.
func Movements(ctx context.Context, view *books.View, f books.ChangeFilter, about About, at Position, limit int) (Page[Movement], error) {
	f.Most = mostVolumes
	l := list[Movement]{
		filter: f, atOnce: limit,
		rows:  func(c books.Change) ([]Movement, error) { return told(c, f.Funds), nil },
		holds: func(m Movement) bool { return about.Holds(m.Entry) },
	}
	if !about.Any() {
		l.atOnce = changesAtOnce
	}
	return l.page(ctx, view, at, limit)
}

// told are the lines of a change that are about some funds; none: about all.
func told(c books.Change, only []books.Fund) []Movement {
	moved := MovementsOf(c)
	if len(only) == 0 {
		return moved
	}
	return slices.DeleteFunc(moved, func(m Movement) bool { return !slices.Contains(only, m.Fund) })
}
