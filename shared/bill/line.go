package bill

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

const maxName = 128 // characters of a product or a unit

// line is the JSON of a line.
type line struct {
	Product   told `json:"product"`
	Usage     told `json:"usage"`
	Unit      told `json:"unit"`
	UnitPrice told `json:"unit_price,omitzero"` // optional
	Amount    told `json:"amount"`
}

// told is a text that a line may have left out.
type told struct {
	text string
	is   bool
}

func tell(text string) told { return told{text, true} }

// MarshalJSONTo writes the text.
func (t told) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.String(t.text))
}

// UnmarshalJSONFrom reads a text, or null for one that was left out.
func (t *told) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '"' {
		var text *string
		return json.UnmarshalDecode(dec, &text)
	}
	token, err := dec.ReadToken()
	if err != nil {
		return err
	}
	*t = tell(token.String())
	return nil
}

// UnmarshalJSONFrom reads a line token by token, as strictly as by reflection: lines are nearly all of a bill, and so it
// takes half the time.
func (l *line) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		return errors.ErrUnsupported // what else there can be, is read or refused as ever
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		member := l.member(name.String())
		if member == nil {
			return &json.SemanticError{JSONPointer: dec.StackPointer(), Err: json.ErrUnknownName}
		}
		if err := member.UnmarshalJSONFrom(dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

func (l *line) member(name string) *told {
	switch name {
	case "product":
		return &l.Product
	case "usage":
		return &l.Usage
	case "unit":
		return &l.Unit
	case "unit_price":
		return &l.UnitPrice
	case "amount":
		return &l.Amount
	}
	return nil
}

// place is a line's place in its bill. Most fields are good, so that pointers to them are never written out.
type place int

func (i place) pointer(field string) string { return "/lines/" + strconv.Itoa(int(i)) + "/" + field }

func (l *line) decode(check *api.Check, of place, currency money.Currency) wallet.Line {
	decoded := wallet.Line{
		Product: of.name(check, "product", l.Product, 1), Unit: of.name(check, "unit", l.Unit, 0),
		Usage: of.number(check, "usage", l.Usage), Amount: of.cost(check, "amount", l.Amount, currency),
	}
	if l.UnitPrice.is {
		decoded.UnitPrice = of.number(check, "unit_price", l.UnitPrice)
	}
	return decoded
}

// given tells whether a field is there, and notes one that isn't.
func (i place) given(check *api.Check, field string, t told) bool {
	if !t.is {
		check.That(false, i.pointer(field), "is required")
	}
	return t.is
}

// name is a product or a unit: NFC, visible, and without spaces around it, since " sms" would be another product
// than "sms", of another class.
func (i place) name(check *api.Check, field string, t told, least int) string {
	if !i.given(check, field, t) {
		return ""
	}
	normal := norm.NFC.String(t.text)
	count := utf8.RuneCountInString(normal)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if count < least || count > maxName || strings.ContainsFunc(normal, hidden) || strings.TrimSpace(normal) != normal {
		check.That(false, i.pointer(field), "must be "+strconv.Itoa(least)+" to 128 visible characters, without spaces around them")
	}
	return normal
}

// number is a decimal in its canonical form.
func (i place) number(check *api.Check, field string, t told) string {
	if !i.given(check, field, t) {
		return ""
	}
	normal, err := money.Normal("", t.text)
	if err != nil {
		_, err = money.Normal(i.pointer(field), t.text)
		check.Note(err)
	}
	return normal
}

// cost is a decimal of money.
func (i place) cost(check *api.Check, field string, t told, currency money.Currency) money.Exact {
	if !i.given(check, field, t) {
		return money.ZeroExact(currency)
	}
	cost, err := money.ParseExact("", t.text, currency)
	if err != nil {
		_, err = money.ParseExact(i.pointer(field), t.text, currency)
		check.Note(err)
		return money.ZeroExact(currency)
	}
	return cost
}
