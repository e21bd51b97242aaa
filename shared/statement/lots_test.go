package statement

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/books"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// busy is an account with many funds, some used up, some lapsed, some brought back by reversals.
func busy(w *world) {
	w.open("acme", shanghai)
	dice := rand.New(rand.NewPCG(1, 2))
	var settled []wallet.Entry
	for i := range 160 {
		w.now = w.now.Add(9 * time.Hour)
		switch dice.IntN(8) {
		case 0:
			w.voucher("acme", wallet.LotKind(dice.IntN(2)), 1+dice.Int64N(9), 5+dice.IntN(40))
		case 1:
			w.card("acme", 100, 5+dice.IntN(60))
		case 2:
			w.cash("acme", 1+dice.Int64N(5_00))
		case 3:
			if len(settled) > 0 {
				at := dice.IntN(len(settled))
				w.reverse("acme", settled[at])
				settled = slices.Delete(settled, at, at+1)
			}
		default:
			day := w.now.AddDate(0, 0, -2).Format(time.DateOnly)
			settled = append(settled, w.settle("acme", fmt.Sprint("ws-", i%3), day, line("logs", fmt.Sprintf("%d.%03d", dice.IntN(30), dice.IntN(1000))), line("sms", fmt.Sprintf("%d.5", dice.IntN(9)))))
		}
		for _, lot := range mustHead(w, "acme").Lots {
			if lot.LapsedAt(w.now, w.Policy.Grace) {
				w.do("acme", wallet.Expire{Lot: lot.ID})
			}
		}
	}
}

// moved is a movement as a test compares it.
type moved struct {
	Entry           int64
	Lot             wallet.LotID
	Change, Balance string
}

// truth replays the journal, and tells what each entry did to each voucher or card.
func truth(w *world, cards bool) []moved {
	journal, err := w.store.Journal(w.t.Context(), "acme", 0, 10_000)
	if err != nil {
		w.t.Fatal(err)
	}
	var all []moved
	head := wallet.Head{Account: "acme"}
	for _, e := range slices.Backward(journal) {
		after, err := wallet.Replay(head, e)
		if err != nil {
			w.t.Fatal(err)
		}
		left := map[wallet.LotID]money.Amount{}
		kinds := map[wallet.LotID]wallet.LotKind{}
		for _, lots := range [][]wallet.Lot{head.Lots, e.Lots} {
			for _, lot := range lots {
				left[lot.ID], kinds[lot.ID] = cny(0), lot.Kind
			}
		}
		for _, lot := range head.Lots {
			left[lot.ID] = lot.Remaining
		}
		for _, p := range e.Postings {
			for _, side := range []struct {
				place wallet.Place
				sign  int64
			}{{p.From, -1}, {p.To, 1}} {
				if side.place.Kind == wallet.InLot {
					id := side.place.Lot
					change := cny(side.sign * p.Amount.Minor())
					left[id] = left[id].Add(change)
					if (kinds[id] == wallet.Card) == cards {
						all = append(all, moved{e.Number, id, change.String(), left[id].String()})
					}
				}
			}
		}
		head = after
	}
	return all
}

func movedOf(m LotMovement) moved {
	return moved{m.Entry.Number, m.Lot, m.Change.String(), m.Balance.String()}
}

func TestMovementsOfLotsAreThoseOfTheJournal(t *testing.T) {
	w := newWorld(t)
	busy(w)
	for _, cards := range []bool{false, true} {
		want := truth(w, cards)
		var walked []moved
		for m, err := range EachLotMovement(t.Context(), w.view("acme"), LotFilter{Cards: cards}) {
			if err != nil {
				t.Fatal(err)
			}
			walked = append(walked, movedOf(m))
		}
		if diff := cmp.Diff(want, walked); diff != "" || len(want) < 50 {
			t.Errorf("walk, cards %t (-journal +walk):\n%s", cards, diff)
		}
		slices.SortStableFunc(want, func(a, b moved) int { return int(b.Entry - a.Entry) })
		for _, limit := range []int{5, 100} {
			if diff := cmp.Diff(want, pages(w, LotFilter{Cards: cards}, limit)); diff != "" {
				t.Errorf("pages of %d, cards %t (-journal +pages):\n%s", limit, cards, diff)
			}
		}
		one := LotFilter{Cards: cards, Lot: want[len(want)/2].Lot, Kind: wallet.Settled}
		var some []moved
		for _, m := range pages(w, LotFilter{Cards: cards, Lot: one.Lot}, 50) {
			if e := entryOf(w, m.Entry); e.Kind == wallet.Settled {
				some = append(some, m)
			}
		}
		if diff := cmp.Diff(some, pages(w, one, 3)); diff != "" || len(some) == 0 {
			t.Errorf("settlements of one lot (-all of it +filtered):\n%s", diff)
		}
	}
}

func entryOf(w *world, number int64) wallet.Entry {
	found, err := w.store.Journal(w.t.Context(), "acme", number+1, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	return found[0]
}

func pages(w *world, f LotFilter, limit int) (all []moved) {
	w.t.Helper()
	position := Position{}
	for range 10_000 {
		page, err := LotMovements(w.t.Context(), w.view("acme"), f, position, limit)
		if err != nil || len(page.Rows) > limit {
			w.t.Fatal(len(page.Rows), err)
		}
		for _, m := range page.Rows {
			all = append(all, movedOf(m))
		}
		if page.Next == (Position{}) {
			return all
		}
		if position, err = ParsePosition(page.Next.String()); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("the pages never end")
	return nil
}

func TestMovementsAddUpToTheBalances(t *testing.T) {
	w := newWorld(t)
	busy(w)
	var all []Movement
	for position := (Position{}); ; {
		page, err := Movements(t.Context(), w.view("acme"), books.ChangeFilter{}, About{}, position, 23)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Rows...)
		if position = page.Next; position == (Position{}) {
			break
		}
	}
	balances := map[books.Fund]money.Amount{}
	for _, m := range slices.Backward(all) { // within an entry each fund comes once
		balance, known := balances[m.Fund]
		if !known {
			balance = cny(0)
		}
		if balances[m.Fund] = balance.Add(m.Change); balances[m.Fund] != m.Balance {
			t.Fatalf("entry %d: %s is %s after it, the changes add up to %s", m.Entry.Number, m.Fund, m.Balance, balances[m.Fund])
		}
	}
	head := mustHead(w, "acme")
	for fund, balance := range balances {
		if want := holds(head.Balances(), fund); balance != want {
			t.Errorf("%s: %s, the head has %s", fund, balance, want)
		}
	}
	only, err := Movements(t.Context(), w.view("acme"), books.ChangeFilter{Funds: []books.Fund{books.Card}, Kinds: []wallet.EntryKind{wallet.Settled}}, About{}, Position{}, 100)
	for _, m := range only.Rows {
		if m.Fund != books.Card || m.Entry.Kind != wallet.Settled {
			t.Errorf("%s of %s", m.Fund, m.Entry.Kind)
		}
	}
	if err != nil || len(only.Rows) == 0 {
		t.Error(len(only.Rows), err)
	}
	for _, about := range []About{{Workspace: "ws-1"}, {Product: "sms"}, {"ws-1", "sms"}, {Product: "no such"}} {
		want := 0
		for _, m := range all {
			if about.Holds(m.Entry) {
				want++
			}
		}
		if got := movementsAbout(t, w, about); got != want || (want == 0) != (about.Product == "no such") {
			t.Errorf("%+v: %d movements, want %d", about, got, want)
		}
	}
}

// movementsAbout reads all pages of what is about something, and returns how many rows they have.
func movementsAbout(t *testing.T, w *world, about About) (count int) {
	t.Helper()
	for position := (Position{}); ; {
		page, err := Movements(t.Context(), w.view("acme"), books.ChangeFilter{}, about, position, 9)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range page.Rows {
			s := m.Entry.Settlement
			if s == nil || about.Workspace != "" && s.Workspace != about.Workspace ||
				about.Product != "" && !slices.ContainsFunc(s.Lines, func(l wallet.Line) bool { return l.Product == about.Product }) {
				t.Errorf("entry %d isn't about %+v", m.Entry.Number, about)
			}
		}
		if count += len(page.Rows); page.Next == (Position{}) {
			return count
		}
		position = page.Next
	}
}
