package wallet

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"billingcentre/shared/money"
)

func TestRuleM2_LinesShowTheirShareOfThePayable(t *testing.T) {
	for says, c := range map[string]struct {
		before string // carried
		lines  []string
		shares string // by line, in the settlement's order: product, usage, largest amount
	}{
		"what they cost, when that is whole":        {"0", []string{"a", "1.25", "b", "2.75"}, "1.25 2.75"},
		"the remainder to the largest":              {"0", []string{"a", "1", "b", "1.005", "c", "1"}, "1.00 1.01 1.00"},
		"equal lines: by product":                   {"0", []string{"c", "0.333", "b", "0.333", "a", "0.334"}, "0.34 0.33 0.33"},
		"a cent for three":                          {"0", []string{"a", "0.004", "b", "0.004", "c", "0.004"}, "0.01 0.00 0.00"},
		"a remainder of two cents to two lines":     {"0", []string{"a", "0.336", "b", "0.336", "c", "0.336"}, "0.34 0.34 0.33"},
		"nothing where nothing is payable":          {"0", []string{"a", "0.001", "b", "-3"}, "0.00 0.00"},
		"with what earlier bills left":              {"0.004", []string{"a", "0.003", "b", "0.003"}, "0.01 0.00"},
		"a credit line's is negative":               {"0", []string{"a", "10", "b", "-2"}, "10.00 -2.00"},
		"all to the first, where the sum is zero":   {"-2", []string{"a", "0", "b", "0"}, "0.00 0.00"},
		"credits eaten by earlier credits":          {"-5", []string{"a", "8", "b", "2"}, "4.00 1.00"},
		"lines that nearly cancel out don't wrap":   {"0.00499999", slices.Concat(slices.Repeat([]string{"a", "100000000000"}, 11), slices.Repeat([]string{"b", "-100000000000"}, 11), []string{"c", "0.0000001"}), "0.01" + strings.Repeat(" 0.00", 22)},
		"a ratio beyond a wallet: all to the first": {"0.004999999999999999", []string{"a", "999999999999999", "b", "-999999999999999", "c", "0.000000000000000001"}, "0.01 0.00 0.00"},
	} {
		t.Run(says, func(t *testing.T) {
			a := open(t)
			a.settle("before", c.before)
			e := a.settle(c.lines...)
			got := fmt.Sprint(e.Settlement.Shares(money.CNY))
			if got != "["+c.shares+"]" {
				t.Errorf("shares are %s, want [%s]", got, c.shares)
			}
		})
	}
	t.Run("all to the largest, where the sum isn't positive but something is payable", func(t *testing.T) {
		a := open(t)
		credit := a.settle("logs", "-7")
		a.settle("logs", "5")
		a.must(a.reversal(credit)) // carried is 5 now, and payable with the next bill
		a.carries("5", "0")
		e := a.settle("a", "-1", "b", "-0.5")
		if got := fmt.Sprint(e.Settlement.Shares(money.CNY)); got != "[0.00 3.50]" {
			t.Errorf("shares are %s", got)
		}
		if e = a.settle("a", "0"); e.Settlement.Shares(money.CNY)[0] != cny("0") {
			t.Error("nothing was payable")
		}
	})
}
