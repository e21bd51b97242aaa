package watch_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/preference"
	"billingcentre/shared/wallet"
	"billingcentre/shared/watch"
)

func (w *world) catchUp(want watch.Outcome) {
	w.t.Helper()
	if out, err := w.CatchUp(w.t.Context()); err != nil || out != want {
		w.t.Errorf("%+v, %v, want %+v", out, err, want)
	}
}

// No event comes, for days: the schedule finds what there is to tell, once.
func TestWhatNoEventToldOfIsFound(t *testing.T) {
	w := newWorld(t)
	w.catchUp(watch.Outcome{Round: true})
	w.change(20000)
	w.want(preference.Preferences{LowBalance: "100.00", DayTotal: "5.00"})
	w.change(-15000)
	w.change(15000)
	w.change(-10001)
	last := w.bill("2026-11-09", map[string]string{"logs": "9"})
	w.now = w.now.Add(50 * time.Hour)
	for range 2 {
		w.catchUp(watch.Outcome{Accounts: 1, Round: true})
		if diff := cmp.Diff([]string{"50.00", "99.99"}, w.told(last)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{`2026-11-09 "" 9 of 5.00`}, w.high([]string{"2026-11-09"}, []string{""})); diff != "" {
			t.Error(diff)
		}
	}
	// An event that comes at last finds it told, and who has no limits any more isn't looked at.
	w.look(last)
	w.want(preference.Preferences{})
	last = w.change(-1)
	w.catchUp(watch.Outcome{Round: true})
	if diff := cmp.Diff([]string{"50.00", "99.99"}, w.told(last)); diff != "" {
		t.Error(diff)
	}
}

// The event of a later entry comes first: what happened between the limits and that entry is told all the same.
func TestAnEarlierCrossingIsToldThoughALaterEventComesFirst(t *testing.T) {
	w := newWorld(t)
	w.change(20000)
	w.want(preference.Preferences{LowBalance: "100.00"})
	w.change(-15000)
	last := w.change(15000)
	w.look(last)
	if diff := cmp.Diff([]string{"50.00"}, w.told(last)); diff != "" {
		t.Error(diff)
	}
}

// lagging is a store whose lists don't tell an account's last entry.
type lagging struct {
	ledger.Store
	of wallet.AccountID
}

func (l lagging) Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	entries, err := l.Store.Journal(ctx, account, before, limit)
	if account == l.of && len(entries) > 0 {
		entries = entries[1:]
	}
	return entries, err
}

// A list that lags is waited for; one that goes on lagging is a failure, and stops no other account.
func TestAnAccountThatCantBeReadStopsNoOther(t *testing.T) {
	w := newWorld(t)
	w.want(preference.Preferences{LowBalance: "100.00"})
	last := w.change(5000)
	if _, err := w.books.Do(t.Context(), "zen", ledger.Intent{Command: wallet.Open{Account: "zen", Currency: "CNY", Zone: "Asia/Shanghai"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := preference.Save(t.Context(), w.Store, preference.Preferences{Account: "zen", Language: "en", LowBalance: "1.00"}, "pat", w.now.Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	below := w.Store
	w.Store = lagging{below, "zen"}
	w.catchUp(watch.Outcome{Accounts: 2, Round: true})
	if diff := cmp.Diff([]string{"50.00"}, w.told(last)); diff != "" {
		t.Error(diff)
	}
	w.now = w.now.Add(time.Hour)
	if out, err := w.CatchUp(t.Context()); err == nil || out != (watch.Outcome{Accounts: 2, Failed: 1, Round: true}) {
		t.Errorf("%+v, %v", out, err)
	}
	w.Store = below
	w.catchUp(watch.Outcome{Accounts: 2, Round: true})
}

// More accounts than a page, and a run that has no time left: the next one goes on.
func TestARoundGoesOnWhereItEnded(t *testing.T) {
	w := newWorld(t)
	for i := range 150 {
		account := wallet.AccountID(fmt.Sprintf("many-%03d", i))
		if _, err := preference.Save(t.Context(), w.Store, preference.Preferences{Account: account, Language: "en", DayTotal: "1.00"}, "pat", w.now); err != nil {
			t.Fatal(err)
		}
	}
	ended, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Second))
	defer cancel()
	if out, err := w.CatchUp(ended); err != nil || out != (watch.Outcome{}) {
		t.Errorf("without time: %+v, %v", out, err)
	}
	w.catchUp(watch.Outcome{Accounts: 150, Round: true})
}
