package api

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"billingcentre/shared/money"
	"billingcentre/shared/pattern"
	"billingcentre/shared/refusal"
)

// Check collects every bad field of a request, so that a caller hears of all of them at once.
type Check struct {
	fields []refusal.Field
	other  error // the first refusal that isn't about a field
}

// Err is nil, or the refusal that names each bad field.
func (c *Check) Err() error {
	if c.other != nil {
		return c.other
	}
	if len(c.fields) == 0 {
		return nil
	}
	return refusal.Fields(c.fields...)
}

// That notes a field that breaks its rule.
func (c *Check) That(holds bool, pointer, rule string) {
	if !holds {
		c.fields = append(c.fields, refusal.Field{Pointer: pointer, Rule: rule})
	}
}

// Note adds the fields of another refusal.
func (c *Check) Note(err error) {
	if err == nil {
		return
	}
	if r := refusal.As(err); r != nil && r.Kind == refusal.Invalid {
		c.fields = append(c.fields, r.Fields...)
		return
	}
	if c.other == nil {
		c.other = err
	}
}

// Amount reads an amount (README rule M2); empty is noted as missing.
func (c *Check) Amount(pointer, text string, currency money.Currency) money.Amount {
	amount, err := money.Parse(pointer, text, currency)
	c.Note(err)
	return amount
}

// Text is a person's text: required, NFC, one line, at most 64 characters, nothing invisible.
func (c *Check) Text(pointer, text string) string {
	c.That(strings.TrimSpace(text) != "", pointer, "is required")
	return c.OptionalText(pointer, text)
}

// OptionalText is Text that may be empty. It is returned in NFC, so that twins are one.
func (c *Check) OptionalText(pointer, text string) string {
	text = norm.NFC.String(text)
	bad := !utf8.ValidString(text) || utf8.RuneCountInString(text) > 64 || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
	c.That(!bad, pointer, "must be one line of at most 64 visible characters")
	return text
}

// Account is an account's id that a request gives.
func (c *Check) Account(pointer, id string) {
	c.That(ValidAccount(id), pointer, "must be 1 to 64 of letters, digits, '.', '_' and '-', beginning with a letter or digit")
}

// ID is any other id that a request gives.
func (c *Check) ID(pointer, id string) {
	c.That(ValidID(id), pointer, "must be 1 to 128 of letters, digits and . _ - : @ ~ + =, beginning with a letter or digit")
}

// Instant is an RFC 3339 instant with its zone, of the years 2000 to 2999. Empty is the zero instant.
func (c *Check) Instant(pointer, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, text)
	t = t.UTC()
	ok := err == nil && instant().MatchString(text) && t.Year() >= 2000 && t.Year() < 3000
	c.That(ok, pointer, `must be an instant such as "2026-11-01T00:00:00+08:00"`)
	if !ok {
		return time.Time{}
	}
	return t
}

// instant is what RFC 3339 asks for and time.Parse doesn't: two digits for the hour, a point before the fraction, an
// offset of less than a day.
var instant = pattern.Of(`T\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// Reason decodes a body that tells only why somebody decides as they do.
func (r *Request) Reason() (string, error) {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := r.Decode(&body); err != nil {
		return "", err
	}
	var check Check
	reason := check.Text("/reason", body.Reason)
	return reason, check.Err()
}

// ValidAccount tells whether an account can have the id.
func ValidAccount(id string) bool { return validID(id, 64, "._-") }

// ValidID tells whether a bill, workspace, order or partner can have the id.
func ValidID(id string) bool { return validID(id, 128, "._-:@~+=") }

func validID(id string, most int, marks string) bool {
	if id == "" || len(id) > most {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || strings.IndexByte(marks, c) < 0) {
			return false
		}
	}
	return true
}
