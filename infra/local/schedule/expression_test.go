package schedule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"billingcentre/infra/local/schedule"
)

func TestExpressionsThatAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "rate", "rate()", "rate(1)", "rate(minute)", "rate (1 minute)", " rate(1 minute)", "rate(1 minute) ", "Rate(1 minute)",
		"rate(1 minutes)", "rate(5 minute)", "rate(1 hours)", "rate(2 day)", "rate(0 minutes)", "rate(-1 minutes)", "rate(+1 minute)",
		"rate(01 minute)", "rate(1.5 hours)", "rate(1  minute)", "rate( 1 minute)", "rate(1 minute )", "rate(1 second)", "rate(1 week)",
		"rate(1 Minute)", "rate(9999999 days)", "rate(99999999999 minutes)",
		"cron()", "cron(* * * * *)", "cron(0 0 4 * ? * *)", "cron(0 0  4 * ? *)", "cron( 0 0 4 * ? *)", "cron(0 0 4 * ? *", "cron(@daily)",
		"cron(0 0 * * * *)", "cron(0 0 ? * ? *)", "cron(0 0 1 * MON *)", "cron(0 ? 4 * ? *)", "cron(? 0 4 * ? *)", "cron(0 0 4 ? ? *)", "cron(0 0 4 * ? ?)",
		"cron(60 0 4 * ? *)", "cron(0 24 4 * ? *)", "cron(0 0 0 * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 4 13 ? *)", "cron(0 0 4 0 ? *)",
		"cron(0 0 ? * 0 *)", "cron(0 0 ? * 8 *)", "cron(0 0 ? * MOON *)", "cron(0 0 4 JANUARY ? *)", "cron(0 0 4 * ? 1969)", "cron(0 0 4 * ? 2200)",
		"cron(5-1 0 4 * ? *)", "cron(1- 0 4 * ? *)", "cron(-1 0 4 * ? *)", "cron(1,,2 0 4 * ? *)", "cron(, 0 4 * ? *)", "cron(*/0 0 4 * ? *)",
		"cron(*/60 0 4 * ? *)", "cron(1/2/3 0 4 * ? *)", "cron(*-5 0 4 * ? *)", "cron(L 0 4 * ? *)", "cron(0 0 LW * ? *)", "cron(0 0 32W * ? *)",
		"cron(0 0 L,1 * ? *)", "cron(0 0 ? * 3#6 *)", "cron(0 0 ? * 3#0 *)", "cron(0 0 ? * 3#1,6#3 *)", "cron(0 0 ? * 8L *)", "cron(0 0 ? * MONL *)",
		"cron(+1 0 4 * ? *)", "cron(１ 0 4 * ? *)", "cron(*,1 0 4 * ? *)",
		"at()", "at(2026-11-22)", "at(2026-11-22 10:00:00)", "at(2026-11-22T10:00:00Z)", "at(2026-13-22T10:00:00)", "at(2026-02-29T10:00:00)", "at(2026-11-22T10:00)",
	} {
		if got, err := schedule.Parse(text, ""); err == nil {
			t.Errorf("%q: accepted as %v", text, got)
		}
	}
	for _, zone := range []string{"Local", "Nowhere/Else", "../etc", "CET+1"} {
		if _, err := schedule.Parse("rate(1 minute)", zone); err == nil {
			t.Errorf("zone %q: accepted", zone)
		}
	}
	if _, err := schedule.Parse("at(2026-03-08T02:30:00)", "America/New_York"); err == nil {
		t.Error("a time that the clock jumps over: accepted")
	}
}

func TestWhenExpressionsAreDue(t *testing.T) {
	for _, row := range []struct {
		text, zone, from string
		want             string // instants in UTC; the first counts from `from`, exclusive
	}{
		{"rate(1 minute)", "", "2026-11-22T10:00:30", "22 10:00:30, 22 10:01:30, 22 10:02:30"},
		{"rate(5 minutes)", "", "2026-11-22T10:00:00", "22 10:00:00, 22 10:05:00, 22 10:10:00"},
		{"rate(1 hour)", "", "2026-11-22T10:00:00", "22 10:00:00, 22 11:00:00, 22 12:00:00"},
		{"rate(2 days)", "", "2026-11-22T10:00:00", "22 10:00:00, 24 10:00:00, 26 10:00:00"},
		{"at(2026-11-23T10:00:00)", "", "2026-11-22T10:00:00", "23 10:00:00"},
		{"at(2026-11-23T10:00:00)", "Asia/Shanghai", "2026-11-22T10:00:00", "23 02:00:00"},
		{"at(2026-11-22T09:00:00)", "", "2026-11-22T10:00:00", ""},

		{"cron(0 0 4 * ? *)", "", "2026-11-22T10:00:00", "04 00:00:00, 04 00:00:00, 04 00:00:00"},
		{"cron(0 0 * * ? *)", "Asia/Shanghai", "2026-11-22T10:00:00", "22 16:00:00, 23 16:00:00, 24 16:00:00"},
		{"cron(* * * * ? *)", "", "2026-11-22T10:00:30", "22 10:01:00, 22 10:02:00, 22 10:03:00"},
		{"cron(0/20 10 * * ? *)", "", "2026-11-22T10:00:00", "22 10:20:00, 22 10:40:00, 23 10:00:00"},
		{"cron(*/25 * * * ? *)", "", "2026-11-22T10:00:00", "22 10:25:00, 22 10:50:00, 22 11:00:00"},
		{"cron(7/30 * * * ? *)", "", "2026-11-22T10:00:00", "22 10:07:00, 22 10:37:00, 22 11:07:00"},
		{"cron(0 8-10/2,20 * * ? *)", "", "2026-11-22T10:00:00", "22 20:00:00, 23 08:00:00, 23 10:00:00"},
		{"cron(15 10 ? * 1 *)", "", "2026-11-22T10:00:00", "22 10:15:00, 29 10:15:00, 06 10:15:00"}, // 1 is SUN
		{"cron(15 10 ? * SUN *)", "", "2026-11-22T10:00:00", "22 10:15:00, 29 10:15:00, 06 10:15:00"},
		{"cron(0 18 ? * MON-FRI *)", "", "2026-11-20T18:00:00", "23 18:00:00, 24 18:00:00, 25 18:00:00"},
		{"cron(0 18 ? * 2-6 *)", "", "2026-11-20T18:00:00", "23 18:00:00, 24 18:00:00, 25 18:00:00"},
		{"cron(0 18 ? * sat,7,6 *)", "", "2026-11-20T18:00:00", "21 18:00:00, 27 18:00:00, 28 18:00:00"},
		{"cron(0 0 ? * 2/2 *)", "", "2026-11-22T10:00:00", "23 00:00:00, 25 00:00:00, 27 00:00:00"},
		{"cron(0 0 ? * L *)", "", "2026-11-22T10:00:00", "28 00:00:00, 05 00:00:00, 12 00:00:00"},
		{"cron(0 0 ? * 6L *)", "", "2026-11-22T10:00:00", "27 00:00:00, 25 00:00:00, 29 00:00:00"},
		{"cron(0 0 ? * 1L *)", "", "2026-11-22T10:00:00", "29 00:00:00, 27 00:00:00, 31 00:00:00"},
		{"cron(0 0 ? * 3#2 *)", "", "2026-11-22T10:00:00", "08 00:00:00, 12 00:00:00, 09 00:00:00"},
		{"cron(0 0 ? * SUN#1 *)", "", "2026-11-22T10:00:00", "06 00:00:00, 03 00:00:00, 07 00:00:00"},
		{"cron(0 0 L * ? *)", "", "2026-11-22T10:00:00", "30 00:00:00, 31 00:00:00, 31 00:00:00"},
		{"cron(0 0 15W * ? *)", "", "2026-11-01T10:00:00", "16 00:00:00, 15 00:00:00, 15 00:00:00"},
		{"cron(0 0 31 * ? *)", "", "2026-11-22T10:00:00", "31 00:00:00, 31 00:00:00, 31 00:00:00"},
		{"cron(0 0 29 2 ? *)", "", "2026-11-22T10:00:00", "29 00:00:00, 29 00:00:00, 29 00:00:00"},
		{"cron(0 0 1 1 ? 2027-2028)", "", "2026-11-22T10:00:00", "01 00:00:00, 01 00:00:00"},
		{"cron(0 0 1 1 ? 2020)", "", "2026-11-22T10:00:00", ""},
		{"cron(0 0 30 2 ? *)", "", "2026-11-22T10:00:00", ""},

		// Clocks go forward on 2026-03-08 at 2:00 and back on 2026-11-01 at 2:00.
		{"cron(30 2 * * ? *)", "America/New_York", "2026-03-07T12:00:00", "09 06:30:00, 10 06:30:00, 11 06:30:00"},
		{"cron(30 3 * * ? *)", "America/New_York", "2026-03-07T12:00:00", "08 07:30:00, 09 07:30:00, 10 07:30:00"},
		{"cron(30 1 * * ? *)", "America/New_York", "2026-10-31T12:00:00", "01 05:30:00, 02 06:30:00, 03 06:30:00"},
		{"cron(0/30 1-2 * * ? *)", "America/New_York", "2026-10-31T12:00:00", "01 05:00:00, 01 05:30:00, 01 07:00:00"},
	} {
		expression, err := schedule.Parse(row.text, row.zone)
		if err != nil {
			t.Error(err)
			continue
		}
		start := instant(t, row.from)
		last := start
		if strings.HasPrefix(row.text, "rate") {
			last = start.Add(-time.Nanosecond)
		}
		var got []string
		for range 3 {
			due, ok := expression.Next(start, last)
			if !ok {
				break
			}
			got, last = append(got, due.UTC().Format("02 15:04:05")), due
		}
		if diff := cmp.Diff(row.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s: %s", row.text, diff)
		}
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestCronIsWhatItSays compares with a search that tries every minute.
func TestCronIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := func(name string, low, high int) []int {
			return rapid.SliceOfNDistinct(rapid.IntRange(low, high), 1, 3, rapid.ID[int]).Draw(t, name)
		}
		minutes, hours := list("minutes", 0, 59), list("hours", 0, 23)
		days, weekdays := list("days", 1, 31), list("weekdays", 1, 7)
		byWeekday := rapid.Bool().Draw(t, "by weekday")
		dayFields := [2]string{join(days), "?"}
		if byWeekday {
			dayFields = [2]string{"?", join(weekdays)}
		}
		text := fmt.Sprintf("cron(%s %s %s * %s *)", join(minutes), join(hours), dayFields[0], dayFields[1])
		expression, err := schedule.Parse(text, "Asia/Shanghai")
		if err != nil {
			t.Fatal(err)
		}
		shanghai, err := time.LoadLocation("Asia/Shanghai")
		if err != nil {
			t.Fatal(err)
		}
		last := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 400*24*3600).Draw(t, "last")) * time.Second)
		matches := func(at time.Time) bool {
			day := slices.Contains(days, at.Day())
			if byWeekday {
				day = slices.Contains(weekdays, int(at.Weekday())+1)
			}
			return slices.Contains(minutes, at.Minute()) && slices.Contains(hours, at.Hour()) && day
		}
		want := last.In(shanghai).Truncate(time.Minute).Add(time.Minute)
		for !matches(want) {
			want = want.Add(time.Minute)
		}
		if got, ok := expression.Next(last, last); !ok || !got.Equal(want) {
			t.Fatalf("%s after %v: %v, want %v", text, last, got, want)
		}
	})
}

func join(list []int) string {
	return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(list)), ","), "[]")
}
