package money_test

import (
	"strings"
	"testing"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func exact(t testing.TB, text string) money.Exact {
	t.Helper()
	e, err := money.ParseExact("/amount", text, money.CNY)
	if err != nil {
		t.Fatalf("ParseExact(%q): %v", text, err)
	}
	return e
}

func TestCostsThatAreRead(t *testing.T) {
	for text, canonical := range map[string]string{
		"13.40":                              "13.4",
		"13.4":                               "13.4",
		"13":                                 "13",
		"0":                                  "0",
		"-0":                                 "0",
		"0.000":                              "0",
		"-0.00":                              "0",
		"100":                                "100",
		"-5":                                 "-5",
		"-0.00000080000":                     "-0.0000008",
		"0.02052022672":                      "0.02052022672", // eleven decimals, as real bills have
		"0.000000000000000001":               "0.000000000000000001",
		"999999999999999.999999999999999999": "999999999999999.999999999999999999",
		"-999999999999999":                   "-999999999999999",
	} {
		got := exact(t, text)
		if got.String() != canonical {
			t.Errorf("%q is written %q, want %q", text, got, canonical)
		}
		again, err := money.ReadExact(canonical, money.CNY)
		if err != nil || again.Cmp(got) != 0 {
			t.Errorf("ReadExact(%q) = %v, %v", canonical, again, err)
		}
	}
}

func TestCostsThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"Q24 not a number":        "NaN",
		"Q25 exponent":            "1e3",
		"Q26 infinity":            "-Infinity",
		"Q27 negative exponent":   "1e-400",
		"Q28 beyond int64":        "9223372036854775808",
		"sixteen digits":          "1000000000000000",
		"nineteen decimals":       "0.0000000000000000001",
		"plus sign":               "+1",
		"two signs":               "--1",
		"only a sign":             "-",
		"empty":                   "",
		"no whole":                ".5",
		"negative without whole":  "-.5",
		"no fraction":             "5.",
		"leading zero":            "01",
		"negative leading zero":   "-01",
		"space":                   " 1",
		"trailing space":          "1 ",
		"grouping":                "1,000",
		"underscore":              "1_000",
		"full-width digits":       "１２",
		"full-width minus":        "－1",
		"two points":              "1.2.3",
		"sign within":             "1.-2",
		"hexadecimal":             "0x10",
		"NUL":                     "1\x00",
		"null":                    "null",
		"a megabyte of digits":    strings.Repeat("9", 1<<20),
		"a megabyte of decimals":  "0." + strings.Repeat("9", 1<<20),
		"a fraction of a decimal": "1/3",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := money.ParseExact("/lines/0/amount", text, money.CNY)
			no := refusal.As(err)
			if no == nil || no.Kind != refusal.Invalid || len(no.Fields) != 1 || no.Fields[0].Pointer != "/lines/0/amount" {
				t.Fatalf("got %v, %v; want an Invalid refusal of its pointer", got, err)
			}
			if len(err.Error()) > 300 {
				t.Errorf("the refusal echoes the input: %d bytes", len(err.Error()))
			}
		})
	}
}

// ReadExact reads storage, so it is stricter in form than ParseExact, and wider in range: sums outgrow their parts.
func TestStoredCostsAreCanonical(t *testing.T) {
	for _, text := range []string{
		"-0", "0.0", "1.0", "1.50", "01", "+1", "1e3", "", "-", ".5", "5.", " 1", "NaN", "1.2.3", "-.5", "1\x00",
		strings.Repeat("9", 41), "0." + strings.Repeat("1", 41),
	} {
		if got, err := money.ReadExact(text, money.CNY); err == nil {
			t.Errorf("ReadExact(%.50q) = %v, want an error", text, got)
		}
	}
	for _, text := range []string{"0", "-1", "0.5", strings.Repeat("9", 40), "-" + strings.Repeat("9", 40) + "." + strings.Repeat("1", 40)} {
		got, err := money.ReadExact(text, money.CNY)
		if err != nil || got.String() != text {
			t.Errorf("ReadExact(%q) = %v, %v", text, got, err)
		}
	}
}

func TestRuleM2_PayableIsHalfUpAndNeverBelowZero(t *testing.T) {
	for cost, payable := range map[string]string{
		"0":                           "0.00",
		"0.004":                       "0.00",
		"0.004999999999999999":        "0.00",
		"0.005":                       "0.01",
		"0.005000000000000001":        "0.01",
		"0.014999999999999999":        "0.01",
		"0.015":                       "0.02", // half up, not half even
		"0.025":                       "0.03",
		"1.005":                       "1.01", // a float's is 1.00
		"13.4":                        "13.40",
		"0.999":                       "1.00",
		"-0.000000000000000001":       "0.00",
		"-0.005":                      "0.00",
		"-0.006":                      "0.00",
		"-100":                        "0.00",
		"999999999999999.994":         "999999999999999.99",
		"999999999999999.99500000001": "1000000000000000.00",
	} {
		got, ok := exact(t, cost).Payable()
		if !ok || got.String() != payable || got.Currency() != money.CNY {
			t.Errorf("of %s, %v is payable (%t), want %s", cost, got, ok, payable)
		}
	}
}

func TestPayableBeyondTheLimitIsTold(t *testing.T) {
	limit := money.Of(money.CNY, money.Limit)
	if got, ok := limit.Exact().Payable(); !ok || got != limit {
		t.Errorf("the limit: %v, %t", got, ok)
	}
	if got, ok := limit.Exact().Add(exact(t, "0.000000000000000001")).Payable(); ok || !got.IsZero() {
		t.Errorf("just above the limit: %v, %t", got, ok)
	}
	huge, _ := money.ReadExact(strings.Repeat("9", 40), money.CNY)
	if _, ok := huge.Payable(); ok {
		t.Error("forty digits are payable")
	}
}

func TestArithmeticOfCosts(t *testing.T) {
	if got := exact(t, "0.1").Add(exact(t, "0.2")); got.String() != "0.3" {
		t.Errorf("0.1 + 0.2 = %s", got)
	}
	if got := exact(t, "0.1").Sub(exact(t, "0.10")); got.String() != "0" || got.Sign() != 0 {
		t.Errorf("0.1 - 0.10 = %s", got)
	}
	if exact(t, "0.10").Cmp(exact(t, "0.1")) != 0 || exact(t, "-1").Cmp(exact(t, "0")) != -1 || exact(t, "1").Cmp(exact(t, "0.5")) != 1 {
		t.Error("costs are out of order")
	}
	if got := money.Of(money.CNY, -5).Exact(); got.String() != "-0.05" || got.Currency() != money.CNY || got.Sign() != -1 {
		t.Errorf("-5 minor units cost %s", got)
	}
}

func TestShareIsRoundedDown(t *testing.T) {
	for name, c := range map[string]struct {
		part, whole string
		payable     int64
		share       int64
		ok          bool
	}{
		"a third of one":                     {"1", "3", 100, 33, true},
		"all of it":                          {"3", "3", 100, 100, true},
		"none of it":                         {"0", "3", 100, 0, true},
		"a credit line, down":                {"-1", "3", 100, -34, true},
		"a hair of a credit, down":           {"-0.001", "1", 1, -1, true},
		"more than the whole":                {"6", "3", 100, 200, true},
		"of a negative whole":                {"1", "-3", 100, -34, true},
		"a credit of a credit":               {"-1", "-3", 100, 33, true},
		"of nothing":                         {"1", "0", 100, 0, false},
		"decimals of the whole":              {"0.000000000000000001", "0.000000000000000003", 100, 33, true},
		"parts of other precision":           {"100", "0.5", 1, 200, true},
		"a ratio beyond int64":               {"999999999999999", "0.000000000000000001", 1, 0, false},
		"a ratio beyond the limit":           {"10000000000000", "0.00001", 1, 1_000_000_000_000_000_000, true},
		"a ratio just beyond the limit":      {"10000000000000.00001", "0.00001", 1, 1_000_000_000_000_000_001, false},
		"a negative ratio beyond the limit":  {"-10000000000000.00001", "0.00001", 1, -1_000_000_000_000_000_001, false},
		"the last digit isn't rounded away":  {"333333333333333.333333333333333333", "999999999999999.999999999999999999", 3, 1, true},
		"nor is what is a hair less than it": {"333333333333333.333333333333333332", "999999999999999.999999999999999999", 3, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := money.Share(exact(t, c.part), exact(t, c.whole), money.Of(money.CNY, c.payable))
			if ok != c.ok || ok && got != money.Of(money.CNY, c.share) {
				t.Errorf("share is %d (%t), want %d (%t)", got.Minor(), ok, c.share, c.ok)
			}
		})
	}
}
