package statement

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"billingcentre/shared/api"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/wallet"
)

// Filter narrows a list. Its zero fields don't.
type Filter struct {
	From, To  string // days of the account's time zone, "2026-11-01", both inclusive: of usage, or of the entry
	Workspace wallet.WorkspaceID
	Product   string
	Kind      string // an entry's
	Fund      string // one of books.Fund
	Lot       wallet.LotID
}

// MostDays is the longest range that is summed up: a leap year.
const MostDays = 366

// The names of a filter's fields, as requests have them.
const (
	byFrom      = "from"
	byTo        = "to"
	byWorkspace = "workspace"
	byProduct   = "product"
	byKind      = "kind"
	byFund      = "fund"
	byLot       = "lot"
)

// The filters that each list has.
var (
	ConsumptionFilters = []string{byFrom, byTo, byWorkspace, byProduct}
	MovementFilters    = []string{byFrom, byTo, byKind, byFund}
	LotFilters         = []string{byFrom, byTo, byKind, byLot}
	// Pages can be narrowed further; exports are of all that is in their range.
	ConsumptionPageFilters = append([]string{byKind}, ConsumptionFilters...)
	MovementPageFilters    = append([]string{byWorkspace, byProduct}, MovementFilters...)
	LotPageFilters         = append([]string{byWorkspace, byProduct}, LotFilters...)
)

// lastKind is the last kind of entries.
const lastKind = wallet.RefundReleased

// kindOf is the kind of entries of a name; 0 if there is none.
func kindOf(name string) wallet.EntryKind {
	for kind := wallet.Opened; kind <= lastKind; kind++ {
		if kind.String() == name {
			return kind
		}
	}
	return 0
}

// kinds are the names of all kinds of entries.
func kinds() string {
	var names []string
	for kind := wallet.Opened; kind <= lastKind; kind++ {
		names = append(names, kind.String())
	}
	return strings.Join(names, ", ")
}

// ReadFilter reads the filters that a list has; get gives their texts, empty for none. Every bad one is named.
func ReadFilter(get func(name string) string, known []string) (Filter, error) {
	var f Filter
	var check api.Check
	for _, name := range known {
		text, pointer := get(name), "/"+name
		switch {
		case text == "":
		case name == byFrom:
			f.From = day(&check, pointer, text)
		case name == byTo:
			f.To = day(&check, pointer, text)
		case name == byWorkspace:
			check.ID(pointer, text)
			f.Workspace = wallet.WorkspaceID(text)
		case name == byProduct:
			check.That(utf8.ValidString(text) && utf8.RuneCountInString(text) <= 128, pointer, "must be a product's name of at most 128 characters")
			f.Product = text
		case name == byKind:
			check.That(kindOf(text) != 0, pointer, "must be one of "+kinds())
			f.Kind = text
		case name == byFund:
			_, ok := fundOf(text)
			check.That(ok, pointer, "must be one of regular, discount, card, cash, arrears")
			f.Fund = text
		case name == byLot:
			lot, ok := wallet.ParseLotID(text)
			check.That(ok, pointer, "must be the number of a voucher or card, such as 0123-4567-89AB-CDEF")
			f.Lot = lot
		}
	}
	check.That(f.From == "" || f.To == "" || f.From <= f.To, "/to", "must not be before from")
	return f, check.Err()
}

// day is a day of the calendar, of the years 2000 to 2999.
func day(check *api.Check, pointer, text string) string {
	t, err := time.Parse(time.DateOnly, text)
	ok := err == nil && t.Format(time.DateOnly) == text && t.Year() >= 2000 && t.Year() <= 2999
	check.That(ok, pointer, `must be a day of the calendar such as "2026-11-01"`)
	if !ok {
		return ""
	}
	return text
}

// Days checks that the filter's range is closed and short enough to be summed up.
func (f Filter) Days() (int, error) {
	var check api.Check
	check.That(f.From != "", "/from", "is required: sums are of a closed range of days")
	check.That(f.To != "", "/to", "is required: sums are of a closed range of days")
	if err := check.Err(); err != nil {
		return 0, err
	}
	days := DaysBetween(f.From, f.To)
	check.That(days <= MostDays, "/to", "must be at most 365 days after from: a longer range is read in pieces, or exported")
	return days, check.Err()
}

// DaysBetween is how many days there are from one to another, both included.
func DaysBetween(from, to string) int {
	a, errA := time.Parse(time.DateOnly, from)
	b, errB := time.Parse(time.DateOnly, to)
	if errA != nil || errB != nil {
		return 0
	}
	return int(b.Sub(a)/(24*time.Hour)) + 1
}

// DaysAfter is the day so many days after another.
func DaysAfter(day string, days int) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.AddDate(0, 0, days).Format(time.DateOnly)
}

// bounds are the instants of the filter's days in a zone: [start, end). Zero ones are open.
func (f Filter) bounds(zone *time.Location) (start, end time.Time, err error) {
	if f.From != "" {
		first, err := time.Parse(time.DateOnly, f.From)
		if err != nil {
			return start, end, err
		}
		if start, err = directory.DayEnd(first.AddDate(0, 0, -1).Format(time.DateOnly), zone); err != nil {
			return start, end, err
		}
	}
	if f.To != "" {
		end, err = directory.DayEnd(f.To, zone)
	}
	return start, end, err
}

// String is the filter as one text: what a cursor is bound to.
func (f Filter) String() string {
	lot := ""
	if f.Lot != (wallet.LotID{}) {
		lot = f.Lot.String()
	}
	return strings.Join([]string{f.From, f.To, string(f.Workspace), f.Product, f.Kind, f.Fund, lot}, "\x00")
}

// Rows chooses rows of consumption.
func (f Filter) Rows() books.Filter {
	return books.Filter{From: f.From, Until: f.To, Workspace: f.Workspace, Product: f.Product}
}

// Changes chooses entries.
func (f Filter) Changes(zone *time.Location) (books.ChangeFilter, error) {
	var c books.ChangeFilter
	var err error
	if c.From, c.Until, err = f.bounds(zone); err != nil {
		return c, err
	}
	if f.Kind != "" {
		c.Kinds = []wallet.EntryKind{kindOf(f.Kind)}
	}
	if fund, ok := fundOf(f.Fund); ok {
		c.Funds = []books.Fund{fund}
	}
	return c, nil
}

// About is what settlements are about: a workspace, and products that its bill has lines of. Nothing else is about any. Its
// zero fields don't narrow.
type About struct {
	Workspace wallet.WorkspaceID
	Product   string
}

// Any tells whether it doesn't narrow at all.
func (a About) Any() bool { return a == About{} }

// Holds tells whether an entry is about it.
func (a About) Holds(e wallet.Entry) bool {
	if a.Any() || e.Settlement == nil {
		return a.Any()
	}
	return (a.Workspace == "" || e.Settlement.Workspace == a.Workspace) &&
		(a.Product == "" || slices.ContainsFunc(e.Settlement.Lines, func(l wallet.Line) bool { return l.Product == a.Product }))
}

// About chooses settlements.
func (f Filter) About() About { return About{f.Workspace, f.Product} }

// Lots chooses movements of vouchers, or of cards.
func (f Filter) Lots(zone *time.Location, cards bool) (LotFilter, error) {
	from, until, err := f.bounds(zone)
	return LotFilter{Cards: cards, From: from, Until: until, Kind: kindOf(f.Kind), Lot: f.Lot, About: f.About()}, err
}
