package export

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/money"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// Changes is a walk through an account's entries, in the order of their numbers: shared/books has it.
type Changes func(ctx context.Context, f books.ChangeFilter) iter.Seq2[books.Change, error]

// changeRows walks through entries from the one after a place on. Rows of one entry are told together: only the last of
// them is a place to go on from.
func changeRows(walk Changes, f books.ChangeFilter, rows func(c books.Change) [][]Cell) func(ctx context.Context, after string) iter.Seq2[Row, error] {
	return func(ctx context.Context, after string) iter.Seq2[Row, error] {
		return func(yield func(Row, error) bool) {
			f := f
			f.After = max(f.After, numberOf(after))
			for c, err := range walk(ctx, f) {
				if err != nil {
					yield(Row{}, err)
					return
				}
				if !together(rows(c), c.Entry.Number, yield) {
					return
				}
			}
		}
	}
}

// together tells the rows of one entry, and its number as a place with the last, or alone.
func together(rows [][]Cell, number int64, yield func(Row, error) bool) bool {
	if len(rows) == 0 && number > 0 {
		return yield(Row{Place: strconv.FormatInt(number, 10)}, nil)
	}
	for i, cells := range rows {
		row := Row{Cells: cells}
		if i == len(rows)-1 {
			row.Place = strconv.FormatInt(number, 10)
		}
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// numberOf is the entry that a place names; 0 for the beginning.
func numberOf(place string) int64 {
	number, err := strconv.ParseInt(place, 10, 64)
	if err != nil {
		return 0
	}
	return number
}

// Movements is income and expenditure: every change of a fund, with the fund's balance after it. fund chooses one;
// nil tells all. About something only the settlements that are, as in the list.
func Movements(walk Changes, f books.ChangeFilter, about statement.About, zone *time.Location, language Language) Table {
	at := clock{zone}
	wanted := func(fund books.Fund) bool { return len(f.Funds) == 0 || slices.Contains(f.Funds, fund) }
	return Table{
		Columns: append([]Heading{
			at.heading("Time", "时间"),
			{"Number", "序号"},
			{"Type", "类型"},
			{"Fund", "资金"},
			{"Income", "收入"},
			{"Expenditure", "支出"},
			{"Change", "变动"},
			{"Balance", "余额"},
			{"Currency", "币种"},
		}, storyHeadings...),
		Rows: changeRows(walk, f, func(c books.Change) (rows [][]Cell) {
			if !about.Holds(c.Entry) {
				return nil
			}
			for _, m := range statement.MovementsOf(c) {
				if !wanted(m.Fund) {
					continue
				}
				income, expenditure := sides(m)
				rows = append(rows, append([]Cell{
					at.cell(m.Entry.Time), Number(strconv.FormatInt(m.Entry.Number, 10)), kindWord(language, m.Entry.Kind), fundWord(language, m.Fund),
					income, expenditure, Amount(m.Change), Amount(m.Balance), Text(m.Balance.Currency()),
				}, story(m.Entry)...))
			}
			return rows
		}),
	}
}

// sides puts a movement into the column of income or of expenditure. Arrears that grow are expenditure that wasn't paid.
func sides(m statement.Movement) (income, expenditure Cell) {
	grew, size := m.Change.IsPositive(), m.Change
	if size.IsNegative() {
		size = money.Zero(size.Currency()).Sub(size)
	}
	if grew != (m.Fund == books.Arrears) {
		return Amount(size), Null()
	}
	return Null(), Amount(size)
}

var storyHeadings = []Heading{
	{"Workspace", "工作空间"},
	{"Usage day", "用量日期"},
	{"Bill", "账单号"},
	{"Reason", "原因"},
	{"Reference", "参考号"},
	{"Operator", "操作人"},
}

// story is what an entry was about: workspace, day and bill, reason, reference, and who did it.
func story(e wallet.Entry) []Cell {
	workspace, day, bill := Null(), Null(), Null()
	switch {
	case e.Settlement != nil:
		workspace, day, bill = Text(e.Settlement.Workspace), Text(e.Settlement.Day), Text(e.Settlement.Bill)
	case e.Reversal != nil:
		bill = Text(e.Reversal.Bill)
	}
	return []Cell{workspace, day, bill, TextOrNull(e.Reason), TextOrNull(e.Reference), TextOrNull(e.Actor)}
}

// LotMovements tells every movement of vouchers, or of cards, with each one's own balance after it.
func LotMovements(walk func(ctx context.Context, f statement.LotFilter) iter.Seq2[statement.LotMovement, error], f statement.LotFilter, zone *time.Location, language Language) Table {
	at := clock{zone}
	number := Heading{"Voucher", "代金券编号"}
	if f.Cards {
		number = Heading{"Card number", "预购卡卡号"}
	}
	return Table{
		Columns: append([]Heading{
			at.heading("Time", "时间"),
			{"Number", "序号"},
			{"Type", "类型"},
			number,
			{"Kind", "种类"},
			{"Change", "变动"},
			{"Balance", "余额"},
			{"From or to", "来源或去向"},
			{"Currency", "币种"},
		}, storyHeadings...),
		Rows: func(ctx context.Context, after string) iter.Seq2[Row, error] {
			return lotRows(ctx, walk, f, after, func(m statement.LotMovement) []Cell {
				return append([]Cell{
					at.cell(m.Entry.Time), Number(strconv.FormatInt(m.Entry.Number, 10)), kindWord(language, m.Entry.Kind), Text(m.Lot.String()),
					fundWord(language, m.Kind), Amount(m.Change), Amount(m.Balance), otherWord(language, m.Other), Text(m.Balance.Currency()),
				}, story(m.Entry)...)
			})
		},
	}
}

// lotRows gives an entry's number as a place when the next entry's first row comes.
func lotRows(ctx context.Context, walk func(ctx context.Context, f statement.LotFilter) iter.Seq2[statement.LotMovement, error], f statement.LotFilter, after string, cells func(m statement.LotMovement) []Cell) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		wanted := f
		f := statement.LotFilter{Cards: f.Cards, From: f.From, Until: f.Until, After: max(f.After, numberOf(after)), Through: f.Through}
		var rows [][]Cell
		var number int64
		for m, err := range walk(ctx, f) {
			if err != nil {
				yield(Row{}, err)
				return
			}
			if m.Entry.Number != number {
				if !together(rows, number, yield) {
					return
				}
				rows, number = rows[:0], m.Entry.Number
			}
			if wanted.Holds(m) {
				rows = append(rows, cells(m))
			}
		}
		together(rows, number, yield)
	}
}

func otherWord(language Language, place wallet.Place) Cell {
	if place.Kind == wallet.InLot {
		return Text(place.Lot.String())
	}
	return word(language, place.Kind.String())
}

// Bills tells every settled bill, and every reversal of one; of one workspace ("": any) its settled bills.
func Bills(walk Changes, f books.ChangeFilter, about statement.About, zone *time.Location, language Language) Table {
	at := clock{zone}
	f.Kinds = []wallet.EntryKind{wallet.Settled, wallet.Reversed}
	f.Funds = nil
	return Table{
		Columns: []Heading{
			{"Bill", "账单号"},
			{"Type", "类型"},
			{"Usage day", "用量日期"},
			{"Workspace", "工作空间"},
			{"Settlement method", "结算方式"},
			{"Cost, exact", "精确费用"},
			{"Payable", "应付金额"},
			{"Regular vouchers", "普通代金券支付"},
			{"Discount vouchers", "满减代金券支付"},
			{"Prepaid cards", "预购卡支付"},
			{"Cash", "现金支付"},
			{"Cloud account", "云账号支付"},
			{"Overdue", "欠费金额"},
			{"Lapsed", "失效金额"},
			{"Currency", "币种"},
			{"Number", "序号"},
			at.heading("Time", "时间"),
		},
		Rows: changeRows(walk, f, func(c books.Change) [][]Cell {
			if !about.Holds(c.Entry) {
				return nil
			}
			return [][]Cell{billRow(c, at, language)}
		}),
	}
}

// billRow is a bill, or its reversal with everything the other way.
func billRow(c books.Change, at clock, language Language) []Cell {
	e, currency := c.Entry, c.Entry.Balances.Cash.Currency()
	exact, payable := money.ZeroExact(currency), money.Zero(currency)
	row := []Cell{Null(), rowWord(language, e.Reversal != nil), Null(), Null(), Null()}
	if s := e.Settlement; s != nil {
		row = []Cell{Text(s.Bill), rowWord(language, false), Text(s.Day), Text(s.Workspace), word(language, string(s.Method))}
		for _, class := range s.Classes {
			exact, payable = exact.Add(class.Exact), payable.Add(class.Payable)
		}
	}
	if r := e.Reversal; r != nil {
		row[0] = Text(r.Bill)
		for _, class := range r.Classes {
			exact, payable = exact.Sub(class.Exact), payable.Sub(class.Payable)
		}
	}
	paid := paidBy(c)
	return append(row, Exact(exact), Amount(payable), Amount(paid.Regular), Amount(paid.Discount), Amount(paid.Card), Amount(paid.Cash),
		Amount(paid.Cloud), Amount(paid.Arrears), Amount(e.Sum(wallet.AtBreakage)), Text(currency), Number(strconv.FormatInt(e.Number, 10)), at.cell(e.Time))
}

// paidBy tells what each fund gave for a bill, or got back by its reversal: the payable, and what lapsed when it came
// back (README rule 21), are what the funds changed by.
func paidBy(c books.Change) books.Paid {
	before, after := c.Before, c.Entry.Balances
	paid := books.Paid{
		Regular: before.Regular.Sub(after.Regular), Discount: before.Discount.Sub(after.Discount), Card: before.Card.Sub(after.Card),
		Cash: before.Cash.Sub(after.Cash), Arrears: after.Arrears.Sub(before.Arrears), Cloud: money.Zero(after.Cash.Currency()),
	}
	for _, p := range c.Entry.Postings {
		switch wallet.AtCloud {
		case p.From.Kind:
			paid.Cloud = paid.Cloud.Add(p.Amount)
		case p.To.Kind:
			paid.Cloud = paid.Cloud.Sub(p.Amount)
		}
	}
	return paid
}
