package voucher

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"billingcentre/shared/refusal"
)

const (
	alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's base32
	secret   = 19                                 // characters of chance: 95 bits
	group    = 4                                  // characters between dashes
)

// Code is an activation code without its dashes: nineteen characters of chance and a check character.
type Code string

// newCode makes a code of what chance gives: crypto/rand, unless a test needs to know the code beforehand.
func newCode(chance io.Reader) Code {
	if chance == nil {
		chance = rand.Reader
	}
	b := make([]byte, secret)
	if _, err := io.ReadFull(chance, b); err != nil {
		panic(err) // crypto/rand never fails: the runtime ends the process first
	}
	for i := range b {
		b[i] = alphabet[b[i]%byte(len(alphabet))] // 256 is a multiple of 32: every character is as likely
	}
	return Code(b) + Code(check(string(b)))
}

// ParseCode reads a code as people write it: in any case, with o for 0, i or l for 1, dashes and spaces anywhere. A
// code whose check character doesn't fit was mistyped: it is refused as Invalid, since that tells nothing about the
// codes that exist.
func ParseCode(pointer, text string) (Code, error) {
	bad := refusal.At(pointer, "must be an activation code of %d letters and digits, without a typing error", secret+1)
	if len(text) > 4*secret {
		return "", bad
	}
	var b strings.Builder
	for _, c := range text {
		if c >= 'a' && c <= 'z' { // not strings.ToUpper: it makes an I of a dotless i
			c -= 'a' - 'A'
		}
		switch c {
		case '-', ' ':
			continue
		case 'O':
			c = '0'
		case 'I', 'L':
			c = '1'
		}
		if !strings.ContainsRune(alphabet, c) {
			return "", bad
		}
		b.WriteRune(c)
	}
	code := b.String()
	if len(code) != secret+1 || code[secret:] != check(code[:secret]) {
		return "", bad
	}
	return Code(code), nil
}

// String is the code as it is shown: in groups of four.
func (c Code) String() string {
	var groups []string
	for s := string(c); s != ""; s = s[min(group, len(s)):] {
		groups = append(groups, s[:min(group, len(s))])
	}
	return strings.Join(groups, "-")
}

// check is the Luhn algorithm in base 32: it finds every wrong character, and nearly every swap of neighbours.
func check(s string) string {
	const n = len(alphabet)
	sum, factor := 0, 2
	for i := len(s) - 1; i >= 0; i-- {
		product := factor * strings.IndexByte(alphabet, s[i])
		sum += product/n + product%n
		factor = 3 - factor
	}
	at := (n - sum%n) % n
	return alphabet[at : at+1]
}

// seal is the only form in which a code is kept. Without the key, which isn't in the database, nobody can find a
// code from it, or try codes on a stolen table.
func (c Code) seal(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(c))
	return hex.EncodeToString(mac.Sum(nil))
}
