package reversal_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/reversal"
	"billingcentre/shared/wallet"
)

var noon = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

// accepts is a marketplace that accepts all.
type accepts struct{}

func (accepts) Limits() metering.Limits {
	return metering.Limits{Records: 25, Quantity: 1_000_000, Age: 6 * time.Hour, Again: true}
}

func (accepts) Push(_ context.Context, records []metering.Record) []metering.Result {
	return metering.All(records, metering.Result{Verdict: metering.Accepted, Reference: "meter-1"})
}

// charged is a ledger with a bill of 9.40, b-1, which the cloud owes; it is charged if accepted.
func charged(t *testing.T, store ledger.Store, accepted bool) *ledger.Ledger {
	t.Helper()
	now := func() time.Time { return noon }
	l := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: now, Wait: func(ctx context.Context, _ int) error { return ctx.Err() }}
	amount, err := money.ParseExact("", "9.40", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	bill := wallet.Bill{ID: "b-1", Workspace: "ws", Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Amount: amount}}}
	for _, command := range []wallet.Command{
		wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"},
		wallet.Settle{Bill: bill, DayEnd: noon.Add(-time.Hour), Method: wallet.Cloud, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-1"}},
	} {
		if _, err := l.Do(t.Context(), "acme", ledger.Intent{Command: command, After: charge.Of}); err != nil {
			t.Fatal(err)
		}
	}
	if !accepted {
		return l
	}
	desk := charge.Desk{Store: store, Now: now, Log: slog.New(slog.DiscardHandler), Markets: map[string]charge.Market{
		"aws": {Meter: accepts{}, Dimensions: map[money.Currency]string{money.CNY: "fen"}},
	}}
	if round, err := desk.Run(t.Context(), 0); err != nil || round.Accepted != 1 {
		t.Fatalf("%+v, %v", round, err)
	}
	return l
}

func reverse(t *testing.T, l *ledger.Ledger, once, reason, actor string) error {
	t.Helper()
	_, err := reversal.Do(t.Context(), l, reversal.Wish{Bill: "b-1", Once: once, Reason: reason, Actor: actor})
	return err
}

func cases(t *testing.T, l *ledger.Ledger, closed bool) []reversal.Case {
	t.Helper()
	found, _, err := reversal.Cases(t.Context(), l.Store, closed, "", 10)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// README rule 21: what the cloud has accepted can't be undone; the first wish opens a case, which others find.
func TestAnAcceptedChargeIsACase(t *testing.T) {
	l := charged(t, new(memory.Store), true)
	want := reversal.Case{
		Bill: "b-1", Account: "acme", Workspace: "ws", Day: "2026-11-01", Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-1"},
		Amount: "9.40", Currency: money.CNY, Reference: "meter-1", Wish: "the meter ran twice", OpenedBy: "olga", OpenedAt: noon,
	}
	for i, wish := range []struct{ reason, actor string }{{"the meter ran twice", "olga"}, {"the meter ran twice", "olga"}, {"wrong", "pat"}} {
		if err := reverse(t, l, "r", wish.reason, wish.actor); !refusal.Is(err, refusal.Conflict) {
			t.Errorf("wish %d: %v", i, err)
		}
		found := cases(t, l, false)
		if len(found) != 1 || found[0].Record == "" {
			t.Fatalf("wish %d: %+v", i, found)
		}
		found[0].Record = ""
		if diff := cmp.Diff(want, found[0]); diff != "" {
			t.Errorf("wish %d: %s", i, diff)
		}
	}
	head, err := l.Store.Head(t.Context(), "acme")
	if err != nil || head.Version != 2 {
		t.Errorf("entry %d was booked, %v", head.Version, err)
	}
}

func TestWhatCanBeReversedIsNoCase(t *testing.T) {
	l := charged(t, new(memory.Store), false)
	if err := reverse(t, l, "r", "wrong", "olga"); err != nil {
		t.Error(err)
	}
	if found := cases(t, l, false); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

// A case is closed once, with what was done about it; a wish that comes later finds it closed.
func TestACaseIsClosedOnce(t *testing.T) {
	l := charged(t, new(memory.Store), true)
	if _, err := reversal.Close(t.Context(), l, "b-1", "refunded", "olga"); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("before it is there: %v", err)
	}
	if err := reverse(t, l, "r", "wrong", "olga"); !refusal.Is(err, refusal.Conflict) {
		t.Fatal(err)
	}
	for range 2 {
		if c, err := reversal.Close(t.Context(), l, "b-1", "refunded", "olga"); err != nil || !c.Closed() || c.Reason != "refunded" {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if _, err := reversal.Close(t.Context(), l, "b-1", "credited", "olga"); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("closed with another word: %v", err)
	}
	if err := reverse(t, l, "again", "wrong", "olga"); !refusal.Is(err, refusal.Conflict) {
		t.Error(err)
	}
	if len(cases(t, l, false)) != 0 || len(cases(t, l, true)) != 1 {
		t.Errorf("open %+v, closed %+v", cases(t, l, false), cases(t, l, true))
	}
}

// deaf is a store whose next write has no answer, written or not.
type deaf struct {
	ledger.Store
	armed, written bool
}

func (d *deaf) Put(ctx context.Context, documents ...ledger.Document) error {
	if !d.armed {
		return d.Store.Put(ctx, documents...)
	}
	d.armed = false
	if d.written {
		if err := d.Store.Put(ctx, documents...); err != nil {
			return err
		}
	}
	return ledger.ErrUnknown
}

// Nobody is told of a case that may not be there: the same wish is sent again, and then it is.
func TestACaseThatMayNotBeThereIsNotTold(t *testing.T) {
	for _, written := range []bool{false, true} {
		store := &deaf{Store: new(memory.Store), written: written}
		l := charged(t, store, true)
		store.armed = true
		if err := reverse(t, l, "r", "wrong", "olga"); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("written %t: %v", written, err)
		}
		if err := reverse(t, l, "r", "wrong", "olga"); !refusal.Is(err, refusal.Conflict) || len(cases(t, l, false)) != 1 {
			t.Errorf("written %t: %v, %+v", written, err, cases(t, l, false))
		}
		store.armed = true
		if c, err := reversal.Close(t.Context(), l, "b-1", "refunded", "olga"); err != nil || !c.Closed() {
			t.Errorf("written %t: %+v, %v", written, c, err)
		}
	}
}
