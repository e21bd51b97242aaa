package transfer

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Config is the receiving account and how it is worked with. It is the template's parameter BankTransfers.
type Config struct {
	Receiver Receiver       `json:"receiver"`
	Currency money.Currency `json:"currency"`
	Columns  Columns        `json:"columns"`
	// FeeTolerance is how much a payment may be short of its order, because banks on the way kept a fee.
	FeeTolerance string `json:"fee_tolerance"`
	// SecondOperatorAbove is the amount of a row above which two operators must agree.
	SecondOperatorAbove string `json:"second_operator_above"`
	OrderDays           int    `json:"order_days"` // until an unpaid order expires

	tolerance, alone money.Amount
}

// Receiver is the account to which customers send their money, as they are shown it.
type Receiver struct {
	Name   string `json:"name"`
	Bank   string `json:"bank"`
	Number string `json:"number"`
	Swift  string `json:"swift,omitempty"`
}

// Columns maps the headers of the bank's statements to what they mean.
type Columns struct {
	ID       string `json:"id"`              // the bank's own number of the row, unique for ever in this account
	Date     string `json:"date"`            // when it was booked
	DateForm string `json:"date_form"`       // as Go writes it: "2006-01-02"
	Credit   string `json:"credit"`          // what came in; empty or 0 in rows of what went out
	Payer    string `json:"payer"`           // the name of who sent it
	Memo     string `json:"memo"`            // what the sender wrote
	Encoding string `json:"encoding"`        // "utf-8" or "gbk"
	Skip     int    `json:"skip,omitzero"`   // lines before the headers
	Comma    string `json:"comma,omitempty"` // "," unless said otherwise
}

// ParseConfig reads a configuration strictly. Empty text is the zero Config: no transfers are taken.
func ParseConfig(text string) (Config, error) {
	var c Config
	if text == "" {
		return c, nil
	}
	if err := json.Unmarshal([]byte(text), &c, json.RejectUnknownMembers(true)); err != nil {
		return c, fmt.Errorf("bank transfers: %w", err)
	}
	if c.Currency == "" {
		c.Currency = money.CNY
	}
	if c.OrderDays == 0 {
		c.OrderDays = 30
	}
	if c.Columns.Encoding == "" {
		c.Columns.Encoding = "utf-8"
	}
	if c.Columns.Comma == "" {
		c.Columns.Comma = ","
	}
	var errs [2]error
	c.tolerance, errs[0] = money.Parse("/fee_tolerance", c.FeeTolerance, c.Currency)
	c.alone, errs[1] = money.Parse("/second_operator_above", c.SecondOperatorAbove, c.Currency)
	return c, errors.Join(append(errs[:], c.check())...)
}

func (c Config) check() error {
	columns := c.Columns
	switch {
	case !c.Currency.Known():
		return errors.New("bank transfers: the currency isn't one of accounts")
	case c.Receiver.Name == "" || c.Receiver.Bank == "" || c.Receiver.Number == "":
		return errors.New("bank transfers: the receiver needs name, bank and number")
	case columns.ID == "" || columns.Date == "" || columns.DateForm == "" || columns.Credit == "" || columns.Payer == "" || columns.Memo == "":
		return errors.New("bank transfers: every column needs its header")
	case columns.Encoding != "utf-8" && columns.Encoding != "gbk":
		return errors.New(`bank transfers: the encoding must be "utf-8" or "gbk"`)
	case len(columns.Comma) != 1 || columns.Skip < 0 || c.OrderDays < 1 || c.OrderDays > 366:
		return errors.New("bank transfers: comma must be one character, skip and order_days numbers that make sense")
	}
	return nil
}

// ready refuses while there is no receiving account.
func (c Config) ready() error {
	if c.Receiver.Number == "" {
		return refusal.Of(refusal.NotApplicable, "Bank transfers aren't taken here: no receiving account is configured.")
	}
	return nil
}
