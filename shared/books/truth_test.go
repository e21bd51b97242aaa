package books_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	"billingcentre/shared/books"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// truth is what the entries themselves say, worked out without the books.
type truth struct {
	entries []wallet.Entry
	rows    []books.Row
	heads   []wallet.Head // after each entry; the first is that of an account that isn't open
}

func truthOf(t testing.TB, entries []wallet.Entry) truth {
	t.Helper()
	all := truth{entries: entries, heads: []wallet.Head{{}}}
	settled := map[wallet.BillID]wallet.Entry{}
	head := wallet.Head{Account: entries[0].Account}
	for _, e := range entries {
		var err error
		if head, err = wallet.Replay(head, e); err != nil {
			t.Fatal(err)
		}
		all.heads = append(all.heads, head)
		if e.Settlement != nil {
			settled[e.Settlement.Bill] = e
		}
		var origin *wallet.Entry
		if e.Reversal != nil {
			one := settled[e.Reversal.Bill]
			origin = &one
		}
		rows := books.RowsOf(e, origin)
		addUp(t, e, origin, rows)
		all.rows = append(all.rows, rows...)
	}
	return all
}

// addUp fails the test unless an entry's rows add up, class by class, to what the entry says of the class: its cost, its
// payable, and what each fund paid; or takes away, for a reversal.
func addUp(t testing.TB, e wallet.Entry, origin *wallet.Entry, rows []books.Row) {
	t.Helper()
	s, sign := e.Settlement, int64(1)
	if origin != nil {
		s, sign = origin.Settlement, -1
	}
	if s == nil {
		if len(rows) > 0 {
			t.Fatalf("entry %d has rows", e.Number)
		}
		return
	}
	for _, class := range s.Classes {
		exact, payable, paid := money.ZeroExact(money.CNY), int64(0), map[string]int64{}
		for _, r := range rows {
			if r.Class != class.Class {
				continue
			}
			exact, payable = exact.Add(r.Exact), payable+sign*r.Payable.Minor()
			sum := int64(0)
			for name, a := range map[string]money.Amount{
				"regular": r.Paid.Regular, "discount": r.Paid.Discount, "card": r.Paid.Card, "cash": r.Paid.Cash, "arrears": r.Paid.Arrears, "cloud": r.Paid.Cloud,
			} {
				paid[name] += sign * a.Minor()
				sum += a.Minor()
			}
			if sum != r.Payable.Minor() {
				t.Fatalf("row %+v: paid adds up to %d", r, sum)
			}
		}
		for _, draw := range class.Draws {
			name := draw.From.Kind.String()
			if draw.From.Kind == wallet.InLot {
				name = draw.Kind.String()
			}
			paid[name] -= draw.Paid.Minor()
		}
		if sign < 0 {
			exact = money.ZeroExact(money.CNY).Sub(exact)
		}
		for name, rest := range paid {
			if rest != 0 {
				t.Fatalf("entry %d: rows say %d more of %s", e.Number, rest, name)
			}
		}
		if payable != class.Payable.Minor() || exact.Cmp(class.Exact) != 0 {
			t.Fatalf("entry %d: rows are payable %d and cost %s, of %s and %s", e.Number, payable, exact, class.Payable, class.Exact)
		}
	}
}

// list are the rows of a filter, as a list has them.
func (x truth) list(f books.Filter) (rows []books.Row) {
	for _, r := range x.rows {
		if r.Day >= f.From && r.Day <= f.Until && (f.Workspace == "" || r.Workspace == f.Workspace) && (f.Product == "" || r.Product == f.Product) &&
			r.Entry > f.After && (f.Through == 0 || r.Entry <= f.Through) {
			rows = append(rows, r)
		}
	}
	slices.SortStableFunc(rows, func(a, b books.Row) int {
		return cmp.Or(cmp.Compare(b.Day, a.Day), cmp.Compare(b.Entry, a.Entry), cmp.Compare(a.Line, b.Line))
	})
	return rows
}

// sums adds rows up, one by one.
func sums(rows []books.Row, by books.By) map[string]string {
	type sum struct {
		exact money.Exact
		minor [7]int64
		bills map[string]int
		lines int
	}
	groups := map[string]*sum{}
	for _, r := range rows {
		name := ""
		if by&books.ByDay != 0 {
			name += r.Day
		}
		name += "|"
		if by&books.ByWorkspace != 0 {
			name += string(r.Workspace)
		}
		name += "|"
		if by&books.ByProduct != 0 {
			name += r.Product
		}
		s := groups[name]
		if s == nil {
			s = &sum{exact: money.ZeroExact(money.CNY), bills: map[string]int{}}
			groups[name] = s
		}
		s.exact = s.exact.Add(r.Exact)
		p := r.Paid
		for i, a := range []money.Amount{r.Payable, p.Regular, p.Discount, p.Card, p.Cash, p.Arrears, p.Cloud} {
			s.minor[i] += a.Minor()
		}
		s.bills[fmt.Sprint(r.Bill, r.Reversal)] = map[bool]int{false: 1, true: -1}[r.Reversal]
		s.lines += map[bool]int{false: 1, true: -1}[r.Reversal]
	}
	told := map[string]string{}
	for name, s := range groups {
		bills, reversed := 0, 0
		for _, n := range s.bills {
			bills += n
			if n < 0 {
				reversed++
			}
		}
		told[name] = fmt.Sprint(s.exact, s.minor, bills, reversed, s.lines)
	}
	return told
}

// touches tells whether a posting moves a fund.
func touches(after, before wallet.Head, e wallet.Entry, p wallet.Posting, fund books.Fund) bool {
	for _, place := range []wallet.Place{p.From, p.To} {
		switch place.Kind {
		case wallet.InCash:
			if fund == books.Cash {
				return true
			}
		case wallet.InArrears:
			if fund == books.Arrears {
				return true
			}
		case wallet.InLot:
			for _, lot := range slices.Concat(after.Lots, before.Lots, e.Lots) {
				if lot.ID == place.Lot && fund == books.Regular+books.Fund(lot.Kind) {
					return true
				}
			}
		}
	}
	return false
}

func fundOf(b wallet.Balances, fund books.Fund) money.Amount {
	return []money.Amount{b.Cash, b.Arrears, b.Regular, b.Discount, b.Card}[fund]
}
