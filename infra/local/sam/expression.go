package sam

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/adhocore/gronx"
)

var rateForm = regexp.MustCompile(`^rate\(([1-9][0-9]*) (minute|hour|day)(s?)\)$`)

// checkExpression tells whether EventBridge Scheduler takes a schedule expression: rate(5 minutes), cron(0 4 4 * ? *)
// or at(2027-01-01T00:00:00).
func checkExpression(expression string) error {
	kind, argument, _ := strings.Cut(strings.TrimSuffix(expression, ")"), "(")
	switch kind {
	case "rate":
		found := rateForm.FindStringSubmatch(expression)
		if found == nil {
			return fmt.Errorf("%q isn't of the form rate(5 minutes)", expression)
		}
		if (found[1] == "1") != (found[3] == "") {
			return fmt.Errorf("%q: 1 goes with the singular, any other number with the plural", expression)
		}
		return nil
	case "cron":
		return checkCron(expression, strings.Fields(argument))
	case "at":
		if _, err := time.Parse("2006-01-02T15:04:05", argument); err != nil {
			return fmt.Errorf("%q isn't of the form at(2027-01-01T00:00:00)", expression)
		}
		return nil
	default:
		return fmt.Errorf("%q is neither rate(), cron() nor at()", expression)
	}
}

var dayNumber = regexp.MustCompile(`(^|[,-])([0-9]+)`)

// checkCron checks AWS's six fields: minutes, hours, day of month, month, day of week, year.
func checkCron(expression string, fields []string) error {
	if len(fields) != 6 {
		return fmt.Errorf("%q has %d fields, not 6", expression, len(fields))
	}
	if (fields[2] == "?") == (fields[4] == "?") {
		return fmt.Errorf("%q: exactly one of day of month and day of week is ?", expression)
	}
	for _, found := range dayNumber.FindAllStringSubmatch(fields[4], -1) {
		// AWS counts 1 = Sunday to 7; gronx, which checks the rest, would take 0 as well.
		if day, err := strconv.Atoi(found[2]); err != nil || day < 1 || day > 7 {
			return fmt.Errorf("%q: day of week %s isn't 1 to 7", expression, found[2])
		}
	}
	if !gronx.IsValid("0 " + strings.Join(fields, " ")) {
		return fmt.Errorf("%q is no cron expression", expression)
	}
	return nil
}

func checkTimeZone(name string) error {
	if name == "" {
		return nil
	}
	_, err := time.LoadLocation(name)
	return err
}
