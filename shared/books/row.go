package books

import (
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Row is one line of a settled bill and who paid for it (README rules 15 and 22). The row of a reversed bill's line says
// the same with all its amounts negative: whoever adds up rows needn't know about reversals.
type Row struct {
	Day       string // of the usage, YYYY-MM-DD
	Workspace wallet.WorkspaceID
	Product   string
	Class     wallet.Class
	Usage     string // a decimal, as told; of a reversal too, where it is taken away
	Unit      string
	UnitPrice string       // a decimal, or empty when not told
	Exact     money.Exact  // what it cost, to the last decimal; below 0 for a credit
	Payable   money.Amount // its share of its class's payable (README rule M2)
	Paid      Paid         // adds up to Payable
	Method    wallet.Method
	Cloud     wallet.CloudAccount // Method cloud only

	Bill     wallet.BillID
	Entry    int64 // number of the entry in the account
	Line     int   // place of the line in the entry, from 0
	Booked   time.Time
	Reversal bool // it takes away what an earlier row of the same bill says
}

// Place is the row's place in lists.
func (r Row) Place() Place { return Place{r.Day, r.Entry, r.Line} }

// Paid tells which funds paid. Amounts are below zero where something is taken away.
type Paid struct {
	Regular  money.Amount // regular vouchers
	Discount money.Amount // discount vouchers
	Card     money.Amount // prepaid cards
	Cash     money.Amount
	Arrears  money.Amount // not paid: owed, as it was settled
	Cloud    money.Amount // charged to the linked cloud account
}

// RowsOf gives the rows of an entry, in the order of its bill's lines. settled is the entry that settled the bill, for one
// that reverses it; all other entries have no rows.
//
// A bill's funds pay its classes, not its lines. Who paid for a line is told by a waterfall, the same whenever it is
// asked: the class's lines, in the order in which its entry has them (by product, then usage), are laid end to end, each
// as long as its payable; so are the funds, in the order in which they paid (README rule 15); and a fund paid for the
// part of a line that it lies beside. So lines add up to what each fund paid, to the fen.
func RowsOf(entry wallet.Entry, settled *wallet.Entry) []Row {
	switch {
	case entry.Settlement != nil:
		return rowsOf(entry, entry.Settlement)
	case entry.Reversal != nil && settled != nil && settled.Settlement != nil:
		rows := rowsOf(entry, settled.Settlement)
		for i := range rows {
			rows[i] = rows[i].reversed()
		}
		return rows
	}
	return nil
}

func rowsOf(entry wallet.Entry, s *wallet.Settlement) []Row {
	currency := entry.Balances.Cash.Currency()
	rows := make([]Row, len(s.Lines))
	shares := s.Shares(currency)
	for i, l := range s.Lines {
		rows[i] = Row{
			Day: s.Day, Workspace: s.Workspace, Product: l.Product, Class: l.Class, Usage: l.Usage, Unit: l.Unit, UnitPrice: l.UnitPrice,
			Exact: l.Amount, Payable: shares[i], Paid: nothing(currency), Method: s.Method, Cloud: s.Cloud,
			Bill: s.Bill, Entry: entry.Number, Line: i, Booked: entry.Time,
		}
	}
	for _, class := range s.Classes {
		waterfall(rows, class)
	}
	return rows
}

func nothing(currency money.Currency) Paid {
	zero := money.Zero(currency)
	return Paid{zero, zero, zero, zero, zero, zero}
}

// funds are the parts of Paid, in the order in which they pay.
func (p *Paid) funds() [6]*money.Amount {
	return [...]*money.Amount{&p.Regular, &p.Discount, &p.Card, &p.Cash, &p.Arrears, &p.Cloud}
}

func (p *Paid) of(draw wallet.Draw) *money.Amount {
	switch draw.From.Kind {
	case wallet.InLot:
		return [...]*money.Amount{&p.Regular, &p.Discount, &p.Card}[draw.Kind]
	case wallet.InCash:
		return &p.Cash
	case wallet.InArrears:
		return &p.Arrears
	}
	return &p.Cloud
}

// waterfall tells who paid for the lines of a class. A credit among them goes back the way: it takes from the fund beside
// which the lines before it ended.
func waterfall(rows []Row, class wallet.ClassSettlement) {
	paid := nothing(class.Payable.Currency())
	for _, draw := range class.Draws {
		amount := paid.of(draw)
		*amount = amount.Add(draw.Paid)
	}
	funds := paid.funds()
	at := class.Payable.Sub(class.Payable)
	for i := range rows {
		if rows[i].Class != class.Class {
			continue
		}
		to := at.Add(rows[i].Payable)
		for fund, amount := range rows[i].Paid.funds() {
			*amount = beside(funds, fund, to).Sub(beside(funds, fund, at))
		}
		at = to
	}
}

// beside is how much of one fund lies before a point, when the funds lie end to end. Before the first of those that paid,
// and beyond the last, there is more of that one.
func beside(funds [6]*money.Amount, fund int, point money.Amount) money.Amount {
	first, last := -1, -1
	start := point.Sub(point)
	for i, amount := range funds {
		if amount.IsPositive() {
			if first < 0 {
				first = i
			}
			last = i
		}
		if i < fund {
			start = start.Add(*amount)
		}
	}
	zero, within := point.Sub(point), point.Sub(start)
	switch {
	case first < 0, *funds[fund] == zero:
		return zero
	case within.IsNegative() && fund != first:
		return zero
	case within.Cmp(*funds[fund]) > 0 && fund != last:
		return *funds[fund]
	}
	return within
}

func (r Row) reversed() Row {
	r.Reversal = true
	r.Exact = money.ZeroExact(r.Exact.Currency()).Sub(r.Exact)
	r.Payable = r.Payable.Sub(r.Payable).Sub(r.Payable)
	for _, amount := range r.Paid.funds() {
		*amount = amount.Sub(*amount).Sub(*amount)
	}
	return r
}
