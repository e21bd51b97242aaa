package export

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"billingcentre/shared/statement"
)

// MonthlyBills tells an account's monthly bills, a row each, the first month first.
func MonthlyBills(bills func(ctx context.Context) ([]statement.Kept, error), zone *time.Location) Table {
	at := clock{zone}
	return Table{
		Columns: []Heading{
			{"Month", "月份"},
			{"Total", "应付总额"},
			{"Cash", "现金支付"},
			{"Cloud account", "云账号支付"},
			{"Vouchers", "代金券支付"},
			{"Prepaid cards", "预购卡支付"},
			{"Overdue", "欠费金额"},
			{"Of the month", "当月费用"},
			{"Adjustments of older months", "以前月份调整"},
			{"Cost, exact", "精确费用"},
			{"Bills", "账单数"},
			{"Cash at the end", "期末现金"},
			{"Regular vouchers at the end", "期末普通代金券"},
			{"Discount vouchers at the end", "期末满减代金券"},
			{"Prepaid cards at the end", "期末预购卡"},
			{"Arrears at the end", "期末欠费"},
			{"Currency", "币种"},
			at.heading("Cut at", "出账时间"),
			{"SHA-256", "SHA-256"},
		},
		Rows: func(ctx context.Context, after string) iter.Seq2[Row, error] {
			return func(yield func(Row, error) bool) {
				all, err := bills(ctx)
				if err != nil {
					yield(Row{}, err)
					return
				}
				for _, k := range all {
					b := k.Bill
					if string(b.Month) <= after {
						continue
					}
					row := []Cell{
						Text(b.Month), Number(b.Total), Number(b.Cash), Number(b.Cloud), Number(b.Vouchers), Number(b.Cards), Number(b.Overdue),
						Number(b.Usage.Payable), Number(b.Adjustments.Payable), Number(b.Usage.Exact), count(b.Usage.Bills),
						Number(b.Closing.Cash), Number(b.Closing.Regular), Number(b.Closing.Discount), Number(b.Closing.Card), Number(b.Closing.Arrears),
						Text(b.Currency), at.told(b.CutAt), Text(k.SHA256),
					}
					if !yield(Row{row, string(b.Month)}, nil) {
						return
					}
				}
			}
		},
	}
}

// Sections reads rows of sections of one monthly bill, from an index on: statement.Bills has them.
type Sections struct {
	Lines func(ctx context.Context, section string, from, limit int) ([]statement.Line, error)
	Funds func(ctx context.Context, from, limit int) ([]statement.FundLine, error)
}

// atOnce is how many rows of a section are read at once.
const atOnce = 200

// MonthlyBill tells one monthly bill line by line: the month's usage by workspace and product, then what was settled of
// older months.
func MonthlyBill(bill statement.Kept, s Sections, language Language) Table {
	currency := Text(bill.Bill.Currency)
	parts := map[string]string{statement.SectionWorkspaces: "month", statement.SectionAdjusted: "older_months"}
	return Table{
		Columns: []Heading{
			{"Part", "部分"},
			{"Month of usage", "用量月份"},
			{"Workspace", "工作空间"},
			{"Product", "产品"},
			{"Bills", "账单数"},
			{"Lines", "明细数"},
			{"Cost, exact", "精确费用"},
			{"Payable", "应付金额"},
			{"Regular vouchers", "普通代金券支付"},
			{"Discount vouchers", "满减代金券支付"},
			{"Prepaid cards", "预购卡支付"},
			{"Cash", "现金支付"},
			{"Cloud account", "云账号支付"},
			{"Overdue", "欠费金额"},
			{"Currency", "币种"},
		},
		Rows: sections([]string{statement.SectionWorkspaces, statement.SectionAdjusted}, func(ctx context.Context, section string, from int) ([][]Cell, error) {
			lines, err := s.Lines(ctx, section, from, atOnce)
			rows := make([][]Cell, len(lines))
			for i, l := range lines {
				month := bill.Bill.Month
				if l.Month != "" {
					month = l.Month
				}
				rows[i] = []Cell{
					word(language, parts[section]), Text(month), Text(l.Workspace), Text(l.Product), count(l.Bills), count(l.Lines), Number(l.Exact), Number(l.Payable),
					Number(l.Paid.Regular), Number(l.Paid.Discount), Number(l.Paid.Card), Number(l.Paid.Cash), Number(l.Paid.Cloud), Number(l.Paid.Overdue), currency,
				}
			}
			return rows, err
		}),
	}
}

// MonthlyFunds tells what became of each fund in the month of a bill.
func MonthlyFunds(bill statement.Kept, s Sections, zone *time.Location, language Language) Table {
	at := clock{zone}
	currency := Text(bill.Bill.Currency)
	return Table{
		Columns: []Heading{
			{"Fund", "资金"},
			{"Kind", "种类"},
			{"Face value", "面值"},
			at.heading("Expires at", "到期时间"),
			{"Opening balance", "期初余额"},
			{"In", "转入"},
			{"Out", "转出"},
			{"Closing balance", "期末余额"},
			{"Currency", "币种"},
		},
		Rows: sections([]string{statement.SectionFunds}, func(ctx context.Context, _ string, from int) ([][]Cell, error) {
			funds, err := s.Funds(ctx, from, atOnce)
			rows := make([][]Cell, len(funds))
			for i, f := range funds {
				name := word(language, f.Fund)
				if lot, is := strings.CutPrefix(f.Fund, "lot:"); is {
					name = Text(lot)
				}
				expires := Null()
				if f.ExpiresAt != "" {
					expires = at.told(f.ExpiresAt)
				}
				rows[i] = []Cell{
					name, word(language, f.Kind), numberOrNull(f.Face), expires, Number(f.Opening), Number(f.In), Number(f.Out), Number(f.Closing), currency,
				}
			}
			return rows, err
		}),
	}
}

// sections walks through sections one after the other; a row's place is its section and index.
func sections(names []string, read func(ctx context.Context, section string, from int) ([][]Cell, error)) func(ctx context.Context, after string) iter.Seq2[Row, error] {
	return func(ctx context.Context, after string) iter.Seq2[Row, error] {
		return func(yield func(Row, error) bool) {
			first, from := 0, 0
			if _, err := fmt.Sscanf(after, "%d/%d", &first, &from); err == nil {
				from++
			}
			for section := first; section < len(names); section, from = section+1, 0 {
				for {
					rows, err := read(ctx, names[section], from)
					if err != nil {
						yield(Row{}, err)
						return
					}
					for i, cells := range rows {
						if !yield(Row{cells, fmt.Sprintf("%d/%d", section, from+i)}, nil) {
							return
						}
					}
					if from += len(rows); len(rows) < atOnce {
						break
					}
				}
			}
		}
	}
}
