package voucher

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"

	"billingcentre/shared/crockford"
	"billingcentre/shared/refusal"
)

const secret = 19 // characters of chance: 95 bits

// Code is an activation code without its dashes: nineteen characters of chance and a check character.
type Code string

// newCode makes a code of what chance gives: crypto/rand, unless a test needs to know the code beforehand.
func newCode(chance io.Reader) Code {
	s := crockford.Random(chance, secret)
	return Code(s + crockford.Check(s))
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
		if c == '-' || c == ' ' {
			continue
		}
		folded, ok := crockford.Fold(c)
		if !ok {
			return "", bad
		}
		b.WriteRune(folded)
	}
	code := b.String()
	if len(code) != secret+1 || !crockford.Checks(code) {
		return "", bad
	}
	return Code(code), nil
}

// String is the code as it is shown: in groups of four.
func (c Code) String() string {
	return crockford.Groups(string(c))
}

// seal is the only form in which a code is kept. Without the key, which isn't in the database, nobody can find a
// code from it, or try codes on a stolen table.
func (c Code) seal(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(c))
	return hex.EncodeToString(mac.Sum(nil))
}
