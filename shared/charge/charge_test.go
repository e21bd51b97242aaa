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
	pending, _, err := ListPending(t.Context(), store, "", 10)
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

// README rule 21: a pending charge becomes void with the reversal, and so does one that the cloud certainly doesn't have;
// what it has can't be undone, and what it may have must be known first.
func TestReversal(t *testing.T) {
	for name, row := range map[string]struct {
		in       Record
		conflict bool
		void     bool
	}{
		"pending":            {void: true},
		"being gathered":     {in: Record{State: RecordGathering}, conflict: true},
		"on its way":         {in: Record{State: RecordSent, Doubtful: true}, conflict: true},
		"accepted":           {in: Record{State: RecordAccepted}, conflict: true},
		"a case":             {in: Record{State: RecordCase}, void: true},
		"a doubtful case":    {in: Record{State: RecordCase, Doubtful: true}, conflict: true},
		"about to be resent": {in: Record{State: RecordReleasing}, conflict: true},
		"written off":        {in: Record{State: RecordWrittenOff}},
	} {
		store := new(memory.Store)
		settle(t, store, "b-1", wallet.Cloud, "9.40")
		if row.in.State != "" {
			row.in.ID, row.in.Charges, row.in.Minor = "M1", 1, 940
			into(t, store, "b-1", row.in)
		}
		documents, err := Reverse(t.Context(), store, "b-1")
		if (len(documents) > 0) != row.void || refusal.Is(err, refusal.Conflict) != row.conflict || !row.conflict && err != nil {
			t.Errorf("%s: %d documents, %v", name, len(documents), err)
		}
		if !row.void {
			continue
		}
		if err := store.Put(t.Context(), documents...); err != nil {
			t.Fatal(err)
		}
		if c, err := Get(t.Context(), store, "b-1"); err != nil || c.Status != Void {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
		if pending, _, err := ListPending(t.Context(), store, "", 10); err != nil || len(pending) != 0 {
			t.Errorf("%s: still pending: %v, %v", name, pending, err)
		}
	}
	if documents, err := Reverse(t.Context(), new(memory.Store), "b-9"); documents != nil || err != nil {
		t.Error("a bill without a charge:", documents, err)
	}
}

// into puts a bill's charge into a record.
func into(t *testing.T, store ledger.Store, bill wallet.BillID, r Record) {
	t.Helper()
	c, document, err := ledger.Read[Charge](t.Context(), store, Key(bill))
	if err != nil {
		t.Fatal(err)
	}
	c.Status, c.Record = Sent, r.ID
	if err := store.Put(t.Context(), c.document(document), r.document(ledger.Document{Key: RecordKey(r.ID)})); err != nil {
		t.Fatal(err)
	}
}

// A case whose bills were all reversed is none any more.
func TestACaseWithoutChargesIsOver(t *testing.T) {
	r := Record{State: RecordCase, Charges: 2, Minor: 5}
	if r = r.without(2); r.State != RecordCase || r.VoidMinor != 2 {
		t.Errorf("%+v", r)
	}
	if r = r.without(3); r.State != RecordReleased || r.VoidMinor != 5 || r.Reversed != 2 {
		t.Errorf("%+v", r)
	}
}
