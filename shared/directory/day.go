package directory

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a function's machine need not have the zones

	"billingcentre/shared/refusal"
)

// zones keeps the locations that were loaded: unpacking one costs more than deciding a bill.
var zones sync.Map

// Zone is the location of an IANA time zone, such as "Asia/Shanghai". The refusal is Invalid.
func Zone(name string) (*time.Location, error) {
	if zone, loaded := zones.Load(name); loaded {
		return zone.(*time.Location), nil
	}
	known := name != "" && name != "Local" && !strings.HasPrefix(name, "posix") && !strings.HasPrefix(name, "right")
	if known {
		if zone, err := time.LoadLocation(name); err == nil {
			zones.Store(name, zone)
			return zone, nil
		}
	}
	return nil, refusal.At("/time_zone", `must be the IANA name of a time zone, such as "Asia/Shanghai"`)
}

// DayEnd is the first instant after a day, in a zone: a day is [start, end) (README rule 19). Days of 23 and 25 hours
// end where the calendar says, and so do those after which midnight comes twice, or not at all.
func DayEnd(day string, zone *time.Location) (time.Time, error) {
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}, refusal.At("/day", `must be a day of the calendar such as "2026-11-01"`)
	}
	next := date.AddDate(0, 0, 1)
	end := midnight(next, zone)
	since, until := end.ZoneBounds()
	if !until.IsZero() && end.Format(time.DateOnly) <= day {
		return until.UTC(), nil // clocks go forward over midnight
	}
	if !since.IsZero() {
		_, offset := since.Add(-1).Zone()
		if first := midnight(next, time.FixedZone("", offset)); first.Before(since) {
			return first.UTC(), nil // clocks go back over midnight: it comes twice
		}
	}
	return end.UTC(), nil
}

func midnight(date time.Time, zone *time.Location) time.Time {
	return time.Date(date.Year(), date.Month(), date.Day(), 0, 0, 0, 0, zone)
}
