package fund_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/directory"
	"billingcentre/shared/fund"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// world is the account acme on a clock that moves.
type world struct {
	*testing.T
	now time.Time
	*ledger.Ledger
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, now: time.Date(2026, 11, 1, 3, 0, 0, 0, time.UTC)}
	w.Ledger = &ledger.Ledger{
		Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: func() time.Time { return w.now }, Wait: func(context.Context, int) error { return nil },
	}
	if _, err := w.Do(t.Context(), "acme", directory.Opening(directory.Account{ID: "acme", Currency: money.CNY, Zone: "UTC"}, "olga")); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) do(commands ...wallet.Command) {
	w.Helper()
	intents := make([]ledger.Intent, len(commands))
	for i, c := range commands {
		intents[i].Command = c
	}
	for _, o := range w.DoAll(w.Context(), "acme", intents) {
		if o.Err != nil {
			w.Fatal(o.Err)
		}
	}
}

func voucher(once string, units int64, days int) wallet.Command {
	return wallet.Activate{Account: "acme", Once: once, Kind: wallet.Regular, Face: money.Units(money.CNY, units), MinBill: money.Zero(money.CNY), ValidDays: days, Actor: "olga"}
}

// told is every voucher in a line, last granted first.
func (w *world) told(before int64) (all []string) {
	w.Helper()
	for f, err := range fund.Each(w.Context(), w.Store, "acme", before, wallet.LotKind.IsVoucher, w.now) {
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%d %s %s/%s %s", f.Number, f.Status, f.Balance, f.Face, f.Lapsed))
	}
	return all
}

func TestWhatBecameOfThem(t *testing.T) {
	w := newWorld(t)
	w.do(voucher("used", 5, 10), voucher("partly", 20, 20), voucher("short", 1, 30))
	usage := wallet.Bill{ID: "b", Workspace: "ws", Day: "2026-10-31", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Usage: "1", Amount: money.Units(money.CNY, 12).Exact()}}}
	w.do(wallet.Settle{Bill: usage, DayEnd: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Method: wallet.BillingCenter},
		wallet.Allocate{Account: "acme", Once: "card", Face: money.Units(money.CNY, 100), ValidDays: 90, Actor: "olga"})
	check := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, w.told(0)); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	check("at first", "4 active 1.00/1.00 ", "3 active 13.00/20.00 ", "2 used_up 0.00/5.00 ")
	w.now = w.now.AddDate(0, 0, 20)
	check("at the expiry of one", "4 active 1.00/1.00 ", "3 expired 0.00/20.00 ", "2 used_up 0.00/5.00 ")
	head, err := w.Open(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.AddDate(0, 0, 2)
	for _, lot := range head.Lots {
		if lot.LapsedAt(w.now, w.Policy.Grace) {
			w.do(wallet.Expire{Lot: lot.ID})
		}
	}
	check("when its breakage is booked", "4 active 1.00/1.00 ", "3 expired 0.00/20.00 13.00", "2 used_up 0.00/5.00 ")
}

func TestEachGoesThroughAllPages(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 5 {
		var commands []wallet.Command
		for j := range 50 {
			commands = append(commands, voucher(fmt.Sprint(i, "-", j), 1, 30))
			want = append([]string{fmt.Sprintf("%d active 1.00/1.00 ", 50*i+j+2)}, want...)
		}
		w.do(commands...)
	}
	if diff := cmp.Diff(want, w.told(0)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want[249-99:], w.told(102)); diff != "" {
		t.Error("before an entry:", diff)
	}
}
