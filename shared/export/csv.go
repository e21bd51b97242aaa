package export

import (
	"strings"
)

// byteOrderMark tells spreadsheets that what follows is UTF-8.
const byteOrderMark = "\ufeff"

// Writer makes lines of CSV (RFC 4180): CRLF, quotes where they are needed, doubled inside. It only ever appends to what
// it is given, so whoever calls it decides how much is kept.
type Writer struct {
	table    Table
	language Language
}

// NewWriter writes a table in a language.
func NewWriter(table Table, language Language) *Writer { return &Writer{table, language} }

// Head appends what a file begins with: the headings.
func (w *Writer) Head(to []byte) []byte {
	if !w.table.Machine {
		to = append(to, byteOrderMark...)
	}
	for i, h := range w.table.Columns {
		to = w.cell(to, i, Text(h.in(w.language)))
	}
	return append(to, "\r\n"...)
}

// Row appends a row. It panics when the row hasn't a cell for each column: that is a bug of ours.
func (w *Writer) Row(to []byte, row Row) []byte {
	if row.Cells == nil {
		return to
	}
	if len(row.Cells) != len(w.table.Columns) {
		panic("export: a row doesn't fit its table")
	}
	for i, c := range row.Cells {
		to = w.cell(to, i, c)
	}
	return append(to, "\r\n"...)
}

func (w *Writer) cell(to []byte, i int, c Cell) []byte {
	if i > 0 {
		to = append(to, ',')
	}
	switch {
	case c.null && w.table.Machine:
		return append(to, "NULL"...)
	case c.null:
		return to
	case c.number && isNumber(c.text):
		return append(to, c.text...)
	}
	return quoted(to, inert(c.text))
}

// quoted appends a field, in quotes where a reader would misunderstand it otherwise.
func quoted(to []byte, text string) []byte {
	if !strings.ContainsAny(text, ",\"\r\n;\t|'") && text == strings.TrimSpace(text) && text != "NULL" {
		return append(to, text...)
	}
	to = append(to, '"')
	to = append(to, strings.ReplaceAll(text, `"`, `""`)...)
	return append(to, '"')
}

// isNumber tells whether text is a decimal that a spreadsheet takes for a number and for nothing else: digits, with a
// minus in front or not, and a fraction or not.
func isNumber(text string) bool {
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	return digits(whole) && (!dotted || digits(fraction))
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
