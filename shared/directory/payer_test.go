package directory

import (
	"fmt"
	"testing"

	"billingcentre/shared/wallet"
)

// README rule 18: a bill settles on the account that its workspace was bound to at the day's end.
func TestWhoWasBoundAtTheDaysEndPays(t *testing.T) {
	w := newTown(t)
	w.certify("r-1", "a", "b")
	w.now = at("2026-11-01T10:00:00+08:00")
	w.mustBind("a", "ws")
	w.now = at("2026-11-03T00:00:00+08:00") // the very end of the 2nd: the 3rd is b's, the 2nd still a's
	w.mustUnbind("a", "ws")
	w.mustBind("b", "ws")
	w.now = at("2026-11-04T10:00:00+08:00")
	w.mustUnbind("b", "ws")
	w.now = at("2026-11-06T10:00:00+08:00")
	for day, want := range map[string]string{
		"2026-10-31": "not_found", "2026-11-01": "a billing_center", "2026-11-02": "a billing_center",
		"2026-11-03": "b billing_center", "2026-11-04": "not_found", "2026-11-05": "not_found",
	} {
		if got := w.payer("ws", day); got != want {
			t.Errorf("%s: %s, want %s", day, got, want)
		}
	}
	if got := w.payer("nowhere", "2026-11-01"); got != "not_found" {
		t.Errorf("an unknown workspace: %s", got)
	}
}

func TestAChangeOfMethodCountsFromItsInstant(t *testing.T) {
	w := newTown(t)
	w.now = at("2026-11-01T10:00:00+08:00")
	w.mustBind("a", "ws")
	w.now = at("2026-11-02T23:59:59+08:00")
	if err := w.change("a", "ws", wallet.Cloud, false); err != nil {
		t.Fatal(err)
	}
	w.now = at("2026-11-09T00:00:00+08:00")
	account, settle, err := w.Settle(t.Context(), wallet.Bill{Workspace: "ws", Day: "2026-11-02"})
	if err != nil || account != "a" || settle.Method != wallet.Cloud || settle.Cloud != aws || !settle.DayEnd.Equal(at("2026-11-03T00:00:00+08:00")) {
		t.Errorf("got %s %+v, %v", account, settle, err)
	}
	if got := w.payer("ws", "2026-11-01"); got != "a billing_center" {
		t.Errorf("the day before: %s", got)
	}
}

func TestOnlyPayersOfDaysThatAreOverAreRemembered(t *testing.T) {
	w := newTown(t)
	store := &lossy{Store: w.store}
	w.Store = store
	w.mustBind("a", "ws")
	reads := func(day string) int {
		before := store.reads
		w.payer("ws", day)
		return store.reads - before
	}
	for _, row := range []struct {
		name, day     string
		first, second int
	}{
		{"today, which may change yet", "2026-11-10", 1, 1},
		{"a day without a payer, which may be filled yet", "2026-11-09", 1, 1},
	} {
		if first, second := reads(row.day), reads(row.day); first != row.first || second != row.second {
			t.Errorf("%s: %d and %d reads", row.name, first, second)
		}
	}
	w.now = at("2026-11-11T00:01:00+08:00")
	if first, second := reads("2026-11-10"), reads("2026-11-10"); first != 1 || second != 0 {
		t.Errorf("a day that is over: %d and %d reads", first, second)
	}
}

func TestManyBillsNeedFewReads(t *testing.T) {
	w := newTown(t)
	store := &lossy{Store: w.store}
	w.Store = store
	var bills []wallet.Bill
	for i := range 150 {
		id := wallet.WorkspaceID(fmt.Sprintf("ws-%d", i))
		w.mustBind("a", id)
		bills = append(bills, wallet.Bill{Workspace: id, Day: "2026-11-10"}, wallet.Bill{Workspace: id, Day: "2026-11-11"}, wallet.Bill{Workspace: "nowhere", Day: "2026-11-10"})
	}
	store.reads = 0
	for i, p := range w.SettleAll(t.Context(), bills) {
		if known := i%3 != 2; known != (p.Err == nil) || known && (p.Account != "a" || p.Settle.Bill.Day != bills[i].Day) {
			t.Errorf("bill %d: %+v", i, p)
		}
	}
	if store.reads != 2 {
		t.Errorf("%d reads for 151 workspaces", store.reads)
	}
}
