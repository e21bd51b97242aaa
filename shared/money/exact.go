package money

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"billingcentre/shared/refusal"
)

const (
	exactPlaces = 18 // decimals that an exact amount may carry
	exactDigits = 15 // digits before the point: |x| < 10^15
)

// Exact is a cost with all its decimals, in one currency (README rule M2). The zero Exact belongs to no currency.
type Exact struct {
	value    decimal.Decimal
	currency Currency
}

// ZeroExact is no cost at all, in a currency.
func ZeroExact(currency Currency) Exact { return Exact{decimal.Zero, currency} }

// ParseExact reads a cost from a usage bill: a decimal with an optional minus, at most fifteen digits before the
// point and eighteen after it, no exponent. The refusal is Invalid and names the pointer.
func ParseExact(pointer, text string, currency Currency) (Exact, error) {
	if err := wellFormed(pointer, text); err != nil {
		return Exact{}, err
	}
	if small, ok := readSmall(text); ok {
		return Exact{small, currency}, nil
	}
	value, err := decimal.NewFromString(text)
	if err != nil {
		return Exact{}, refusal.At(pointer, "is not a decimal")
	}
	return Exact{value, currency}, nil
}

// wellFormed refuses what ParseExact doesn't read.
func wellFormed(pointer, text string) error {
	whole, fraction, dotted := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if !digits(whole, 1, exactDigits) || dotted && !digits(fraction, 1, exactPlaces) || len(whole) > 1 && whole[0] == '0' {
		return refusal.At(pointer, `must be a decimal string such as "-0.00000080000": at most %d digits before and %d after the point, no exponent, plus sign, space or leading zero`, exactDigits, exactPlaces)
	}
	return nil
}

// Normal is the canonical form of a decimal beside a cost, such as a usage or a price: of what ParseExact reads, and
// with its refusal. Most are written so already, and needn't be read for it.
func Normal(pointer, text string) (string, error) {
	if err := wellFormed(pointer, text); err != nil {
		return "", err
	}
	if canonical(text) {
		return text, nil
	}
	exact, err := ParseExact(pointer, text, "")
	return exact.String(), err
}

// canonical tells whether a well-formed decimal is written as String would write it.
func canonical(text string) bool {
	if strings.Contains(text, ".") {
		return !strings.HasSuffix(text, "0")
	}
	return text != "-0"
}

// ReadExact reads the canonical form, which String writes, of a sum of any size. Only our own storage holds such text.
func ReadExact(text string, currency Currency) (Exact, error) {
	if text == "0" {
		return ZeroExact(currency), nil
	}
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(text, "-"), ".")
	if !digits(whole, 1, 40) || !digits(fraction, 0, 40) {
		return Exact{}, fmt.Errorf("money: %.50q is not an exact amount", text)
	}
	value, ok := readSmall(text)
	var err error
	if !ok {
		value, err = decimal.NewFromString(text)
	}
	if err != nil || (Exact{value, currency}).String() != text {
		return Exact{}, fmt.Errorf("money: %.50q is not the canonical form of an exact amount", text)
	}
	return Exact{value, currency}, nil
}

// Currency is the cost's currency.
func (e Exact) Currency() Currency { return e.currency }

// String is the canonical form: no trailing zeros, no exponent, "0" for nothing.
func (e Exact) String() string { return string(e.Append(nil)) }

// Append appends the canonical form.
func (e Exact) Append(to []byte) []byte {
	if to, ok := appendSmall(to, e.value); ok {
		return to
	}
	return append(to, e.value.String()...)
}

// Add is the exact sum. It panics on two currencies.
func (e Exact) Add(o Exact) Exact { e.same(o); return Exact{e.value.Add(o.value), e.currency} }

// Sub is the exact difference. It panics on two currencies.
func (e Exact) Sub(o Exact) Exact { e.same(o); return Exact{e.value.Sub(o.value), e.currency} }

// Cmp is -1, 0 or 1 as e is less than, equal to or more than o. It panics on two currencies.
func (e Exact) Cmp(o Exact) int { e.same(o); return e.value.Cmp(o.value) }

// Sign is -1, 0 or 1.
func (e Exact) Sign() int { return e.value.Sign() }

func (e Exact) same(o Exact) {
	if e.currency != o.currency {
		panic(fmt.Sprintf("money: %q mixed with %q", e.currency, o.currency))
	}
}

// Exact is the amount as a cost.
func (a Amount) Exact() Exact { return Exact{decimal.New(a.minor, -places), a.currency} }

var (
	half       = decimal.New(5, -places-1)
	largestPay = decimal.New(Limit, -places)
)

// Payable rounds a cost half up to minor units, and never below zero (README rule M2): what can be asked for now.
// ok is false when it is beyond what a wallet can hold.
func (e Exact) Payable() (payable Amount, ok bool) {
	if e.value.Sign() <= 0 {
		return Zero(e.currency), true
	}
	if e.value.GreaterThan(largestPay) {
		return Zero(e.currency), false
	}
	return Amount{e.value.Add(half).Shift(places).Floor().IntPart(), e.currency}, true
}

// Share is the whole minor units, rounded down, of part × payable ÷ whole: a line's share of what its class
// pays. ok is false when whole is zero, or so small beside its parts that the share is beyond Limit.
func Share(part, whole Exact, payable Amount) (share Amount, ok bool) {
	part.same(whole)
	if whole.Sign() == 0 {
		return Zero(payable.currency), false
	}
	// The quotient is taken of integers, so that no digit of the division is ever rounded.
	numerator := part.value.Mul(decimal.New(payable.minor, 0))
	shift := max(-numerator.Exponent(), -whole.value.Exponent(), 0)
	n, d := numerator.Shift(shift).BigInt(), whole.value.Shift(shift).BigInt()
	if d.Sign() < 0 {
		n.Neg(n)
		d.Neg(d)
	}
	n.Div(n, d) // Euclidean, hence rounded down: d is positive
	share = Amount{n.Int64(), payable.currency}
	return share, n.IsInt64() && share.WithinLimit()
}
