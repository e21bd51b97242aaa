// Package crockford is the alphabet of codes that people read aloud, copy and mistype: Crockford's base32, which has no
// I, L, O and U, with a check character at the end.
package crockford

import (
	"crypto/rand"
	"io"
	"strings"
)

// Alphabet has the 32 characters, in order of their values.
const Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Random makes n characters of what chance gives; nil is crypto/rand.
func Random(chance io.Reader, n int) string {
	if chance == nil {
		chance = rand.Reader
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(chance, b); err != nil {
		panic(err) // crypto/rand never fails: the runtime ends the process first
	}
	for i := range b {
		b[i] = Alphabet[b[i]%byte(len(Alphabet))] // 256 is a multiple of 32: every character is as likely
	}
	return string(b)
}

// Fold is the character of the alphabet that somebody meant: in any case, with o for 0, i or l for 1. ok is false for
// all that can't be meant.
func Fold(c rune) (folded rune, ok bool) {
	if c >= 'a' && c <= 'z' { // not unicode.ToUpper: it makes an I of a dotless i
		c -= 'a' - 'A'
	}
	switch c {
	case 'O':
		c = '0'
	case 'I', 'L':
		c = '1'
	}
	return c, strings.ContainsRune(Alphabet, c)
}

// Check is the check character of some characters of the alphabet, by the Luhn algorithm in base 32: it finds every
// wrong character, and nearly every swap of neighbours.
func Check(s string) string {
	const n = len(Alphabet)
	sum, factor := 0, 2
	for i := len(s) - 1; i >= 0; i-- {
		product := factor * strings.IndexByte(Alphabet, s[i])
		sum += product/n + product%n
		factor = 3 - factor
	}
	at := (n - sum%n) % n
	return Alphabet[at : at+1]
}

// Checks tells whether the last of some characters of the alphabet checks those before it.
func Checks(s string) bool {
	return len(s) > 1 && Check(s[:len(s)-1]) == s[len(s)-1:]
}

// Groups writes a code as it is shown: in groups of four, with dashes between.
func Groups(code string) string {
	const group = 4
	var groups []string
	for s := code; s != ""; s = s[min(group, len(s)):] {
		groups = append(groups, s[:min(group, len(s))])
	}
	return strings.Join(groups, "-")
}
