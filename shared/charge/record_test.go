package charge

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// market is a marketplace that says what the test says, and notes what it was told.
type market struct {
	says   metering.Verdict
	limits metering.Limits
	told   []metering.Record
	heard  func() // before each answer
}

func (m *market) Limits() metering.Limits { return m.limits }

func (m *market) Push(_ context.Context, records []metering.Record) []metering.Result {
	m.told = append(m.told, records...)
	if m.heard != nil {
		m.heard()
	}
	return metering.All(records, metering.Result{Verdict: m.says, Code: "Said", Reference: "ref"})
}

// world is a desk with one marketplace, aws, over charges of the account acme.
type world struct {
	*Desk
	t      *testing.T
	now    time.Time
	market *market
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: now.Add(10 * time.Minute), market: &market{
		says: metering.Accepted, limits: metering.Limits{Records: 25, Quantity: 1_000_000, Age: 6 * time.Hour, Again: true},
	}}
	w.Desk = &Desk{
		Store: new(memory.Store), Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler),
		Markets: map[string]Market{"aws": {Meter: w.market, Dimensions: map[money.Currency]string{money.CNY: "fen"}}},
	}
	return w
}

// owe writes a pending charge, as a settlement's commit does.
func (w *world) owe(bill wallet.BillID, customer string, minor int64) {
	w.t.Helper()
	c := Charge{
		Bill: bill, Account: "acme", Workspace: "ws", Day: "2026-11-01", Cloud: wallet.CloudAccount{Provider: "aws", Customer: customer},
		Amount: money.Of(money.CNY, minor).String(), Currency: money.CNY, Status: Pending, At: w.now,
	}
	place := ledger.Document{Key: ledger.DocumentKey{Kind: placeKind, ID: string(bill)}}.With(struct{}{}).In(listOf("acme"), string(bill))
	if err := w.Store.Put(w.t.Context(), c.document(ledger.Document{Key: Key(bill)}), place); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run() Round {
	w.t.Helper()
	round, err := w.Run(w.t.Context(), 0)
	if err != nil || round.Failed > 0 {
		w.t.Fatalf("%+v, %v", round, err)
	}
	return round
}

// status is how far a bill's charge is, and its record.
func (w *world) status(bill wallet.BillID) (Status, Record) {
	w.t.Helper()
	v, err := w.Of(w.t.Context(), "acme", bill)
	if err != nil {
		w.t.Fatal(err)
	}
	return v.Status(), v.In
}

// told are the quantities that the marketplace was told, in order.
func (w *world) told() (quantities []int64) {
	for _, r := range w.market.told {
		quantities = append(quantities, r.Quantity)
	}
	return quantities
}

// README rule 20: one customer has one record an hour, whose sum stands before it is sent. What comes later waits.
func TestACustomerHasOneRecordAnHour(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	w.owe("b-2", "one", 20)
	w.now = w.now.Add(time.Second)
	w.owe("b-3", "two", 3)
	if round := w.run(); round != (Round{Gathered: 3, Sent: 2, Accepted: 2}) {
		t.Errorf("%+v", round)
	}
	w.owe("b-4", "one", 5)
	w.now = w.now.Add(30 * time.Minute)
	if round := w.run(); round != (Round{}) {
		t.Errorf("in the same hour: %+v", round)
	}
	if status, _ := w.status("b-4"); status != Pending {
		t.Error(status)
	}
	w.now = w.now.Add(31 * time.Minute)
	if round := w.run(); round != (Round{Gathered: 1, Sent: 1, Accepted: 1}) {
		t.Errorf("in the next hour: %+v", round)
	}
	if diff := cmp.Diff([]int64{120, 3, 5}, w.told()); diff != "" {
		t.Error(diff)
	}
	if status, r := w.status("b-1"); status != Accepted || r.Reference != "ref" || r.Charges != 2 || !r.At.Equal(now.Add(9*time.Minute+time.Second)) {
		t.Errorf("%s, %+v", status, r)
	}
}

// Whatever comes between, what is sent again is what was sent.
func TestSendingAgainIsSendingTheSame(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	w.market.says = metering.Unknown
	for range 5 {
		w.run()
		w.owe(wallet.BillID(fmt.Sprint("later-", len(w.market.told))), "one", 7)
		w.now = w.now.Add(8*time.Minute + 30*time.Second)
	}
	if len(w.market.told) < 4 {
		t.Fatalf("told %d times", len(w.market.told))
	}
	for _, r := range w.market.told {
		if diff := cmp.Diff(w.market.told[0], r); diff != "" {
			t.Error(diff)
		}
	}
}

// A record is doubtful from before its call on, so that a crash at any point leaves the question open.
func TestWhatIsSentWasWrittenDown(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	w.market.heard = func() {
		if status, r := w.status("b-1"); status != Sent || r.State != RecordSent || !r.Doubtful || r.Minor != 100 || r.Tries != 1 {
			t.Errorf("during the call: %s, %+v", status, r)
		}
	}
	w.run()
	if _, r := w.status("b-1"); r.Doubtful {
		t.Error("accepted, and doubtful")
	}
}

// Whoever is killed during a call leaves a record of which the cloud may have heard: the same is sent again where that
// is safe, and elsewhere a person is asked.
func TestKilledDuringTheCall(t *testing.T) {
	for again, want := range map[bool]Status{true: Accepted, false: Rejected} {
		w := newWorld(t)
		w.market.limits.Again = again
		w.owe("b-1", "one", 100)
		w.market.heard = func() { panic("killed") }
		func() {
			defer func() { _ = recover() }()
			_, _ = w.Run(t.Context(), 0)
		}()
		w.market.heard = nil
		if round := w.run(); round != (Round{}) {
			t.Errorf("while the first may still be at it: %+v", round)
		}
		w.now = w.now.Add(lease)
		w.run()
		status, r := w.status("b-1")
		if status != want || r.Doubtful == again || len(w.market.told) != map[bool]int{true: 2, false: 1}[again] {
			t.Errorf("again %t: %s, doubtful %t, told %v", again, status, r.Doubtful, w.told())
		}
		if _, err := w.Retry(t.Context(), Wish{Record: r.ID, Reason: "r", Actor: "olga"}, false); !refusal.Is(err, refusal.Conflict) {
			t.Errorf("again %t: sent again without a look: %v", again, err)
		}
	}
}

// What an answer makes of a record, and whether the customer may be charged all the same.
func TestWhatAnswersMean(t *testing.T) {
	for _, row := range []struct {
		says     metering.Verdict
		again    bool // whether the cloud takes the same again
		before   bool // whether an earlier call had no answer
		state    RecordState
		why      Why
		doubtful bool
	}{
		{metering.Accepted, true, false, RecordAccepted, "", false},
		{metering.Accepted, true, true, RecordAccepted, "", false},
		{metering.NotSubscribed, true, false, RecordCase, NotSubscribed, false},
		{metering.NotSubscribed, true, true, RecordCase, NotSubscribed, true},
		{metering.Refused, true, false, RecordCase, WasRejected, false},
		{metering.Refused, true, true, RecordCase, WasRejected, true},
		{metering.Duplicate, true, true, RecordCase, IsDuplicate, false},
		{metering.Busy, true, false, RecordSent, "", false},
		{metering.Busy, true, true, RecordSent, "", true},
		{metering.Unknown, true, false, RecordSent, "", true},
		{metering.Unknown, false, false, RecordCase, Unanswered, true},
	} {
		w := newWorld(t)
		w.market.limits.Again = row.again
		w.owe("b-1", "one", 100)
		if row.before {
			w.market.says = metering.Unknown
			w.run()
			w.now = w.now.Add(10 * time.Minute)
		}
		w.market.says = row.says
		w.run()
		if _, r := w.status("b-1"); r.State != row.state || r.Why != row.why || r.Doubtful != row.doubtful {
			t.Errorf("%s after doubt %t: %s %s, doubtful %t", row.says, row.before, r.State, r.Why, r.Doubtful)
		}
	}
}

// What can't be sent while the cloud takes it is a case, told once, doubtful only if a call had no answer.
func TestTooLate(t *testing.T) {
	for _, row := range []struct {
		says     metering.Verdict
		doubtful bool
	}{{metering.Busy, false}, {metering.Unknown, true}} {
		w := newWorld(t)
		w.owe("b-1", "one", 100)
		w.market.says = row.says
		cases := 0
		for range 30 {
			cases += w.run().Cases
			w.now = w.now.Add(15 * time.Minute)
		}
		status, r := w.status("b-1")
		if status != Rejected || r.Why != TooLate || r.Doubtful != row.doubtful || cases != 1 {
			t.Errorf("%s: %s, %s, doubtful %t, %d cases", row.says, status, r.Why, r.Doubtful, cases)
		}
		if late := r.EndedAt.Sub(r.At); late > 6*time.Hour+15*time.Minute || late < 5*time.Hour {
			t.Errorf("%s: a case after %v", row.says, late)
		}
		told, _, err := ledger.Read[notice.Notice](t.Context(), w.Store, ledger.DocumentKey{Kind: notice.DocumentKind, ID: "charge_case:" + r.ID})
		want := &notice.ChargeCase{Record: r.ID, Provider: "aws", Customer: "one", Charges: 1, Amount: "1.00", Currency: "CNY", Why: "too_late", Doubtful: row.doubtful}
		if diff := cmp.Diff(want, told.Charge); diff != "" || err != nil || told.Account != "acme" {
			t.Error(diff, err)
		}
	}
}

// What was never sent because nobody could take it.
func TestWhatHasNoMarket(t *testing.T) {
	w := newWorld(t)
	w.Markets = nil
	w.owe("b-1", "one", 100)
	w.run()
	if status, r := w.status("b-1"); status != Rejected || r.Why != NotConfigured || r.Doubtful || r.Tries != 0 {
		t.Errorf("%s, %+v", status, r)
	}
	w = newWorld(t)
	w.owe("large", "one", 1_000_001)
	w.owe("b-1", "one", 999_999)
	w.now = w.now.Add(time.Second)
	w.owe("b-2", "one", 2) // doesn't fit any more
	w.run()
	if status, r := w.status("large"); status != Rejected || r.Why != TooLarge || r.Doubtful {
		t.Errorf("%s, %+v", status, r)
	}
	if status, _ := w.status("b-1"); status != Accepted {
		t.Error(status)
	}
	if status, _ := w.status("b-2"); status != Pending {
		t.Error(status)
	}
}
