package export

import (
	"context"
	"iter"
	"strconv"
	"time"

	"billingcentre/shared/fund"
	"billingcentre/shared/money"
)

// Funds is a walk through an account's vouchers, or its cards, last granted first, from the entry before a number on.
type Funds func(ctx context.Context, before int64) iter.Seq2[fund.Listed, error]

// Vouchers tells an account's vouchers and what is left of them, granted from one instant until another (zero: no bound),
// by entries up to a number.
func Vouchers(walk Funds, s Span, zone *time.Location, currency money.Currency, language Language) Table {
	at := clock{zone}
	return Table{
		Columns: []Heading{
			{"Voucher", "代金券编号"},
			{"Kind", "种类"},
			{"Status", "状态"},
			{"Face value", "面值"},
			{"Balance", "余额"},
			{"Lapsed", "失效金额"},
			{"Minimum bill", "最低账单金额"},
			{"Currency", "币种"},
			{"Source", "来源"},
			at.heading("Activated at", "激活时间"), at.heading("Expires at", "到期时间"),
		},
		Rows: fundRows(walk, s, func(f fund.Listed) []Cell {
			return []Cell{
				Text(f.ID), word(language, f.Kind), word(language, string(f.Status)), Number(f.Face), Number(f.Balance), numberOrNull(f.Lapsed),
				numberOrNull(f.MinBill), Text(currency), sourceWord(language, f.Source), at.told(f.GrantedAt), at.told(f.ExpiresAt),
			}
		}),
	}
}

// Cards tells an account's prepaid cards, as Vouchers does.
func Cards(walk Funds, s Span, zone *time.Location, currency money.Currency, language Language) Table {
	at := clock{zone}
	return Table{
		Columns: []Heading{
			{"Card number", "预购卡卡号"},
			{"Status", "状态"},
			{"Face value", "面值"},
			{"Balance", "余额"},
			{"Lapsed", "失效金额"},
			{"Currency", "币种"},
			{"Purchase type", "购买类型"},
			at.heading("Purchased at", "购买时间"), at.heading("Expires at", "到期时间"),
		},
		Rows: fundRows(walk, s, func(f fund.Listed) []Cell {
			return []Cell{
				Text(f.ID), word(language, string(f.Status)), Number(f.Face), Number(f.Balance), numberOrNull(f.Lapsed), Text(currency),
				sourceWord(language, f.Source), at.told(f.GrantedAt), at.told(f.ExpiresAt),
			}
		}),
	}
}

// Span chooses funds by when they were granted: From <= time < Until; zero ones are open. Through is the last entry.
type Span struct {
	From, Until time.Time
	Through     int64
}

func (s Span) holds(f fund.Listed) bool {
	granted, err := time.Parse(time.RFC3339, f.GrantedAt)
	return err == nil && !granted.Before(s.From) && (s.Until.IsZero() || granted.Before(s.Until)) && (s.Through == 0 || f.Number <= s.Through)
}

// fundRows goes on before the entry that a place names.
func fundRows(walk Funds, s Span, cells func(f fund.Listed) []Cell) func(ctx context.Context, after string) iter.Seq2[Row, error] {
	return func(ctx context.Context, after string) iter.Seq2[Row, error] {
		return func(yield func(Row, error) bool) {
			var rows [][]Cell
			var number int64
			for f, err := range walk(ctx, numberOf(after)) {
				switch {
				case err != nil:
					yield(Row{}, err)
					return
				case !s.holds(f):
					continue
				case f.Number != number && !together(rows, number, yield):
					return
				case f.Number != number:
					rows, number = rows[:0], f.Number
				}
				rows = append(rows, cells(f))
			}
			together(rows, number, yield)
		}
	}
}

// told is an instant that was told as answers tell it.
func (c clock) told(instant string) Cell {
	t, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		return Text(instant)
	}
	return c.cell(t)
}

// sourceWord tells how a fund came: "code", "purchase" ...
func sourceWord(language Language, source string) Cell {
	if language == Chinese {
		return word(language, "from_"+source)
	}
	return Text(source)
}

// count is a cell of a whole number.
func count(n int64) Cell { return Number(strconv.FormatInt(n, 10)) }
