// Package export writes what people read about their money as files: CSV that opens in a spreadsheet, in Chinese or
// English, and consumption as FOCUS 1.2, which other tools read.
//
// A Table is columns and a walk through rows that can be begun again after any row that has a place. So a file of
// millions of rows is written with the memory of one row, and whoever runs out of time goes on where he was.
//
// Amounts are exact decimal text, never rounded, with a minus where something was taken away: a spreadsheet takes them
// for numbers. All other text is made inert first, so that nothing that a customer or a producer has named is ever run
// as a formula (inert.go). A number is only what looks like one; the rest is text, whatever its column says.
//
//	export.go       Table, Row, Cell, Language
//	csv.go          Writer: RFC 4180
//	inert.go        text that no spreadsheet runs
//	words.go        the words of kinds and funds, in Chinese
//	consumption.go  lines of bills
//	movements.go    income and expenditure, movements of vouchers and cards, bills
//	funds.go        vouchers and cards, and what is left of them
//	monthly.go      monthly bills
//	focus.go        consumption as FOCUS 1.2
//
// Rows are those of the lists (shared/books, shared/statement): a file and a list never tell two things.
package export

import (
	"context"
	"iter"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Language is that of headings and words.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// ParseLanguage reads a language; "" is English. The refusal is Invalid.
func ParseLanguage(pointer, text string) (Language, error) {
	switch l := Language(text); l {
	case "":
		return English, nil
	case English, Chinese:
		return l, nil
	}
	return "", refusal.At(pointer, "must be en or zh")
}

// Heading is a column's, in both languages.
type Heading struct{ English, Chinese string }

func (h Heading) in(language Language) string {
	if language == Chinese {
		return h.Chinese
	}
	return h.English
}

// Cell is one value of a row.
type Cell struct {
	text   string
	number bool
	null   bool
}

// Text is a cell of text, whoever wrote it.
func Text[T ~string](text T) Cell { return Cell{text: string(text)} }

// Number is a cell of a decimal.
func Number(decimal string) Cell { return Cell{text: decimal, number: true} }

// Amount is a cell of money.
func Amount(a money.Amount) Cell { return Number(a.String()) }

// Exact is a cell of a cost, with all its decimals.
func Exact(e money.Exact) Cell { return Number(e.String()) }

// Null is a cell without a value.
func Null() Cell { return Cell{null: true} }

// TextOrNull is text, or nothing where there is none.
func TextOrNull[T ~string](text T) Cell {
	if text == "" {
		return Null()
	}
	return Text(text)
}

// Row is one line of a file. One without cells is no line, only a place, or nothing: where few rows are wanted among many, a
// walk tells how far it is, and gives whoever walks the chance to stop.
type Row struct {
	Cells []Cell
	Place string // the walk can be begun again after this row; "" if it can't
}

// Table is what a file tells.
type Table struct {
	Columns []Heading
	// Rows walks through the rows after a place ("": all). It ends with the first error. Cells are good until the next row.
	Rows func(ctx context.Context, after string) iter.Seq2[Row, error]
	// Machine is for programs: no byte order mark, and NULL for nothing, as FOCUS asks for.
	Machine bool
}

// clock writes instants as people of an account's zone read them, in a form that spreadsheets take for a time. The
// zone stands in the heading.
type clock struct{ zone *time.Location }

func (c clock) cell(t time.Time) Cell {
	if t.IsZero() {
		return Null()
	}
	return Text(t.In(c.zone).Format("2006-01-02 15:04:05"))
}

func (c clock) heading(english, chinese string) Heading {
	return Heading{english + " (" + c.zone.String() + ")", chinese + "（" + c.zone.String() + "）"}
}
