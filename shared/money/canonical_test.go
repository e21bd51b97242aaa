package money

import "testing"

func TestCanonicalTellsWhatStringWouldWrite(t *testing.T) {
	for _, text := range []string{"0", "-0", "0.0", "-0.0", "10", "-10", "1.5", "1.50", "-1.05", "100.00", "0.000000000000000001", "999999999999999.10"} {
		e, err := ParseExact("", text, CNY)
		if err != nil {
			t.Fatal(err)
		}
		if got := Canonical(text); got != (e.String() == text) {
			t.Errorf("%s: %v, though it is written %s", text, got, e)
		}
	}
}
