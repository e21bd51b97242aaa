package money_test

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"testing"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// seeds are texts around every edge of both parsers.
var seeds = []string{
	"", "0", "-0", "0.00", "13.40", "13.4", "13.405", "01", "1e2", "1E400", "NaN", "Infinity", "0x10", "1_000", "1,000.00", " 1", "+1",
	"１２", "null", "999999999.99", "1000000000", "9223372036854775807", "9223372036854775808", ".5", "5.", "1.00\x00", "--1", "-1.-1",
	"-0.00000080000", "0.000000000000000001", "0.0000000000000000001", "999999999999999.999999999999999999", "1000000000000000",
	"1.2.3", "1\xff", "1/3", "0.005",
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if wrong := misread(text, money.Parse); wrong != "" {
			t.Fatal(wrong)
		}
	})
}

func FuzzParseExact(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if wrong := misreadExact(text, money.ParseExact); wrong != "" {
			t.Fatal(wrong)
		}
	})
}

func FuzzReadExact(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := money.ReadExact(text, money.CNY); err == nil && e.String() != text {
			t.Fatalf("%q was accepted, and is written %q", text, e)
		}
	})
}

// misread compares a parser of amounts with the rule, said plainly.
func misread(text string, parse func(string, string, money.Currency) (money.Amount, error)) string {
	whole, fraction, dotted := strings.Cut(text, ".")
	valid := isDigits(whole) && len(whole) <= 9 && (whole == "0" || whole[0] != '0') &&
		(!dotted || isDigits(fraction) && len(fraction) <= 2)
	got, err := parse("/amount", text, money.CNY)
	if !valid {
		return unrefused(text, fmt.Sprint(got), err)
	}
	want := new(big.Rat).Mul(rat(text), big.NewRat(100, 1))
	if err != nil || !want.IsInt() || want.Num().Int64() != got.Minor() || got.Currency() != money.CNY {
		return fmt.Sprintf("%q was read as %v, %v", text, got, err)
	}
	return ""
}

// misreadExact does so with a parser of costs.
func misreadExact(text string, parse func(string, string, money.Currency) (money.Exact, error)) string {
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	valid := isDigits(whole) && len(whole) <= 15 && (whole == "0" || whole[0] != '0') &&
		(!dotted || isDigits(fraction) && len(fraction) <= 18)
	got, err := parse("/amount", text, money.CNY)
	if !valid {
		return unrefused(text, fmt.Sprint(got), err)
	}
	if err != nil || rat(got.String()).Cmp(rat(text)) != 0 || got.Currency() != money.CNY {
		return fmt.Sprintf("%q was read as %v, %v", text, got, err)
	}
	return ""
}

func unrefused(text, got string, err error) string {
	if no := refusal.As(err); no == nil || no.Kind != refusal.Invalid {
		return fmt.Sprintf("%q was read as %s, %v; want it refused", text, got, err)
	}
	return ""
}

// Planted bugs prove the fuzz targets: the seeds alone find each.
func TestPlantedBugsOfParsingAreFound(t *testing.T) {
	invalid := refusal.At("/amount", "must be a decimal")
	for name, parse := range map[string]func(string, string, money.Currency) (money.Amount, error){
		"through a float": func(_, text string, c money.Currency) (money.Amount, error) {
			f, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return money.Amount{}, invalid
			}
			return money.Of(c, int64(f*100)), nil
		},
		"through a rational": func(_, text string, c money.Currency) (money.Amount, error) {
			r, ok := new(big.Rat).SetString(text[:min(len(text), 4)])
			if !ok {
				return money.Amount{}, invalid
			}
			return money.Of(c, r.Num().Int64()), nil
		},
		"trims what surrounds it": func(p, text string, c money.Currency) (money.Amount, error) {
			return money.Parse(p, strings.TrimSpace(text), c)
		},
		"cuts further decimals": func(p, text string, c money.Currency) (money.Amount, error) {
			if whole, fraction, dotted := strings.Cut(text, "."); dotted && len(fraction) > 2 {
				text = whole + "." + fraction[:2]
			}
			return money.Parse(p, text, c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range seeds {
				if misread(s, parse) != "" {
					return
				}
			}
			t.Error("not found by any seed")
		})
	}
	t.Run("a cost through a float", func(t *testing.T) {
		for _, s := range seeds {
			if misreadExact(s, func(p, text string, c money.Currency) (money.Exact, error) {
				f, err := strconv.ParseFloat(text, 64)
				if err != nil {
					return money.Exact{}, invalid
				}
				return money.ParseExact(p, strconv.FormatFloat(f, 'f', -1, 64), c)
			}) != "" {
				return
			}
		}
		t.Error("not found by any seed")
	})
}
