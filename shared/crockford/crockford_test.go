package crockford

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestEveryWrongCharacterIsFound(t *testing.T) {
	chance := rand.NewChaCha8([32]byte{1})
	for range 50 {
		body := Random(chance, 7)
		code := body + Check(body)
		if !Checks(code) {
			t.Fatalf("%s doesn't check", code)
		}
		for i := range code {
			for _, c := range Alphabet {
				wrong := code[:i] + string(c) + code[i+1:]
				if wrong != code && Checks(wrong) {
					t.Fatalf("%s passes for %s", wrong, code)
				}
			}
		}
	}
}

func TestFoldReadsWhatIsMeant(t *testing.T) {
	for from, want := range map[rune]rune{'o': '0', 'O': '0', 'i': '1', 'l': '1', 'L': '1', 'z': 'Z', '7': '7'} {
		if got, ok := Fold(from); !ok || got != want {
			t.Errorf("%c is read as %c", from, got)
		}
	}
	for _, c := range "uU-ı ０" {
		if _, ok := Fold(c); ok {
			t.Errorf("%c is taken", c)
		}
	}
}

func TestGroups(t *testing.T) {
	for code, want := range map[string]string{"": "", "ABCD": "ABCD", "ABCDE": "ABCD-E", "ABCDEFGH": "ABCD-EFGH"} {
		if got := Groups(code); got != want || strings.ReplaceAll(got, "-", "") != code {
			t.Errorf("%s is shown as %s", code, got)
		}
	}
}
