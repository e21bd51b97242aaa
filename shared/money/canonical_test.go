package money

import "testing"

func TestNormalSaysWhatStringWouldWrite(t *testing.T) {
	for _, text := range []string{"0", "-0", "0.0", "-0.0", "10", "-10", "1.5", "1.50", "-1.05", "100.00", "0.000000000000000001", "999999999999999.10"} {
		e, err := ParseExact("", text, CNY)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Normal("", text); err != nil || got != e.String() {
			t.Errorf("%s: %s, though it is written %s (%v)", text, got, e, err)
		}
	}
}

func TestNormalRefusesWhatParseExactRefuses(t *testing.T) {
	for _, text := range []string{"", "-", ".", "1.", ".5", "+1", " 1", "1e3", "01", "1,5", "NaN", "1234567890123456", "0.1234567890123456789", "１"} {
		_, want := ParseExact("/usage", text, CNY)
		if _, got := Normal("/usage", text); got == nil || want == nil || got.Error() != want.Error() {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
