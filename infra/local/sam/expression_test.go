package sam

import "testing"

func TestExpressions(t *testing.T) {
	for expression, good := range map[string]bool{
		"rate(1 minute)":               true,
		"rate(5 minutes)":              true,
		"rate(1 hours)":                false,
		"rate(0 minutes)":              false,
		"rate(1.5 hours)":              false,
		"rate(30 seconds)":             false,
		"rate( 5 minutes )":            false,
		"cron(0 4 4 * ? *)":            true,
		"cron(15 10 ? * 6L 2026-2030)": true,
		"cron(0 8 ? * MON#1 *)":        true,
		"cron(0 8 ? * 1-7 *)":          true,
		"cron(0 8 ? * 0 *)":            false,
		"cron(0 8 ? * 8 *)":            false,
		"cron(0 8 * * * *)":            false,
		"cron(60 8 ? * MON *)":         false,
		"cron(0 25 ? * MON *)":         false,
		"at(2027-01-01T00:00:00)":      true,
		"at(2027-02-29T00:00:00)":      false,
		"every minute":                 false,
		"":                             false,
	} {
		if err := checkExpression(expression); (err == nil) != good {
			t.Errorf("%q: %v", expression, err)
		}
	}
}
