package money

import (
	"strconv"

	"github.com/shopspring/decimal"
)

// Nearly every cost has at most eighteen digits, and fits into a machine word. Reading and writing those without the
// library's detour over big integers and strings is several times as fast, and a bill has dozens of them.

// smallDigits is how many decimal digits always fit into an int64.
const smallDigits = 18

// readSmall reads a decimal that ParseExact or ReadExact has looked over. ok is false when it has too many digits.
func readSmall(text string) (value decimal.Decimal, ok bool) {
	if len(text) > smallDigits {
		return decimal.Decimal{}, false
	}
	var digits int64
	places, negative := int32(0), false
	for i := range len(text) {
		switch c := text[i]; {
		case c == '-' && i == 0:
			negative = true
		case c == '.' && places == 0:
			places = int32(len(text) - 1 - i)
		case c >= '0' && c <= '9':
			digits = 10*digits + int64(c-'0')
		default:
			return decimal.Decimal{}, false
		}
	}
	if negative {
		digits = -digits
	}
	return decimal.New(digits, -places), true
}

// appendSmall appends what decimal.Decimal.String would say: no trailing zeros behind the point. ok is false when the
// value has too many digits, or zeros to be put behind it.
func appendSmall(to []byte, value decimal.Decimal) (_ []byte, ok bool) {
	places := -int(value.Exponent())
	if places < 0 || places > smallDigits || value.NumDigits() > smallDigits {
		return to, false
	}
	digits := value.CoefficientInt64()
	for ; places > 0 && digits%10 == 0; places-- {
		digits /= 10
	}
	if digits < 0 {
		to, digits = append(to, '-'), -digits
	}
	if places == 0 {
		return strconv.AppendInt(to, digits, 10), true
	}
	unit := int64(1)
	for range places {
		unit *= 10
	}
	to = append(strconv.AppendInt(to, digits/unit, 10), '.')
	fraction := digits % unit
	for unit /= 10; unit > fraction; unit /= 10 { // at 1 at the latest: no fraction is 0 here
		to = append(to, '0')
	}
	return strconv.AppendInt(to, fraction, 10), true
}
