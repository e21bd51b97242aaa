package charge

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

var now = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

// settle settles a bill of an empty wallet, with its charge.
func settle(t *testing.T, store ledger.Store, id wallet.BillID, method wallet.Method, amount string) {
	t.Helper()
	l := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return now }}
	open := wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}
	if _, err := l.Do(t.Context(), "acme", ledger.Intent{Command: open}); err != nil {
		t.Fatal(err)
	}
	exact, err := money.ParseExact("", amount, money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	bill := wallet.Bill{ID: id, Workspace: "ws", Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Amount: exact}}}
	command := wallet.Settle{Bill: bill, DayEnd: now.Add(-time.Hour), Method: method, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-1"}}
	if _, err := l.Do(t.Context(), "acme", ledger.Intent{Command: command, After: Of}); err != nil {
		t.Fatal(err)
	}
}

// README rule 20: the remainder becomes a charge, pending, in the settlement's own commit.
func TestWhatTheCloudOwesIsPending(t *testing.T) {
	store := new(memory.Store)
	settle(t, store, "b-1", wallet.Cloud, "9.40")
	want := Charge{
		Bill: "b-1", Account: "acme", Workspace: "ws", Day: "2026-11-01", Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c-1"},
		Amount: "9.40", Currency: money.CNY, Status: Pending, At: now,
	}
	got, err := Get(t.Context(), store, "b-1")
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	pending, err := ListPending(t.Context(), store, "", 10)
	if diff := cmp.Diff([]Charge{want}, pending); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

func TestWhoOwesNothingHasNoCharge(t *testing.T) {
	for name, row := range map[string]struct {
		method wallet.Method
		amount string
	}{
		"the wallet pays everything": {wallet.BillingCenter, "9.40"},
		"nothing is payable":         {wallet.Cloud, "0.004"},
		"a credit":                   {wallet.Cloud, "-1"},
	} {
		store := new(memory.Store)
		settle(t, store, "b-1", row.method, row.amount)
		if _, err := Get(t.Context(), store, "b-1"); !refusal.Is(err, refusal.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if Of(wallet.Entry{}) != nil {
		t.Error("an entry that settles nothing has a charge")
	}
}

// README rule 21: a pending charge becomes void with the reversal; an accepted one can't be undone.
func TestReversal(t *testing.T) {
	for status, want := range map[Status]struct {
		kind refusal.Kind
		void bool
	}{Pending: {"", true}, Accepted: {refusal.Conflict, false}, Rejected: {"", false}, Void: {"", false}} {
		store := new(memory.Store)
		settle(t, store, "b-1", wallet.Cloud, "9.40")
		c, document, err := ledger.Read[Charge](t.Context(), store, Key("b-1"))
		if err != nil {
			t.Fatal(err)
		}
		c.Status = status
		if err := store.Put(t.Context(), document.With(c)); err != nil {
			t.Fatal(err)
		}
		documents, err := Reverse(t.Context(), store, "b-1")
		if (len(documents) == 1) != want.void || want.kind == "" && err != nil || want.kind != "" && !refusal.Is(err, want.kind) {
			t.Errorf("%s: %d documents, %v", status, len(documents), err)
		}
		if !want.void {
			continue
		}
		if err := store.Put(t.Context(), documents...); err != nil {
			t.Fatal(err)
		}
		if c, err := Get(t.Context(), store, "b-1"); err != nil || c.Status != Void {
			t.Errorf("%+v, %v", c, err)
		}
		if pending, err := ListPending(t.Context(), store, "", 10); err != nil || len(pending) != 0 {
			t.Errorf("still pending: %v, %v", pending, err)
		}
	}
	if documents, err := Reverse(t.Context(), new(memory.Store), "b-9"); documents != nil || err != nil {
		t.Error("a bill without a charge:", documents, err)
	}
}
