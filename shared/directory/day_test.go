package directory

import (
	"testing"
	"time"

	"billingcentre/shared/refusal"
)

func TestADayEndsWhereTheCalendarSays(t *testing.T) {
	for _, row := range []struct{ name, zone, day, end string }{
		{"eight hours before UTC's", "Asia/Shanghai", "2026-11-01", "2026-11-01T16:00:00Z"},
		{"UTC", "UTC", "2026-12-31", "2027-01-01T00:00:00Z"},
		{"a leap day", "UTC", "2028-02-29", "2028-03-01T00:00:00Z"},
		{"23 hours", "America/New_York", "2026-03-08", "2026-03-09T04:00:00Z"},
		{"25 hours", "America/New_York", "2026-11-01", "2026-11-02T05:00:00Z"},
		{"before the day of 25 hours", "America/New_York", "2026-10-31", "2026-11-01T04:00:00Z"},
		{"midnight doesn't come: 23:59 is followed by 01:00", "America/Sao_Paulo", "2018-11-03", "2018-11-04T03:00:00Z"},
		{"midnight doesn't come, east of Greenwich", "Asia/Beirut", "2026-03-28", "2026-03-28T22:00:00Z"},
		{"midnight comes twice: 00:59 is followed by 00:00", "America/Havana", "2026-10-31", "2026-11-01T04:00:00Z"},
		{"23:00 comes twice", "America/Sao_Paulo", "2019-02-16", "2019-02-17T03:00:00Z"},
		{"the next day doesn't exist", "Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00Z"},
		{"half an hour's offset", "Asia/Kolkata", "2026-11-01", "2026-11-01T18:30:00Z"},
	} {
		t.Run(row.name, func(t *testing.T) {
			zone, err := Zone(row.zone)
			if err != nil {
				t.Fatal(err)
			}
			end, err := DayEnd(row.day, zone)
			if err != nil || end.Format(time.RFC3339) != row.end {
				t.Errorf("got %s, %v, want %s", end.Format(time.RFC3339), err, row.end)
			}
		})
	}
}

// The end of a day is its first instant beyond: the instant before it belongs to the day, in every zone tried.
func TestTheEndIsTheFirstInstantBeyond(t *testing.T) {
	for _, name := range []string{"Asia/Shanghai", "America/New_York", "America/Havana", "America/Sao_Paulo", "Asia/Beirut", "Africa/Cairo", "Atlantic/Azores", "Australia/Lord_Howe", "America/Asuncion"} {
		zone, err := Zone(name)
		if err != nil {
			t.Fatal(err)
		}
		for date := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC); date.Year() < 2027; date = date.AddDate(0, 0, 1) {
			day := date.Format(time.DateOnly)
			end, err := DayEnd(day, zone)
			if err != nil {
				t.Fatal(err)
			}
			if last := end.Add(-1).In(zone).Format(time.DateOnly); last != day {
				t.Errorf("%s: %s ends at %s, whose instant before is of %s", name, day, end, last)
			}
			if first := end.In(zone).Format(time.DateOnly); first <= day {
				t.Errorf("%s: %s ends at %s, which is of %s", name, day, end, first)
			}
		}
	}
}

func TestWhatIsNoZoneIsRefused(t *testing.T) {
	for _, name := range []string{"", "Local", "Asia/Atlantis", "../etc/passwd", "/etc/localtime", "posix/UTC", "right/UTC", "+08:00", "Asia/Shanghai\x00"} {
		if _, err := Zone(name); !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestWhatIsNoDayIsRefused(t *testing.T) {
	for _, day := range []string{"", "2026-02-30", "2026-1-1", "2026-11-01T00:00:00Z"} {
		if _, err := DayEnd(day, time.UTC); !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%q: %v", day, err)
		}
	}
}
