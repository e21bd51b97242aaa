package schedule

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The places of the day fields.
const (
	dayOfMonth = 2
	dayOfWeek  = 4
)

// field is one of cron's six.
type field struct {
	name     string
	min, max int
	names    []string                                  // for min, min+1, ...
	shift    int                                       // what to add for gronx
	special  func(f field, text string) (string, bool) // L, W and #, which stand alone
}

var fields = []field{
	{name: "minutes", max: 59},
	{name: "hours", max: 23},
	{name: "day-of-month", min: 1, max: 31, special: specialDayOfMonth},
	{name: "month", min: 1, max: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")},
	{name: "day-of-week", min: 1, max: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT"), shift: -1, special: specialDayOfWeek},
	{name: "year", min: 1970, max: 2199},
}

// parse checks a field and writes it as "*", "?", a special or a list of numbers.
func (f field) parse(text string) (string, error) {
	text = strings.ToUpper(text)
	if text == "*" || text == "?" && f.special != nil {
		return text, nil
	}
	if f.special != nil {
		if translated, ok := f.special(f, text); ok {
			return translated, nil
		}
	}
	var values []int
	for item := range strings.SplitSeq(text, ",") {
		some, err := f.item(item)
		if err != nil {
			return "", err
		}
		values = append(values, some...)
	}
	slices.Sort(values)
	var list []string
	for _, v := range slices.Compact(values) {
		list = append(list, strconv.Itoa(v+f.shift))
	}
	return strings.Join(list, ","), nil
}

// item expands n, a-b, */s, n/s or a-b/s.
func (f field) item(text string) ([]int, error) {
	span, stepText, stepped := strings.Cut(text, "/")
	first, last, step := f.min, f.max, 1
	if stepped {
		var err error
		if step, err = digits(stepText); err != nil || step < 1 || step > f.max {
			return nil, fmt.Errorf("%q has no step from 1 to %d", text, f.max)
		}
	}
	if span != "*" || !stepped {
		from, to, ranged := strings.Cut(span, "-")
		var err error
		if first, err = f.value(from); err != nil {
			return nil, err
		}
		if ranged {
			if last, err = f.value(to); err != nil {
				return nil, err
			}
		} else if !stepped {
			last = first
		}
	}
	if first > last {
		return nil, fmt.Errorf("%q runs backwards", text)
	}
	var values []int
	for v := first; v <= last; v += step {
		values = append(values, v)
	}
	return values, nil
}

func (f field) value(text string) (int, error) {
	if i := slices.Index(f.names, text); i >= 0 {
		return f.min + i, nil
	}
	n, err := digits(text)
	if err != nil || n < f.min || n > f.max {
		return 0, fmt.Errorf("%q is not from %d to %d", text, f.min, f.max)
	}
	return n, nil
}

// digits takes no sign and no more than a year has.
func digits(text string) (int, error) {
	if len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return strconv.Atoi(text)
}

var nearestWeekday = regexp.MustCompile(`^([1-9]|[12][0-9]|3[01])W$`)

// specialDayOfMonth takes L, the last day, and nW, the weekday nearest to the nth.
func specialDayOfMonth(_ field, text string) (string, bool) {
	return text, text == "L" || nearestWeekday.MatchString(text)
}

var (
	lastWeekday = regexp.MustCompile(`^([1-7])L$`)
	nthWeekday  = regexp.MustCompile(`^([1-7]|SUN|MON|TUE|WED|THU|FRI|SAT)#([1-5])$`)
)

// specialDayOfWeek takes L, Saturday; nL, the last such day of the month; n#m, the
// m'th.
func specialDayOfWeek(day field, text string) (string, bool) {
	if text == "L" {
		return "6", true
	}
	if part := lastWeekday.FindStringSubmatch(text); part != nil {
		n, err := day.value(part[1])
		return strconv.Itoa(n+day.shift) + "L", err == nil
	}
	if part := nthWeekday.FindStringSubmatch(text); part != nil {
		n, err := day.value(part[1])
		return strconv.Itoa(n+day.shift) + "#" + part[2], err == nil
	}
	return "", false
}
