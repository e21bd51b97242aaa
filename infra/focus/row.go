package focus

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/shopspring/decimal"
	"golang.org/x/text/unicode/norm"

	"billingcentre/shared/money"
)

// The columns that a bill is made of. All others are free to be there, or not.
const (
	billedCost        = "BilledCost"
	billingCurrency   = "BillingCurrency"
	billingAccountID  = "BillingAccountId"
	subAccountID      = "SubAccountId"
	chargePeriodStart = "ChargePeriodStart"
	serviceName       = "ServiceName"
	consumedQuantity  = "ConsumedQuantity"
	consumedUnit      = "ConsumedUnit"
)

// usageDay is a column of our own exports (shared/export): the billing day in the account's time zone, which the instants of
// a file, in UTC, don't tell. Where it is, it stands for the day.
const usageDay = "x_UsageDay"

var needed = []string{
	billedCost, billingCurrency, billingAccountID, subAccountID, chargePeriodStart, serviceName, consumedQuantity, consumedUnit,
}

// columns are a file's, in its order.
type columns struct {
	names []string
	at    map[string]int
}

func columnsOf(header []string) (*columns, error) {
	c := &columns{at: map[string]int{}}
	for i, name := range header {
		name = strings.TrimSpace(name)
		if _, twice := c.at[name]; twice && slices.Contains(needed, name) {
			return nil, fmt.Errorf("the FOCUS file has the column %s twice", name)
		}
		c.names, c.at[name] = append(c.names, name), i
	}
	var missing []string
	for _, name := range needed {
		if _, found := c.at[name]; !found {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the FOCUS file's first line lacks the column %s", strings.Join(missing, ", "))
	}
	return c, nil
}

// charge is a row, read.
type charge struct {
	group
	item
	cost, usage decimal.Decimal
}

// charge reads a row; its error is the reason why the row can't be billed.
func (c *columns) charge(fields []string) (charge, error) {
	if len(fields) != len(c.names) {
		return charge{}, fmt.Errorf("has %d fields, where the header has %d", len(fields), len(c.names))
	}
	r := row{c, fields, nil}
	read := charge{
		group: group{account: r.identifier(billingAccountID), subAccount: r.identifier(subAccountID), day: r.day()},
		item:  item{currency: r.currency(), product: r.name(serviceName, 1), unit: r.name(consumedUnit, 0)},
		cost:  r.number(billedCost, true), usage: r.number(consumedQuantity, false),
	}
	return read, r.problem
}

// row reads one field after the other, and keeps the first problem.
type row struct {
	columns *columns
	fields  []string
	problem error
}

func (r *row) refuse(column, format string, args ...any) {
	if r.problem == nil {
		r.problem = errors.New(column + " " + fmt.Sprintf(format, args...))
	}
}

// value is a field's, "" for nothing: FOCUS writes NULL.
func (r *row) value(column string) string {
	text := strings.TrimSpace(r.fields[r.columns.at[column]])
	if strings.EqualFold(text, "NULL") {
		return ""
	}
	return text
}

// longest is the most bytes that the text of an id may have.
const longest = 1_000

func (r *row) identifier(column string) string {
	text := r.value(column)
	switch {
	case text == "":
		r.refuse(column, "is empty: nobody to bill")
	case len(text) > longest || !utf8.ValidString(text):
		r.refuse(column, "is no id: %.40q", text)
	}
	return text
}

func (r *row) currency() money.Currency {
	code := money.Currency(r.value(billingCurrency))
	if !code.Known() {
		r.refuse(billingCurrency, "%.10q isn't one that is billed in", string(code))
	}
	return code
}

// mostName is the most characters that a bill takes in the name of a product or a unit.
const mostName = 128

func (r *row) name(column string, least int) string {
	text := norm.NFC.String(r.value(column))
	hidden := func(c rune) bool { return !unicode.IsPrint(c) }
	switch n := utf8.RuneCountInString(text); {
	case n < least:
		r.refuse(column, "is empty")
	case n > mostName:
		r.refuse(column, "has more than %d characters", mostName)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, hidden):
		r.refuse(column, "has characters that can't be shown: %.40q", text)
	}
	return text
}

// instants are the forms in which providers and warehouses write a DateTime; without a zone it is UTC, as FOCUS says.
var instants = []string{
	"2006-01-02 15:04:05", time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02 15:04:05 UTC",
	"2006-01-02 15:04:05Z07:00", time.DateOnly,
}

func (r *row) day() string {
	if _, ours := r.columns.at[usageDay]; ours {
		return r.ownDay()
	}
	text := r.value(chargePeriodStart)
	for _, form := range instants {
		if t, err := time.Parse(form, text); err == nil && len(text) < 40 {
			t = t.UTC()
			if t.Year() < 2000 || t.Year() >= 3000 {
				break
			}
			return t.Format(time.DateOnly)
		}
	}
	r.refuse(chargePeriodStart, "isn't an instant such as 2024-09-18T22:00:00Z: %.40q", text)
	return ""
}

func (r *row) ownDay() string {
	text := r.value(usageDay)
	t, err := time.Parse(time.DateOnly, text)
	if err != nil || t.Year() < 2000 || t.Year() >= 3000 {
		r.refuse(usageDay, "isn't a day such as 2024-09-18: %.40q", text)
	}
	return text
}

var numeral = regexp.MustCompile(`^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$`)

// number reads a decimal, with an exponent or not. What a bill can't hold exactly is refused, never rounded.
func (r *row) number(column string, required bool) decimal.Decimal {
	text := r.value(column)
	if text == "" && !required {
		return decimal.Zero
	}
	if len(text) > 100 || !numeral.MatchString(text) {
		r.refuse(column, "is no number: %.40q", text)
		return decimal.Zero
	}
	value, err := decimal.NewFromString(text)
	if err != nil {
		r.refuse(column, "is no number: %.40q", text)
		return decimal.Zero
	}
	if value.IsZero() {
		return decimal.Zero
	}
	if value.NumDigits()+int(value.Exponent()) > 15 {
		r.refuse(column, "has more than 15 digits before the point: %.40s", text)
		return decimal.Zero
	}
	if exact := value.Truncate(18); exact.Equal(value) {
		return exact
	}
	r.refuse(column, "has more than 18 decimals: %.40s", text)
	return decimal.Zero
}
