package statement

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"billingcentre/shared/books"
	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

func TestABillWaitsForTheBooks(t *testing.T) {
	w := newWorld(t)
	w.open("acme", shanghai)
	w.now = at("2026-10-20T10:00:00+08:00")
	var intents []ledger.Intent
	for i := range 700 { // more than a view reads by itself
		intents = append(intents, ledger.Intent{Command: wallet.TopUp{Order: fmt.Sprint(i), Amount: money.Units(money.CNY, 1), Channel: "alipay", Trade: "t"}})
	}
	for _, o := range w.DoAll(t.Context(), "acme", intents) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	w.now = at("2026-11-05T10:00:00+08:00")
	if made, err := w.maker.Make(t.Context(), "acme", "2026-10"); !refusal.Is(err, refusal.Unavailable) {
		t.Fatalf("the books are behind, but %q, %v", made, err)
	}
	if err := books.Keep(t.Context(), w.store, "acme"); err != nil {
		t.Fatal(err)
	}
	if kept := w.make("acme", "2026-10"); kept.Bill.Closing.Cash != "700.00" || kept.Bill.Through != 701 {
		t.Errorf("%+v", kept.Bill)
	}
}

func TestManyMakersMakeOneBill(t *testing.T) {
	w := newWorld(t)
	quarter(w)
	for _, month := range months {
		var made atomic.Int64
		var group errgroup.Group
		for range 8 {
			group.Go(func() error {
				what, err := w.maker.Make(t.Context(), "acme", month)
				if what == New {
					made.Add(1)
				}
				return err
			})
		}
		if err := group.Wait(); err != nil || made.Load() != 1 {
			t.Errorf("%s: made %d times, %v", month, made.Load(), err)
		}
	}
}

// doubtful writes, or doesn't, and says in either case that it doesn't know.
type doubtful struct {
	ledger.Store
	left    int
	written bool
}

func (d *doubtful) Put(ctx context.Context, documents ...ledger.Document) error {
	if d.left == 0 {
		return d.Store.Put(ctx, documents...)
	}
	d.left--
	if d.written {
		if err := d.Store.Put(ctx, documents...); err != nil {
			return err
		}
	}
	return ledger.ErrUnknown
}

func TestAnUnknownOutcomeIsReadBack(t *testing.T) {
	for _, written := range []bool{false, true} {
		for left := 1; left <= 3; left++ {
			w := newWorld(t)
			w.open("acme", shanghai)
			w.now = at("2026-10-03T10:00:00+08:00")
			for i := range 60 { // enough for parts
				w.settle("acme", fmt.Sprint("ws-", i), "2026-10-02", line("logs", "1.00"))
			}
			w.now = at("2026-11-05T10:00:00+08:00")
			w.maker.Store = &doubtful{Store: w.store, left: left, written: written}
			if _, err := w.maker.Make(t.Context(), "acme", "2026-10"); err != nil {
				if written || !refusal.Is(err, refusal.Unavailable) {
					t.Fatalf("%t %d: %v", written, left, err)
				}
				if _, err = w.maker.Make(t.Context(), "acme", "2026-10"); err != nil { // as the queue does
					t.Fatalf("%t %d, again: %v", written, left, err)
				}
			}
			kept, err := Bills{w.store}.Bill(t.Context(), "acme", "2026-10")
			if err != nil {
				t.Fatal(err)
			}
			lines, err := Bills{w.store}.Lines(t.Context(), kept, SectionWorkspaces, 0, 100)
			if err != nil || len(lines) != 60 {
				t.Errorf("%t %d: %d lines, %v", written, left, len(lines), err)
			}
			found, err := w.store.Documents(t.Context(), ledger.DocumentKey{Kind: "arrears", ID: "acme"})
			if err != nil || found[ledger.DocumentKey{Kind: "arrears", ID: "acme"}].Version != 1 {
				t.Errorf("%t %d: the countdown was written otherwise than once: %+v, %v", written, left, found, err)
			}
		}
	}
}

func TestTheOrderInWhichBillsAreMadeMeansNothing(t *testing.T) {
	inOrder, backwards := newWorld(t), newWorld(t)
	quarter(inOrder)
	quarter(backwards)
	want := map[Month]string{}
	for _, month := range months {
		want[month] = inOrder.make("acme", month).SHA256
	}
	for _, month := range slices.Backward(months) {
		if got := backwards.make("acme", month).SHA256; got != want[month] {
			t.Errorf("%s: %s, not %s", month, got, want[month])
		}
	}
}

// unlisted is a store whose list of entries lags.
type unlisted struct{ ledger.Store }

func (unlisted) Journal(context.Context, wallet.AccountID, int64, int) ([]wallet.Entry, error) {
	return nil, nil
}

// Books whose follower knows more than the list of entries tells are waited for: the account isn't one that isn't there.
func TestALaggingListIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.open("acme", shanghai)
	for range 5 {
		w.cash("acme", 1_00)
	}
	w.now = at("2026-11-04T00:05:00+08:00")
	cursor := ledger.Document{Key: follow.CursorKey("books", "acme")}
	if err := w.store.Put(t.Context(), cursor.With(follow.Cursor[books.Cover]{Account: "acme", Number: 3})); err != nil {
		t.Fatal(err)
	}
	w.maker.Store = unlisted{w.store}
	if made, err := w.maker.Make(t.Context(), "acme", "2026-10"); !refusal.Is(err, refusal.Unavailable) {
		t.Errorf("%q, %v", made, err)
	}
}
