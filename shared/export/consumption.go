package export

import (
	"context"
	"iter"
	"time"

	"billingcentre/shared/books"
)

// consumed is one of the columns of consumption.
type consumed struct {
	Heading
	cell func(language Language, r books.Row) Cell
}

func consumptionColumns(at clock) []consumed {
	return []consumed{
		{Heading{"Day", "日期"}, func(_ Language, r books.Row) Cell { return Text(r.Day) }},
		{Heading{"Workspace", "工作空间"}, func(_ Language, r books.Row) Cell { return Text(r.Workspace) }},
		{Heading{"Product", "产品"}, func(_ Language, r books.Row) Cell { return Text(r.Product) }},
		{Heading{"Class", "类别"}, func(l Language, r books.Row) Cell { return word(l, r.Class.String()) }},
		{Heading{"Usage", "用量"}, func(_ Language, r books.Row) Cell { return Number(taken(r.Usage, r.Reversal)) }},
		{Heading{"Unit", "单位"}, func(_ Language, r books.Row) Cell { return Text(r.Unit) }},
		{Heading{"Unit price", "单价"}, func(_ Language, r books.Row) Cell { return Number(r.UnitPrice) }},
		{Heading{"Cost, exact", "精确费用"}, func(_ Language, r books.Row) Cell { return Exact(r.Exact) }},
		{Heading{"Payable", "应付金额"}, func(_ Language, r books.Row) Cell { return Amount(r.Payable) }},
		{Heading{"Regular vouchers", "普通代金券支付"}, func(_ Language, r books.Row) Cell { return Amount(r.Paid.Regular) }},
		{Heading{"Discount vouchers", "满减代金券支付"}, func(_ Language, r books.Row) Cell { return Amount(r.Paid.Discount) }},
		{Heading{"Prepaid cards", "预购卡支付"}, func(_ Language, r books.Row) Cell { return Amount(r.Paid.Card) }},
		{Heading{"Cash", "现金支付"}, func(_ Language, r books.Row) Cell { return Amount(r.Paid.Cash) }},
		{Heading{"Cloud account", "云账号支付"}, func(_ Language, r books.Row) Cell { return Amount(r.Paid.Cloud) }},
		{Heading{"Overdue", "欠费金额"}, func(_ Language, r books.Row) Cell { return Amount(r.Paid.Arrears) }},
		{Heading{"Settlement method", "结算方式"}, func(l Language, r books.Row) Cell { return word(l, string(r.Method)) }},
		{Heading{"Currency", "币种"}, func(_ Language, r books.Row) Cell { return Text(r.Payable.Currency()) }},
		{Heading{"Bill", "账单号"}, func(_ Language, r books.Row) Cell { return Text(r.Bill) }},
		{Heading{"Type", "类型"}, func(l Language, r books.Row) Cell { return rowWord(l, r.Reversal) }},
		{at.heading("Settled at", "结算时间"), func(_ Language, r books.Row) Cell { return at.cell(r.Booked) }},
	}
}

// taken is a quantity, or its opposite where it is taken away.
func taken(quantity string, away bool) string {
	switch {
	case !away || !isNumber(quantity):
		return quantity
	case quantity[0] == '-':
		return quantity[1:]
	case allZero(quantity):
		return quantity
	}
	return "-" + quantity
}

func allZero(quantity string) bool {
	for i := range len(quantity) {
		if quantity[i] != '0' && quantity[i] != '.' {
			return false
		}
	}
	return true
}

// Walk is a walk through an account's consumption, oldest day first: shared/books has it.
type Walk func(ctx context.Context, f books.Filter) iter.Seq2[books.Row, error]

// Consumption tells every line of bills that a filter chooses, and who paid for it.
func Consumption(walk Walk, f books.Filter, zone *time.Location, language Language) Table {
	columns := consumptionColumns(clock{zone})
	t := Table{Rows: consumptionRows(walk, f, len(columns), func(to []Cell, r books.Row) []Cell {
		for _, c := range columns {
			to = append(to, c.cell(language, r))
		}
		return to
	})}
	for _, c := range columns {
		t.Columns = append(t.Columns, c.Heading)
	}
	return t
}

// breath is after how many rows that it passes over a walk can be stopped.
const breath = 1000

// consumptionRows walks from the day of a place on. What was told before is neither a line nor a place, but somebody may
// stop there.
func consumptionRows(walk Walk, f books.Filter, width int, cells func(to []Cell, r books.Row) []Cell) func(ctx context.Context, after string) iter.Seq2[Row, error] {
	return func(ctx context.Context, after string) iter.Seq2[Row, error] {
		return func(yield func(Row, error) bool) {
			f := f
			product := f.Product
			f.Product = "" // the books have no list by product: what isn't wanted is a place all the same
			begun, passed, row := true, 0, make([]Cell, 0, width)
			if place, ok := books.ParsePlace(after); ok && after != "" {
				f.From, begun = place.Day, false
			}
			for r, err := range walk(ctx, f) {
				if err != nil {
					yield(Row{}, err)
					return
				}
				if !begun {
					begun = r.Place().String() == after
					if passed++; passed%breath == 0 && !yield(Row{}, nil) {
						return
					}
					continue
				}
				told := Row{Place: r.Place().String()}
				if product == "" || r.Product == product {
					row = cells(row[:0], r)
					told.Cells = row
				}
				if !yield(told, nil) {
					return
				}
			}
		}
	}
}
