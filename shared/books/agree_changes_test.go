package books_test

import (
	"slices"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

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
