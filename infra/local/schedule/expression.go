// Package schedule plays EventBridge Scheduler: it reads its expressions as
// strictly as AWS does, knows when they are due, and invokes a function then.
//
// The expressions are parsed here, since what AWS takes is narrower and in places
// other than what cron libraries do: six fields, days of the week from 1 = SUN, a
// question mark in exactly one of the two day fields, and singular units for one.
// A parsed cron is handed to gronx as plain lists of numbers, which finds the next
// instant.
package schedule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on a machine without its own data, too

	"github.com/adhocore/gronx"
)

// Expression says when a schedule is due: rate(...), cron(...) or at(...).
type Expression struct {
	text     string
	location *time.Location
	every    time.Duration // rate
	cron     string        // gronx's seven fields
	at       time.Time     // once
}

// String is the expression as it was written.
func (e Expression) String() string { return e.text }

var shape = regexp.MustCompile(`^(rate|cron|at)\(([^()]*)\)$`)

// Parse reads an expression in an IANA time zone, UTC if that is empty. rate takes
// no notice of the zone.
func Parse(text, zone string) (Expression, error) {
	if zone == "" {
		zone = "UTC"
	}
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return Expression{}, fmt.Errorf("schedule %q: unknown time zone %q", text, zone)
	}
	part := shape.FindStringSubmatch(text)
	if part == nil {
		return Expression{}, fmt.Errorf("schedule %q: must be rate(...), cron(...) or at(...)", text)
	}
	e := Expression{text: text, location: location}
	switch part[1] {
	case "rate":
		e.every, err = parseRate(part[2])
	case "cron":
		e.cron, err = parseCron(part[2])
	case "at":
		e.at, err = parseAt(part[2], location)
	}
	if err != nil {
		return Expression{}, fmt.Errorf("schedule %q: %w", text, err)
	}
	return e, nil
}

var (
	rateShape = regexp.MustCompile(`^([1-9][0-9]{0,6}) (minute|hour|day)(s?)$`)
	units     = map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}
)

func parseRate(text string) (time.Duration, error) {
	part := rateShape.FindStringSubmatch(text)
	if part == nil {
		return 0, fmt.Errorf("a rate is a positive whole number and minutes, hours or days")
	}
	n, err := strconv.Atoi(part[1])
	if err != nil {
		return 0, err
	}
	if (n == 1) != (part[3] == "") {
		return 0, fmt.Errorf("the unit is singular for 1 and plural above")
	}
	every := time.Duration(n) * units[part[2]]
	if every/units[part[2]] != time.Duration(n) {
		return 0, fmt.Errorf("the rate is too long")
	}
	return every, nil
}

// parseAt refuses a time that the zone's clock jumps over.
func parseAt(text string, location *time.Location) (time.Time, error) {
	const layout = "2006-01-02T15:04:05"
	at, err := time.ParseInLocation(layout, text, location)
	if err != nil || at.Format(layout) != text {
		return time.Time{}, fmt.Errorf("a time is yyyy-mm-ddThh:mm:ss, and exists in its zone")
	}
	return at, nil
}

// Next is the first instant after last at which a schedule that was started at
// start is due; ok is false if there is none. A rate counts from start, which is
// itself due.
func (e Expression) Next(start, last time.Time) (due time.Time, ok bool) {
	switch {
	case e.every > 0:
		if last.Before(start) {
			return start, true
		}
		return start.Add((last.Sub(start)/e.every + 1) * e.every), true
	case e.cron != "":
		return e.nextCron(last)
	}
	return e.at, e.at.After(last)
}

// nextCron follows AWS where a clock is changed: a time that is jumped over is
// skipped, and one that comes twice is due the first time only.
func (e Expression) nextCron(last time.Time) (time.Time, bool) {
	due := last.In(e.location)
	for {
		next, err := gronx.NextTickAfter(e.cron, due, false)
		if err != nil || !next.After(due) {
			return time.Time{}, false
		}
		if due = next; !repeated(due) {
			return due, true
		}
	}
}

// repeated says whether the clock showed the same shortly before, and was then
// put back.
func repeated(t time.Time) bool {
	const layout = "2006-01-02T15:04"
	_, now := t.Zone()
	_, before := t.Add(-3 * time.Hour).Zone()
	earlier := t.Add(time.Duration(now-before) * time.Second)
	return before > now && earlier.Format(layout) == t.Format(layout)
}

// parseCron checks the six fields and writes them as gronx's seven, with the
// seconds first.
func parseCron(text string) (string, error) {
	part := strings.Split(text, " ")
	if len(part) != len(fields) {
		return "", fmt.Errorf("cron has six fields, with single spaces between: minutes hours day-of-month month day-of-week year")
	}
	if (part[dayOfMonth] == "?") == (part[dayOfWeek] == "?") {
		return "", fmt.Errorf("exactly one of day-of-month and day-of-week must be ?")
	}
	parsed := make([]string, 0, len(fields)+1)
	parsed = append(parsed, "0")
	for i, f := range fields {
		value, err := f.parse(part[i])
		if err != nil {
			return "", fmt.Errorf("%s: %w", f.name, err)
		}
		parsed = append(parsed, value)
	}
	return strings.Join(parsed, " "), nil
}
