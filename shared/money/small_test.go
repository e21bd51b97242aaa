package money

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/shopspring/decimal"
)

// TestSmallDecimalsAreTheLibrarys: what is read and written without the library is what it would read and write.
func TestSmallDecimalsAreTheLibrarys(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 2))
	for range 20_000 {
		digits := random.Int64N(int64(math.Pow10(1 + random.IntN(18))))
		if random.IntN(4) == 0 {
			digits = digits / 1000 * 1000
		}
		value := decimal.New(digits*int64(1-2*random.IntN(2)), int32(1-random.IntN(22)))
		written, ok := appendSmall([]byte("before "), value)
		if want := "before " + value.String(); ok && string(written) != want {
			t.Fatalf("%q, the library says %q", written, want)
		}
		if fits := value.Exponent() <= 0 && value.Exponent() >= -18 && value.NumDigits() <= 18; ok != fits {
			t.Fatalf("%s: written without the library: %t", value, ok)
		}
		text := value.StringFixed(max(0, -value.Exponent()))
		read, ok := readSmall(text)
		if want := decimal.RequireFromString(text); ok && (!read.Equal(want) || read.Exponent() != want.Exponent()) {
			t.Fatalf("%s is %s, the library says %s", text, read, want)
		}
		if fits := len(text) <= 18; ok != fits {
			t.Fatalf("%s: read without the library: %t", text, ok)
		}
	}
	for _, text := range []string{"1234567890123456789", "1e3", "1.2.3", "1-2", "x"} {
		if value, ok := readSmall(text); ok {
			t.Errorf("%s is %s", text, value)
		}
	}
	for _, text := range []string{"0", "9", "999999999999999999", "0.0000000000000001", "-99999999999999.99"} {
		if value, ok := readSmall(text); !ok || value.String() != text {
			t.Errorf("%s is %s, %t", text, value, ok)
		}
	}
	for _, value := range []decimal.Decimal{decimal.New(7, 0), decimal.New(1, -18), decimal.New(999999999999999999, -18), decimal.New(-10, -1)} {
		if text, ok := appendSmall(nil, value); !ok || string(text) != value.String() {
			t.Errorf("%s is written as %s, %t", value, text, ok)
		}
	}
	for _, value := range []decimal.Decimal{decimal.New(1, 3), decimal.New(1, -19), decimal.New(math.MinInt64, -2)} {
		if text, ok := appendSmall(nil, value); ok {
			t.Errorf("%s is written as %s", value, text)
		}
	}
}

func BenchmarkExact(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		e, err := ParseExact("", "13.40271828182", CNY)
		if err != nil || e.String() != "13.40271828182" {
			b.Fatal(e, err)
		}
	}
}
