package statement

import (
	"strings"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// The kinds of consumption.
const (
	Usage    = "usage"    // a settled bill
	Reversal = "reversal" // a bill that an operator took back: its lines again, with everything below zero
)

// Consumption is one line of a settled bill, and what paid for it. Sums of rows agree with the journal to the fen: over a
// bill, Exact is what it cost, and each part of Paid what the entry's postings say.
type Consumption struct {
	Day       string // of the usage, in the account's time zone
	Workspace wallet.WorkspaceID
	Product   string
	Class     wallet.Class
	Kind      string // Usage or Reversal
	Usage     string // a decimal, as told; below zero in a reversal
	Unit      string
	UnitPrice string       // a decimal; empty where the bill told none
	Exact     money.Exact  // usage × unit price, with all its decimals
	Payable   money.Amount // the line's share of what its class pays (README rule M2)
	Paid      Paid         // adds up to Payable
	Method    wallet.Method
	Cloud     wallet.CloudAccount // under the method cloud
	Bill      wallet.BillID
	Line      int   // its place in the bill, from 0
	Entry     int64 // the journal's number of the settlement or the reversal
	At        time.Time
}

// ConsumptionOf are the lines that an entry settled, in the bill's order. Other entries have none.
func ConsumptionOf(e wallet.Entry) []Consumption {
	if e.Settlement == nil {
		return nil
	}
	s, currency := e.Settlement, e.Balances.Cash.Currency()
	shares := s.Shares(currency)
	paid := split(s, shares, currency)
	rows := make([]Consumption, len(s.Lines))
	for i, l := range s.Lines {
		rows[i] = Consumption{
			Day: s.Day, Workspace: s.Workspace, Product: l.Product, Class: l.Class, Kind: Usage, Usage: l.Usage, Unit: l.Unit,
			UnitPrice: l.UnitPrice, Exact: l.Amount, Payable: shares[i], Paid: paid[i], Method: s.Method, Cloud: s.Cloud,
			Bill: s.Bill, Line: i, Entry: e.Number, At: e.Time,
		}
	}
	return rows
}

// ReversalOf are the same lines taken back by the entry that reversed the bill. They mirror what was settled: where the
// money went, which may have become cash or lapsed, is income and expenditure.
func ReversalOf(reversed, settled wallet.Entry) []Consumption {
	rows := ConsumptionOf(settled)
	for i := range rows {
		r := &rows[i]
		zero := money.Zero(r.Payable.Currency())
		r.Kind, r.Entry, r.At = Reversal, reversed.Number, reversed.Time
		r.Usage, r.Paid, r.Payable = negative(r.Usage), r.Paid.Negative(), zero.Sub(r.Payable)
		r.Exact = money.ZeroExact(r.Exact.Currency()).Sub(r.Exact)
	}
	return rows
}

// negative is a decimal with the other sign.
func negative(number string) string {
	switch {
	case strings.Trim(number, "0.") == "":
		return number
	case strings.HasPrefix(number, "-"):
		return number[1:]
	}
	return "-" + number
}

// Sums are totals of consumption.
type Sums struct {
	Lines   int64
	Exact   money.Exact
	Payable money.Amount
	Paid    Paid
}

// NoSums are the totals of nothing.
func NoSums(currency money.Currency) Sums {
	return Sums{Exact: money.ZeroExact(currency), Payable: money.Zero(currency), Paid: NothingPaid(currency)}
}

// Add adds one line.
func (s *Sums) Add(r Consumption) {
	s.Lines++
	s.Exact, s.Payable, s.Paid = s.Exact.Add(r.Exact), s.Payable.Add(r.Payable), s.Paid.Add(r.Paid)
}

// Plus adds other totals.
func (s *Sums) Plus(o Sums) {
	s.Lines += o.Lines
	s.Exact, s.Payable, s.Paid = s.Exact.Add(o.Exact), s.Payable.Add(o.Payable), s.Paid.Add(o.Paid)
}
