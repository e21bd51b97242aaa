package books_test

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
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

func told(groups []books.Group) map[string]string {
	all := map[string]string{}
	for _, g := range groups {
		p := g.Paid
		var minor [7]int64
		for i, a := range []money.Amount{g.Payable, p.Regular, p.Discount, p.Card, p.Cash, p.Arrears, p.Cloud} {
			minor[i] = a.Minor()
		}
		all[fmt.Sprintf("%s|%s|%s", g.Day, g.Workspace, g.Product)] = fmt.Sprint(g.Exact, minor, g.Bills, g.Reversed, g.Lines)
	}
	return all
}

var (
	equal   = gocmp.Comparer(func(a, b money.Exact) bool { return a.Cmp(b) == 0 })
	amounts = gocmp.Comparer(func(a, b money.Amount) bool { return a == b })
)

// sameRow compares rows, whose exact costs may be the same number in two forms.
func sameRow(a, b books.Row) bool {
	exact := a.Exact.Cmp(b.Exact) == 0
	a.Exact, b.Exact = money.Exact{}, money.Exact{}
	return exact && a == b
}

func filters(random *rand.Rand, last int64) []books.Filter {
	all := books.Filter{From: "2026-01-01", Until: "2027-12-31"}
	chosen := []books.Filter{all}
	for range 5 {
		f := all
		if random.IntN(2) == 0 {
			f.From = fmt.Sprintf("2026-%02d-%02d", 8+random.IntN(3), 1+random.IntN(28))
			f.Until = fmt.Sprintf("2026-%02d-%02d", 9+random.IntN(4), 1+random.IntN(28))
		}
		if random.IntN(3) == 0 {
			f.Workspace = wallet.WorkspaceID(fmt.Sprintf("ws-%d", random.IntN(5)))
		}
		if random.IntN(3) == 0 {
			f.Product = products[random.IntN(len(products))]
		}
		if random.IntN(3) == 0 {
			f.After = random.Int64N(last)
		}
		if random.IntN(3) == 0 {
			f.Through = 1 + random.Int64N(last)
		}
		chosen = append(chosen, f)
	}
	return chosen
}

// agree fails the test unless everything that the books say of an account is what its entries say.
func (w *world) agree(account wallet.AccountID) {
	w.Helper()
	v := w.view(account)
	x := truthOf(w, w.journal(account))
	if v.Through != int64(len(x.entries)) || v.Behind() != 0 {
		w.Fatalf("through %d of %d", v.Through, len(x.entries))
	}
	w.agreeOf(v, x)
	w.daysAgree(v, x)
}

func (w *world) agreeOf(v *books.View, x truth) {
	w.Helper()
	for _, f := range filters(w.random, v.Through) {
		w.rowsAgree(v, x, f)
		want := x.list(f)
		for _, by := range []books.By{books.ByWorkspace, books.By(w.random.IntN(8)), books.By(w.random.IntN(8))} {
			groups, err := v.Totals(w.Context(), f, by)
			sums := sums(want, by)
			if by == 0 && len(sums) == 0 {
				sums = map[string]string{"||": "0 [0 0 0 0 0 0 0] 0 0 0"}
			}
			if diff := gocmp.Diff(sums, told(groups)); err != nil || diff != "" {
				w.Fatalf("totals of %+v by %d: %v\n%s", f, by, err, diff)
			}
		}
	}
	w.changesAgree(v, x)
	w.instantsAgree(v, x)
	w.lateAgree(v, x)
}

func (w *world) lateAgree(v *books.View, x truth) {
	w.Helper()
	after := w.random.Int64N(v.Through)
	want, got := map[string]int64{}, map[string]int64{}
	for _, r := range x.list(books.Filter{From: "2000-01-01", Until: "2099-12-31", After: after}) {
		want[r.Day[:7]] = max(want[r.Day[:7]], r.Entry)
	}
	changed, err := v.Changed(w.Context(), after)
	for _, m := range changed {
		got[m.Month] = m.Last
	}
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		w.Fatalf("months changed after %d: %v\n%s", after, err, diff)
	}
}

// A view is of its moment: what is committed and kept after it was opened changes nothing of what it tells.
func TestAViewIsOfItsMoment(t *testing.T) {
	for seed := range uint64(2) {
		defer books.Small()()
		w := newWorld(t, 100+seed)
		w.open("acme")
		w.live("acme", 250)
		if err := books.Keep(t.Context(), w.store, "acme"); err != nil {
			t.Fatal(err)
		}
		w.live("acme", 70)
		v := w.view("acme")
		w.live("acme", 200+w.random.IntN(100))
		if err := books.Keep(t.Context(), w.store, "acme"); err != nil {
			t.Fatal(err)
		}
		w.agreeOf(v, truthOf(t, w.journal("acme")[:v.Through]))
	}
}

func (w *world) rowsAgree(v *books.View, x truth, f books.Filter) {
	w.Helper()
	want := x.list(f)
	var got []books.Row
	f.Most = w.random.IntN(3)
	for after := (books.Place{}); ; {
		page, err := v.Rows(w.Context(), f, after, 10+w.random.IntN(100))
		if err != nil {
			w.Fatal(err)
		}
		got = append(got, page.Rows...)
		if page.Next == (books.Place{}) {
			break
		}
		again, ok := books.ParsePlace(page.Next.String())
		if !ok || again != page.Next {
			w.Fatalf("place %v", page.Next)
		}
		after = again
	}
	if !slices.EqualFunc(want, got, sameRow) {
		w.Fatalf("rows of %+v: %s", f, gocmp.Diff(want, got, equal, amounts))
	}
	slices.SortStableFunc(want, func(a, b books.Row) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.Line, b.Line))
	})
	i := 0
	for r, err := range v.EachRow(w.Context(), f) {
		if err != nil || i == len(want) || !sameRow(r, want[i]) {
			w.Fatalf("row %d: %+v, %v", i, r, err)
		}
		i++
	}
	if i != len(want) {
		w.Fatalf("%d of %d rows", i, len(want))
	}
}

func (w *world) changesAgree(v *books.View, x truth) {
	w.Helper()
	for range 4 {
		f := books.ChangeFilter{Most: w.random.IntN(3)}
		first, last := x.entries[0].Time, x.entries[len(x.entries)-1].Time
		if w.random.IntN(2) == 0 {
			f.From = first.Add(time.Duration(w.random.Int64N(int64(last.Sub(first) + 1))))
		}
		if w.random.IntN(2) == 0 {
			f.Until = first.Add(time.Duration(w.random.Int64N(int64(last.Sub(first) + 1))))
		}
		if w.random.IntN(2) == 0 {
			f.Kinds = []wallet.EntryKind{wallet.ToppedUp, wallet.Lapsed}[:1+w.random.IntN(2)]
		}
		if w.random.IntN(2) == 0 {
			f.Funds = []books.Fund{books.Fund(w.random.IntN(5))}
		}
		var want, got []int64
		for i, e := range x.entries {
			moved := e.Balances.Cash != x.heads[i].Balances().Cash || f.Funds == nil
			for _, fund := range f.Funds {
				moved = slices.ContainsFunc(e.Postings, func(p wallet.Posting) bool { return touches(x.heads[i+1], x.heads[i], e, p, fund) })
			}
			if (f.From.IsZero() || !e.Time.Before(f.From)) && (f.Until.IsZero() || e.Time.Before(f.Until)) && (f.Kinds == nil || slices.Contains(f.Kinds, e.Kind)) && moved {
				want = append(want, e.Number)
			}
		}
		for before := int64(0); ; {
			page, err := v.Changes(w.Context(), f, before, 1+w.random.IntN(50))
			if err != nil {
				w.Fatal(err)
			}
			for _, c := range page.Changes {
				got = append(got, c.Entry.Number)
				w.adds(c, x)
			}
			if before = page.Next; before == 0 {
				break
			}
		}
		slices.Reverse(got)
		if !slices.Equal(want, got) {
			w.Fatalf("changes of %+v:\n%v\n%v", f, want, got)
		}
		got = nil
		for c, err := range v.EachChange(w.Context(), f) {
			if err != nil {
				w.Fatal(err)
			}
			got = append(got, c.Entry.Number)
		}
		if !slices.Equal(want, got) {
			w.Fatalf("each change of %+v:\n%v\n%v", f, want, got)
		}
	}
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

// adds checks that a change leads from the balances before to those after.
func (w *world) adds(c books.Change, x truth) {
	w.Helper()
	want := x.heads[c.Entry.Number-1].Balances()
	if c.Entry.Number > 1 && !gocmp.Equal(want, c.Before, equal, amounts) {
		w.Fatalf("before entry %d: %+v", c.Entry.Number, c.Before)
	}
	at := map[books.Fund]money.Amount{}
	for _, fund := range books.Funds {
		at[fund] = fundOf(c.Before, fund)
	}
	for _, m := range c.Moves {
		at[m.Fund] = at[m.Fund].Add(m.Amount)
		if at[m.Fund] != m.After {
			w.Fatalf("entry %d: %s is %s, told %s", c.Entry.Number, m.Fund, at[m.Fund], m.After)
		}
	}
	for _, fund := range books.Funds {
		if at[fund] != fundOf(c.Entry.Balances, fund) {
			w.Fatalf("entry %d leaves %s of %s, moves say %s", c.Entry.Number, fundOf(c.Entry.Balances, fund), fund, at[fund])
		}
	}
}

func fundOf(b wallet.Balances, fund books.Fund) money.Amount {
	return []money.Amount{b.Cash, b.Arrears, b.Regular, b.Discount, b.Card}[fund]
}

func (w *world) daysAgree(v *books.View, x truth) {
	w.Helper()
	days, err := v.JournalDays(w.Context(), "2026-01-01", "2027-12-31")
	if err != nil {
		w.Fatal(err)
	}
	zone, err := directory.Zone(v.Head.Zone)
	if err != nil {
		w.Fatal(err)
	}
	next := int64(1)
	for _, d := range days {
		if d.First != next {
			w.Fatalf("day %s begins with %d, want %d", d.Day, d.First, next)
		}
		count := int64(0)
		for _, f := range d.Flows {
			count += f.Count
		}
		for number := d.First; number <= d.Last; number++ {
			if got := x.entries[number-1].Time.In(zone).Format(time.DateOnly); got != d.Day {
				w.Fatalf("entry %d is of %s, not %s", number, got, d.Day)
			}
		}
		if count != d.Last-d.First+1 || !gocmp.Equal(d.Closing, x.entries[d.Last-1].Balances, equal, amounts) ||
			d.First > 1 && !gocmp.Equal(d.Opening, x.entries[d.First-2].Balances, equal, amounts) {
			w.Fatalf("day %+v", d)
		}
		for _, fund := range books.Funds {
			sum := fundOf(d.Opening, fund)
			for _, f := range d.Flows {
				sum = sum.Add(f.In.Of(fund)).Sub(f.Out.Of(fund))
			}
			if sum != fundOf(d.Closing, fund) {
				w.Fatalf("day %s: %s adds up to %s", d.Day, fund, sum)
			}
		}
		next = d.Last + 1
	}
	if next != v.Through+1 {
		w.Fatalf("the days end with %d", next-1)
	}
}

func (w *world) instantsAgree(v *books.View, x truth) {
	w.Helper()
	first, last := x.entries[0].Time, x.entries[len(x.entries)-1].Time
	for i := range 20 {
		instant := first.Add(time.Duration(w.random.Int64N(int64(last.Sub(first))+1)) - time.Hour)
		if i%2 == 0 {
			instant = x.entries[w.random.IntN(len(x.entries))].Time
		}
		want := 0
		for want < len(x.entries) && x.entries[want].Time.Before(instant) {
			want++
		}
		got, err := v.AsOf(w.Context(), instant)
		if err != nil {
			w.Fatal(err)
		}
		if head := x.heads[want]; want > 0 && string(got.Canonical()) != string(head.Canonical()) || want == 0 && got.Version != 0 {
			w.Fatalf("as of %s: %+v, want %+v", instant, got, head)
		}
	}
}

// BOOKS_SEEDS=200 makes it longer.
func TestTheBooksSayWhatTheEntriesSay(t *testing.T) {
	seeds := uint64(3)
	if text := os.Getenv("BOOKS_SEEDS"); text != "" {
		var err error
		if seeds, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			if seed%3 < 2 {
				defer books.Small()()
			}
			w := newWorld(t, seed)
			for _, account := range []wallet.AccountID{"acme", "beta"} {
				w.open(account)
				for range 3 {
					w.live(account, 40+w.random.IntN(90))
					if err := books.Keep(t.Context(), w.store, account); err != nil {
						t.Fatal(err)
					}
				}
				w.agree(account)
				w.live(account, w.random.IntN(110))
				w.agree(account)
			}
		})
	}
}

// Whatever fails, the books are the same as those that were kept without a fault: not one entry twice, none left out.
func TestTotalsOfTooMuchAreRefused(t *testing.T) {
	w := newWorld(t, 5)
	w.open("acme")
	w.live("acme", 420)
	if err := books.Keep(t.Context(), w.store, "acme"); err != nil {
		t.Fatal(err)
	}
	f := books.Filter{From: "2020-01-01", Until: "2099-12-31", Workspace: "ws-1", Most: 2}
	_, err := w.view("acme").Totals(t.Context(), f, books.ByDay)
	if large := (*books.LargeError)(nil); !errors.As(err, &large) || large.Volumes != 3 {
		t.Errorf("%v", err)
	}
	for _, f := range []books.Filter{{}, {From: "2026-01-01", Until: "2026-02-30"}} {
		if _, err := w.view("acme").Totals(t.Context(), f, 0); !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	if _, err := (&books.Books{Store: w.store}).Open(t.Context(), "nobody"); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("%v", err)
	}
}

func TestFaultsChangeNothing(t *testing.T) {
	defer books.Small()()
	w := newWorld(t, 77)
	w.open("acme")
	w.live("acme", 350)
	clean := map[string]string{}
	for seed := range uint64(4) {
		shadow := &overlay{Store: w.store, own: map[ledger.DocumentKey]ledger.Document{}}
		plan := faults.Random(seed, 0.03)
		if seed == 0 {
			plan = faults.None
		}
		faulty := faults.Over(shadow, plan)
		for tries := 0; ; tries++ {
			if _, err := w.keeper(faulty).Account(t.Context(), "acme", 350); err == nil {
				break
			} else if tries > 200 || !retryable(err) {
				t.Fatal(err)
			}
		}
		got := map[string]string{}
		for key, d := range shadow.own {
			got[key.Kind+" "+key.ID] = string(d.Body)
		}
		if seed == 0 {
			clean = got
			continue
		}
		if diff := gocmp.Diff(clean, got); diff != "" {
			t.Fatalf("seed %d: %s", seed, diff)
		}
	}
}

func retryable(err error) bool {
	return errors.Is(err, ledger.ErrUnknown) || errors.Is(err, ledger.ErrThrottled) || errors.Is(err, ledger.ErrContended) || errors.Is(err, ledger.ErrStale)
}
