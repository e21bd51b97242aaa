// Package bill is the message in which a usage bill travels: one workspace's one day, as strict JSON.
//
//	{"version":1,"bill_id":"…","workspace_id":"…","day":"2026-11-01","currency":"CNY",
//	 "lines":[{"product":"sms","usage":"45","unit":"message","unit_price":"0.1","amount":"4.5"}]}
//
// A bill is money, and its first settlement stands for ever (README rule 18), so nothing about it is guessed: unknown
// and repeated members are refused, what is required must be there, and amounts are decimal strings. What comes out
// says what the producer means, not how it was written: decimals are normalised, names are in NFC and lines in order, so
// that two ways of writing one bill have one fingerprint.
package bill

import (
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	version  = 1
	maxLines = 1_000
)

// message is the JSON of a bill. What is required is a pointer, so that missing and empty are told apart.
type message struct {
	Version   *int64  `json:"version"`
	ID        *string `json:"bill_id"`
	Workspace *string `json:"workspace_id"`
	Day       *string `json:"day"`
	Currency  *string `json:"currency"`
	Amount    *string `json:"amount,omitzero"` // optional; must equal the sum of the lines
	Lines     *[]line `json:"lines"`
}

// Decode reads a bill. The refusal is Invalid and names each bad field by its JSON pointer, as far as one reading
// finds them.
func Decode(body []byte) (wallet.Bill, error) {
	var m message
	if err := api.Strict(body, &m); err != nil {
		return wallet.Bill{}, err
	}
	var check api.Check
	if m.Version == nil || *m.Version != version {
		return wallet.Bill{}, refusal.At("/version", "must be %d", version)
	}
	b := wallet.Bill{
		ID: wallet.BillID(identifier(&check, "/bill_id", m.ID)), Workspace: wallet.WorkspaceID(identifier(&check, "/workspace_id", m.Workspace)),
		Day: day(&check, m.Day), Currency: currency(&check, m.Currency),
	}
	switch {
	case m.Lines == nil:
		check.That(false, "/lines", "is required; a bill of nothing has an empty array")
	case len(*m.Lines) > maxLines:
		check.That(false, "/lines", "must have at most 1,000 lines")
	default:
		b.Lines = make([]wallet.Line, len(*m.Lines))
		for i := range *m.Lines {
			b.Lines[i] = (*m.Lines)[i].decode(&check, place(i), b.Currency)
		}
	}
	if err := check.Err(); err != nil {
		return wallet.Bill{}, err
	}
	wallet.SortLines(b.Lines)
	return b, total(b, m.Amount)
}

// total compares the amount that a producer may state with the sum of its lines.
func total(b wallet.Bill, stated *string) error {
	if stated == nil {
		return nil
	}
	amount, err := money.ParseExact("/amount", *stated, b.Currency)
	if err != nil {
		return err
	}
	if sum := Total(b); sum.Cmp(amount) != 0 {
		return refusal.At("/amount", "must be the sum of the lines' amounts, %s", sum)
	}
	return nil
}

// Total is the exact cost of a bill: the sum of its lines.
func Total(b wallet.Bill) money.Exact {
	sum := money.ZeroExact(b.Currency)
	for _, l := range b.Lines {
		sum = sum.Add(l.Amount)
	}
	return sum
}

func identifier(check *api.Check, pointer string, id *string) string {
	if id == nil {
		check.That(false, pointer, "is required")
		return ""
	}
	check.ID(pointer, *id)
	return *id
}

// dayLayout is a calendar day without a zone: the account's zone says when it begins and ends.
const dayLayout = time.DateOnly

func day(check *api.Check, text *string) string {
	if text == nil {
		check.That(false, "/day", "is required")
		return ""
	}
	t, err := time.Parse(dayLayout, *text)
	check.That(err == nil && t.Year() >= 2000 && t.Year() < 3000, "/day", `must be a day of the calendar such as "2026-11-01"`)
	return *text
}

func currency(check *api.Check, code *string) money.Currency {
	if code == nil {
		check.That(false, "/currency", "is required")
		return ""
	}
	currency := money.Currency(*code)
	check.That(currency.Known(), "/currency", `must be the code of a supported currency, such as "CNY"`)
	return currency
}

// Encode writes a bill for its producer. Decode gives back the same bill.
func Encode(b wallet.Bill) []byte {
	lines := make([]line, len(b.Lines))
	for i, l := range b.Lines {
		lines[i] = line{tell(l.Product), tell(l.Usage), tell(l.Unit), told{l.UnitPrice, l.UnitPrice != ""}, tell(l.Amount.String())}
	}
	body, err := json.Marshal(message{
		Version: new(int64(version)), ID: (*string)(&b.ID), Workspace: (*string)(&b.Workspace), Day: &b.Day,
		Currency: (*string)(&b.Currency), Lines: &lines,
	})
	if err != nil {
		panic(err) // strings always marshal, but for bad UTF-8, which no decoded bill holds
	}
	return body
}
