// Package money holds the two kinds of numbers of the billing centre, and nothing else.
//
// An Amount is money that can be paid: whole minor units (fen, cents) of one currency. An Exact is
// what usage costs: a decimal with up to eighteen places (README rule M2). The only way from one
// to the other is Exact.Payable, so rounding happens in one place, and never twice.
//
// Currencies can't be mixed: arithmetic on two currencies is a bug of ours, not of a caller, and
// panics, as an overflow does. Inputs are bounded at the edge (Parse, ParseExact) and balances by
// Limit, far enough below the range of an int64 that neither is ever seen.
package money

import (
	"fmt"
	"strconv"
	"strings"

	"billingcentre/shared/refusal"
)

// Currency is an ISO 4217 code. All supported ones have two decimal places.
type Currency string

// The currencies that accounts can be opened in.
const (
	CNY Currency = "CNY"
	USD Currency = "USD"
	EUR Currency = "EUR"
	GBP Currency = "GBP"
	HKD Currency = "HKD"
	SGD Currency = "SGD"
)

// Known tells whether accounts can be opened in the currency.
func (c Currency) Known() bool {
	switch c {
	case CNY, USD, EUR, GBP, HKD, SGD:
		return true
	}
	return false
}

const (
	places  = 2
	perUnit = 100 // minor units in one unit
)

// Limit bounds every balance, in minor units: sums of two amounts within it can't overflow.
const Limit = int64(1_000_000_000_000_000_000)

// Amount is money in whole minor units of one currency. The zero Amount belongs to no currency.
type Amount struct {
	minor    int64
	currency Currency
}

// Of makes an amount of minor units (fen, cents).
func Of(currency Currency, minor int64) Amount { return Amount{minor, currency} }

// Units makes an amount of whole units (yuan, dollars). It panics on overflow.
func Units(currency Currency, units int64) Amount {
	minor := units * perUnit
	if minor/perUnit != units {
		panic(fmt.Sprintf("money: %d units overflow", units))
	}
	return Amount{minor, currency}
}

// Zero is nothing, in a currency.
func Zero(currency Currency) Amount { return Amount{0, currency} }

// Minor is the amount in minor units.
func (a Amount) Minor() int64 { return a.minor }

// Currency is the amount's currency.
func (a Amount) Currency() Currency { return a.currency }

// IsZero tells whether nothing is left.
func (a Amount) IsZero() bool { return a.minor == 0 }

// IsPositive tells whether there is something.
func (a Amount) IsPositive() bool { return a.minor > 0 }

// IsNegative tells whether the amount is below zero.
func (a Amount) IsNegative() bool { return a.minor < 0 }

// WithinLimit tells whether the amount may be a balance.
func (a Amount) WithinLimit() bool { return a.minor <= Limit && a.minor >= -Limit }

// Add is the sum. It panics on two currencies, and on overflow.
func (a Amount) Add(b Amount) Amount {
	a.same(b)
	sum := a.minor + b.minor
	if (sum > a.minor) != (b.minor > 0) {
		panic(fmt.Sprintf("money: %d + %d overflows", a.minor, b.minor))
	}
	return Amount{sum, a.currency}
}

// Sub is the difference. It panics on two currencies, and on overflow.
func (a Amount) Sub(b Amount) Amount {
	a.same(b)
	diff := a.minor - b.minor
	if (diff < a.minor) != (b.minor > 0) {
		panic(fmt.Sprintf("money: %d - %d overflows", a.minor, b.minor))
	}
	return Amount{diff, a.currency}
}

// Cmp is -1, 0 or 1 as a is less than, equal to or more than b. It panics on two currencies.
func (a Amount) Cmp(b Amount) int {
	a.same(b)
	switch {
	case a.minor < b.minor:
		return -1
	case a.minor > b.minor:
		return 1
	}
	return 0
}

// Min is the smaller of two amounts. It panics on two currencies.
func Min(a, b Amount) Amount {
	a.same(b)
	return Amount{min(a.minor, b.minor), a.currency}
}

func (a Amount) same(b Amount) {
	if a.currency != b.currency {
		panic(fmt.Sprintf("money: %q mixed with %q", a.currency, b.currency))
	}
}

// String is the amount as a decimal with two places: "13.40", "-0.05". No currency, no grouping.
func (a Amount) String() string {
	sign, minor := "", uint64(a.minor)
	if a.minor < 0 {
		sign, minor = "-", -minor
	}
	return fmt.Sprintf("%s%d.%02d", sign, minor/perUnit, minor%perUnit)
}

// Parse reads an amount as people and programs write it: "13.40", "13.4" or "13". No sign, no
// exponent, no spaces, no leading zeros, at most two decimals and nine digits before them.
// The refusal is Invalid and names the pointer.
func Parse(pointer, text string, currency Currency) (Amount, error) {
	whole, fraction, dotted := strings.Cut(text, ".")
	switch {
	case !digits(whole, 1, 9), dotted && !digits(fraction, 1, places), len(whole) > 1 && whole[0] == '0':
		return Amount{}, refusal.At(pointer, `must be a decimal string such as "13.40": digits, at most two decimals, no sign, exponent, space or leading zero`)
	}
	units, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return Amount{}, refusal.At(pointer, "is out of range")
	}
	minor, err := strconv.ParseInt((fraction + "00")[:places], 10, 64)
	if err != nil {
		return Amount{}, refusal.At(pointer, "is out of range")
	}
	return Amount{units*perUnit + minor, currency}, nil
}

// digits tells whether s is least to most ASCII digits.
func digits(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
