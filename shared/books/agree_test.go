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

	gocmp "github.com/google/go-cmp/cmp"

	"billingcentre/shared/books"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

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

// Whatever fails, the books are the same as those that were kept without a fault: not one entry twice, none left out.
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
