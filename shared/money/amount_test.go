package money_test

import (
	"math"
	"strings"
	"testing"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

func TestAmountsThatAreRead(t *testing.T) {
	for text, minor := range map[string]int64{
		"13.40":        1340,
		"13.4":         1340,
		"13":           1300,
		"0.01":         1,
		"0.1":          10,
		"0":            0,
		"0.00":         0, // H4: an amount, but every command that takes one wants it above 0
		"100000000.00": 10_000_000_000,
		"999999999.99": 99_999_999_999,
		"1.005"[:4]:    100,
		"19.99":        1999, // a float's 19.99 × 100 is 1998
	} {
		got, err := money.Parse("/amount", text, money.CNY)
		if err != nil || got != money.Of(money.CNY, minor) {
			t.Errorf("Parse(%q) = %v, %v; want %d minor units", text, got, err, minor)
		}
	}
}

// The numbers are those of the list of bad inputs; rows without one fill its gaps.
func TestAmountsThatAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"H1 negative":            "-1",
		"H2 negative decimal":    "-0.01",
		"H3 negative zero":       "-0",
		"H5 nothing but a sign":  "-",
		"H6 exponent":            "1e2",
		"H7 huge exponent":       "1E400",
		"H8 not a number":        "NaN",
		"H9 infinity":            "Infinity",
		"H10 hexadecimal":        "0x10",
		"H11 underscores":        "1_000",
		"H12 grouping":           "1,000.00",
		"H13 leading space":      " 1",
		"H14 trailing space":     "1 ",
		"H15 plus sign":          "+1",
		"H16 full-width digits":  "１２",
		"H17 Arabic digits":      "١٢",
		"H18 empty":              "",
		"H19 null":               "null",
		"H20 a boolean":          "true",
		"H21 an array":           "[1]",
		"H22 an object":          `{"v":1}`,
		"H23 quoted":             `"1"`,
		"H24 largest int64":      "9223372036854775807",
		"H25 beyond int64":       "9223372036854775808",
		"H26 beyond uint64":      "18446744073709551616",
		"H27 forty digits":       strings.Repeat("9", 40),
		"H28 no whole":           ".5",
		"H29 no fraction":        "5.",
		"H30 leading zero":       "01.00",
		"H31 trailing NUL":       "1.00\x00",
		"two leading zeros":      "00",
		"three decimals":         "1.000",
		"half a cent":            "0.005",
		"ten digits":             "1000000000",
		"two points":             "1.0.0",
		"only a point":           ".",
		"decimal comma":          "1,5",
		"line break":             "1\n",
		"currency":               "¥1",
		"fraction with a sign":   "1.-1",
		"fraction with exponent": "1.e",
		"a megabyte":             strings.Repeat("1", 1<<20),
		"not UTF-8":              "1\xff",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := money.Parse("/amount", text, money.CNY)
			no := refusal.As(err)
			if no == nil || no.Kind != refusal.Invalid || len(no.Fields) != 1 || no.Fields[0].Pointer != "/amount" {
				t.Fatalf("got %v, %v; want an Invalid refusal of /amount", got, err)
			}
			if len(err.Error()) > 300 {
				t.Errorf("the refusal echoes the input: %d bytes", len(err.Error()))
			}
		})
	}
}

func TestAmountsAsText(t *testing.T) {
	for minor, want := range map[int64]string{
		0: "0.00", 1: "0.01", 10: "0.10", 99: "0.99", 100: "1.00", 1340: "13.40", -5: "-0.05", -1340: "-13.40",
		money.Limit: "10000000000000000.00", math.MaxInt64: "92233720368547758.07", math.MinInt64: "-92233720368547758.08",
	} {
		if got := money.Of(money.CNY, minor).String(); got != want {
			t.Errorf("%d minor units are written %q, want %q", minor, got, want)
		}
	}
}

func TestArithmeticOfAmounts(t *testing.T) {
	cny := func(minor int64) money.Amount { return money.Of(money.CNY, minor) }
	for name, c := range map[string]struct{ got, want money.Amount }{
		"sum":                      {cny(940).Add(cny(60)), cny(1000)},
		"sum with a negative":      {cny(940).Add(cny(-941)), cny(-1)},
		"difference":               {cny(10).Sub(cny(11)), cny(-1)},
		"sum with nothing":         {cny(7).Add(cny(0)), cny(7)},
		"difference with nothing":  {cny(7).Sub(cny(0)), cny(7)},
		"the largest, reached":     {cny(math.MaxInt64 - 1).Add(cny(1)), cny(math.MaxInt64)},
		"the smallest, reached":    {cny(math.MinInt64 + 1).Sub(cny(1)), cny(math.MinInt64)},
		"two limits together":      {cny(money.Limit).Add(cny(money.Limit)), cny(2 * money.Limit)},
		"smaller of two":           {money.Min(cny(3), cny(2)), cny(2)},
		"smaller of two, reversed": {money.Min(cny(2), cny(3)), cny(2)},
		"smaller of equals":        {money.Min(cny(2), cny(2)), cny(2)},
		"units":                    {money.Units(money.CNY, 100), cny(10_000)},
		"nothing":                  {money.Zero(money.CNY), cny(0)},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestSignsAndOrderOfAmounts(t *testing.T) {
	for minor, sign := range map[int64]int{-money.Limit: -1, -1: -1, 0: 0, 1: 1, money.Limit: 1} {
		a := money.Of(money.USD, minor)
		if a.IsNegative() != (sign < 0) || a.IsZero() != (sign == 0) || a.IsPositive() != (sign > 0) || a.Cmp(money.Zero(money.USD)) != sign {
			t.Errorf("%v: sign isn't %d", a, sign)
		}
		if !a.WithinLimit() {
			t.Errorf("%v isn't within the limit", a)
		}
	}
	for _, minor := range []int64{money.Limit + 1, -money.Limit - 1, math.MaxInt64, math.MinInt64} {
		if money.Of(money.CNY, minor).WithinLimit() {
			t.Errorf("%d is within the limit", minor)
		}
	}
}

func TestWhatIsABugOfOursPanics(t *testing.T) {
	cny := func(minor int64) money.Amount { return money.Of(money.CNY, minor) }
	exact := money.ZeroExact(money.CNY)
	for name, do := range map[string]func(){
		"sum above the range":              func() { cny(math.MaxInt64).Add(cny(1)) },
		"sum below the range":              func() { cny(math.MinInt64).Add(cny(-1)) },
		"difference above the range":       func() { cny(math.MaxInt64).Sub(cny(-1)) },
		"difference below the range":       func() { cny(math.MinInt64).Sub(cny(1)) },
		"the smallest, negated":            func() { cny(0).Sub(cny(math.MinInt64)) },
		"units above the range":            func() { money.Units(money.CNY, math.MaxInt64/99) },
		"units below the range":            func() { money.Units(money.CNY, math.MinInt64/99) },
		"sum of two currencies":            func() { cny(1).Add(money.Of(money.USD, 1)) },
		"difference of two currencies":     func() { cny(1).Sub(money.Of(money.USD, 1)) },
		"order of two currencies":          func() { cny(1).Cmp(money.Of(money.USD, 1)) },
		"smaller of two currencies":        func() { money.Min(cny(1), money.Of(money.USD, 1)) },
		"the zero Amount has no currency":  func() { cny(1).Add(money.Amount{}) },
		"exact sum of two currencies":      func() { exact.Add(money.ZeroExact(money.USD)) },
		"exact difference of two":          func() { exact.Sub(money.ZeroExact(money.USD)) },
		"exact order of two":               func() { exact.Cmp(money.ZeroExact(money.USD)) },
		"share of another currency's cost": func() { money.Share(exact, money.ZeroExact(money.USD), cny(1)) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("didn't panic")
				}
			}()
			do()
		})
	}
}

func TestCurrenciesOfAccounts(t *testing.T) {
	for _, c := range []money.Currency{money.CNY, money.USD, money.EUR, money.GBP, money.HKD, money.SGD} {
		if !c.Known() {
			t.Errorf("%s isn't known", c)
		}
	}
	// Q30, and currencies whose minor unit isn't a hundredth.
	for _, c := range []money.Currency{"", "cny", "CNY ", "RMB", "JPY", "KWD"} {
		if c.Known() {
			t.Errorf("%q is known", c)
		}
	}
}
