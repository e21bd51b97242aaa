package transfer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/unicode/norm"

	"billingcentre/shared/money"
	"billingcentre/shared/pattern"
	"billingcentre/shared/refusal"
)

const (
	mostRows = 2_000 // of one statement
	mostText = 200   // characters of a payer's name or a memo that are kept
	mostID   = 64    // characters of the bank's own number of a row
)

// Bad is a line of a statement that wasn't taken.
type Bad struct {
	Line int    `json:"line"` // from 1, as an editor counts
	Rule string `json:"rule"` // what it must be
}

// arrival is a line of a statement that tells of money that came in.
type arrival struct {
	line        int
	bank        string // the bank's own number
	date        string
	amount      money.Amount
	payer, memo string
}

// parsed is a statement as it was read.
type parsed struct {
	arrivals []arrival
	bad      []Bad
	outgoing int // lines of money that went out: not our business
}

// parse reads a statement. A line that can't be read is told by its number and stops no other; a file that isn't such
// a statement at all is refused.
func (c Config) parse(body []byte) (parsed, error) {
	text, err := c.decode(body)
	if err != nil {
		return parsed{}, err
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.TrimLeadingSpace = rune(c.Columns.Comma[0]), -1, true
	at, err := c.headers(r)
	if err != nil {
		return parsed{}, err
	}
	var out parsed
	for {
		record, err := r.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case errors.As(err, &broken):
			out.bad = append(out.bad, Bad{broken.StartLine + c.Columns.Skip, "must be a line of CSV"})
			continue
		case err != nil:
			return parsed{}, err
		}
		if len(out.arrivals)+len(out.bad) > mostRows {
			return parsed{}, refusal.Of(refusal.TooLarge, "A statement must have at most %d rows.", mostRows)
		}
		line, _ := r.FieldPos(0)
		c.take(&out, line+c.Columns.Skip, at, record)
	}
}

// decode gives the statement's text in UTF-8, without what stands before its headers.
func (c Config) decode(body []byte) (string, error) {
	if c.Columns.Encoding == "gbk" {
		decoded, err := simplifiedchinese.GB18030.NewDecoder().Bytes(body)
		if err != nil {
			return "", refusal.At("", "must be CSV in GBK")
		}
		body = decoded
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) || bytes.ContainsRune(body, utf8.RuneError) {
		return "", refusal.At("", "must be CSV in %s", c.Columns.Encoding)
	}
	text := string(body)
	for range c.Columns.Skip {
		_, after, found := strings.Cut(text, "\n")
		if !found {
			return "", refusal.At("", "must have its headers in line %d", c.Columns.Skip+1)
		}
		text = after
	}
	return text, nil
}

// headers finds the columns.
func (c Config) headers(r *csv.Reader) (map[string]int, error) {
	record, err := r.Read()
	if err != nil {
		return nil, refusal.At("", "must be CSV with headers")
	}
	at := map[string]int{}
	for i, header := range record {
		at[strings.TrimSpace(header)] = i
	}
	for _, header := range []string{c.Columns.ID, c.Columns.Date, c.Columns.Credit, c.Columns.Payer, c.Columns.Memo} {
		if _, ok := at[header]; !ok {
			return nil, refusal.At("", "must have the column %q", header)
		}
	}
	return at, nil
}

// grouped is an amount with thousands set apart, as banks print it.
var grouped = pattern.Of(`^[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$`)

// take reads one line.
func (c Config) take(out *parsed, line int, at map[string]int, record []string) {
	field := func(header string) string {
		if i := at[header]; i < len(record) {
			return strings.TrimSpace(record[i])
		}
		return ""
	}
	bad := func(rule string) { out.bad = append(out.bad, Bad{line, rule}) }
	text := field(c.Columns.Credit)
	if grouped().MatchString(text) {
		text = strings.ReplaceAll(text, ",", "")
	}
	if text == "" || strings.HasPrefix(text, "-") {
		out.outgoing++
		return
	}
	amount, err := money.Parse("", text, c.Currency)
	if err == nil && amount.IsZero() {
		out.outgoing++
		return
	}
	a := arrival{line: line, bank: field(c.Columns.ID), amount: amount, payer: clean(field(c.Columns.Payer)), memo: clean(field(c.Columns.Memo))}
	day, dateErr := time.Parse(c.Columns.DateForm, field(c.Columns.Date))
	switch {
	case len(record) < len(at):
		bad("must have as many columns as there are headers")
	case err != nil || !amount.IsPositive():
		bad("the amount must be a decimal with at most two places")
	case a.bank == "" || len(a.bank) > mostID || strings.ContainsFunc(a.bank, unicode.IsControl):
		bad("the bank's number of the row must be 1 to 64 characters")
	case dateErr != nil:
		bad("the date must be a real one, written like " + time.Date(2026, time.November, 2, 0, 0, 0, 0, time.UTC).Format(c.Columns.DateForm))
	default:
		a.date = day.Format(time.DateOnly)
		out.arrivals = append(out.arrivals, a)
	}
}

// clean is a text of a stranger as it is kept: NFC, without what doesn't show, not too long.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, norm.NFC.String(text))
	runes := []rune(text)
	return string(runes[:min(len(runes), mostText)])
}
