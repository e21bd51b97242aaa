package statement

import (
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/refusal"
)

// Month is a calendar month, "2026-11". Its days are those of an account's time zone.
type Month string

const (
	monthForm = "2006-01"
	cutDay    = 3 // the last day of the next month that a bill waits for: it is cut when the 4th begins
)

// ParseMonth reads a month of the years 2000 to 2999. The refusal names the pointer.
func ParseMonth(pointer, text string) (Month, error) {
	t, err := time.Parse(monthForm, text)
	if err != nil || t.Format(monthForm) != text || t.Year() < 2000 || t.Year() > 2999 {
		return "", refusal.At(pointer, `must be a month such as "2026-11"`)
	}
	return Month(text), nil
}

// MonthOf is the month of an instant in a zone.
func MonthOf(t time.Time, zone *time.Location) Month { return Month(t.In(zone).Format(monthForm)) }

// Holds tells whether a day, "2026-11-30", is in the month.
func (m Month) Holds(day string) bool {
	return len(day) == len(time.DateOnly) && Month(day[:len(monthForm)]) == m
}

// Before tells whether a day is of an older month.
func (m Month) Before(day string) bool {
	return len(day) >= len(monthForm) && day[:len(monthForm)] < string(m)
}

// Next and Last are the months after and before.
func (m Month) Next() Month { return m.plus(1) }

// Last is the month before.
func (m Month) Last() Month { return m.plus(-1) }

func (m Month) plus(months int) Month {
	return Month(m.first().AddDate(0, months, 0).Format(monthForm))
}

// first is the month's first day, as a date of no zone.
func (m Month) first() time.Time {
	t, err := time.Parse(monthForm, string(m))
	if err != nil {
		return time.Time{} // a Month is made by ParseMonth or MonthOf
	}
	return t
}

// First and End are the month's first day, and the last one.
func (m Month) First() string { return m.first().Format(time.DateOnly) }

// End is the month's last day.
func (m Month) End() string { return m.first().AddDate(0, 1, -1).Format(time.DateOnly) }

// Start is the instant at which the month begins in a zone.
func (m Month) Start(zone *time.Location) (time.Time, error) {
	return directory.DayEnd(m.first().AddDate(0, 0, -1).Format(time.DateOnly), zone)
}

// Cut is the instant at which the month's bill is made: 00:00 on the 4th of the next month, in the account's zone (README
// rule 25). What was settled before it is in the bill; what comes later is an adjustment of the bill after it.
func (m Month) Cut(zone *time.Location) (time.Time, error) {
	return directory.DayEnd(m.first().AddDate(0, 1, cutDay-1).Format(time.DateOnly), zone)
}
