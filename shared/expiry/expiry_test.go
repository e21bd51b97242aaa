package expiry

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

var dawn = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// world is a ledger with a clock that a test moves, and the function over it.
type world struct {
	t   *testing.T
	now time.Time
	Expiry
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: dawn}
	w.Expiry = Expiry{
		Ledger: &ledger.Ledger{
			Store: &memory.Store{}, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return w.now },
			Wait: func(ctx context.Context, _ int) error { return ctx.Err() },
		},
		Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: io.Discard},
	}
	return w
}

func (w *world) do(account wallet.AccountID, command wallet.Command) wallet.Entry {
	w.t.Helper()
	receipt, err := w.Ledger.Do(w.t.Context(), account, ledger.Intent{Command: command})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Entry
}

func (w *world) voucher(account wallet.AccountID, once string, face int64, expires time.Time) wallet.Lot {
	w.t.Helper()
	w.do(account, wallet.Open{Account: account, Currency: money.CNY, Zone: "Asia/Shanghai"})
	return w.do(account, wallet.Activate{
		Account: account, Once: once, Kind: wallet.Regular, Face: money.Of(money.CNY, face), MinBill: money.Zero(money.CNY), ExpiresAt: expires,
	}).Lots[0]
}

func (w *world) at(now time.Time) Outcome {
	w.t.Helper()
	w.now = now
	out, err := w.Handle(w.t.Context(), Duty{"expiry"})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func (w *world) head(account wallet.AccountID) wallet.Head {
	w.t.Helper()
	head, err := w.Ledger.Store.Head(w.t.Context(), account)
	if err != nil {
		w.t.Fatal(err)
	}
	return head
}

func TestOneVoucherFromItsNoticeToItsBreakage(t *testing.T) {
	w := newWorld(t)
	expires := dawn.Add(30 * day)
	w.voucher("acme", "v1", 1000, expires)
	steps := []struct {
		rule string
		at   time.Time
		want Outcome
	}{
		{"nothing is due long before", expires.Add(-10 * day), Outcome{}},
		{"nothing is due a millisecond before the notice", expires.Add(-3*day - time.Millisecond), Outcome{}},
		{"it is announced three days before", expires.Add(-3 * day), Outcome{Accounts: 1, Announced: 1}},
		{"it is announced once", expires.Add(-2 * day), Outcome{}},
		{"nothing is booked at its expiry: the grace has begun", expires, Outcome{}},
		{"nothing is booked in the grace's last millisecond", expires.Add(day - time.Millisecond), Outcome{}},
		{"the breakage is booked when the grace is over", expires.Add(day), Outcome{Accounts: 1, Lapsed: 1}},
		{"it is booked once", expires.Add(2 * day), Outcome{}},
	}
	for _, step := range steps {
		if got := w.at(step.at); got != step.want {
			t.Errorf("%s: got %+v, want %+v", step.rule, got, step.want)
		}
	}
	if head := w.head("acme"); len(head.Lots) != 0 || !head.Due.IsZero() {
		t.Errorf("the wallet still holds %v, due %v", head.Lots, head.Due)
	}
}

func TestAShortValidityIsAnnouncedAtOnce(t *testing.T) {
	w := newWorld(t)
	w.voucher("acme", "v1", 1000, dawn.Add(day))
	if got := w.at(dawn); got.Announced != 1 {
		t.Errorf("got %+v", got)
	}
}

func TestTheFunctionIsLateAndBooksAllThatLapsedOnce(t *testing.T) {
	w := newWorld(t)
	for i := range 250 {
		w.voucher("acme", "v"+string(rune('A'+i)), 100, dawn.Add(time.Duration(i)*time.Second+day))
	}
	if got := w.at(dawn.Add(40 * day)); got.Lapsed != 250 || got.Failed != 0 {
		t.Errorf("got %+v", got)
	}
	if got := w.at(dawn.Add(41 * day)); got != (Outcome{}) {
		t.Errorf("again: %+v", got)
	}
}

func TestOnlyTheRestOfAPartlyUsedVoucherLapses(t *testing.T) {
	w := newWorld(t)
	lot := w.voucher("acme", "v1", 1000, dawn.Add(2*day))
	amount, err := money.ParseExact("", "4", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	w.now = dawn.Add(day)
	w.do("acme", wallet.Settle{
		Bill:   wallet.Bill{ID: "b1", Workspace: "w1", Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Usage: "1", Amount: amount}}},
		DayEnd: dawn.Add(16 * time.Hour), Method: wallet.BillingCenter,
	})
	w.at(dawn.Add(3 * day))
	found, err := w.Ledger.Store.Entries(t.Context(), wallet.ExpireKey(lot.ID))
	if err != nil {
		t.Fatal(err)
	}
	entry := found[wallet.ExpireKey(lot.ID)]
	if got := entry.Sum(wallet.AtBreakage).String(); got != "6.00" {
		t.Errorf("breakage is %s, want 6.00", got)
	}
}

func TestADamagedWalletStopsNoOther(t *testing.T) {
	w := newWorld(t)
	w.voucher("acme", "v1", 1000, dawn.Add(day))
	w.voucher("bolt", "v1", 1000, dawn.Add(day))
	w.Ledger.Store = broken{w.Ledger.Store, "acme"}
	w.now = dawn.Add(3 * day)
	out, err := w.Handle(t.Context(), Duty{"expiry"})
	if err == nil || out.Failed != 1 || out.Lapsed != 1 {
		t.Errorf("got %+v, %v", out, err)
	}
}

// broken fails to read one account's head.
type broken struct {
	ledger.Store
	account wallet.AccountID
}

func (b broken) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	if account == b.account {
		return wallet.Head{}, ledger.ErrUnknown
	}
	return b.Store.Head(ctx, account)
}

func TestEventsThatAreNotTheSchedules(t *testing.T) {
	w := newWorld(t)
	for _, event := range []Duty{{}, {"<aws.scheduler.scheduled-time>"}, {"Expiry"}} {
		if _, err := w.Handle(t.Context(), event); err == nil {
			t.Errorf("%+v was taken", event)
		}
	}
}
