package main

import (
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"billingcentre/shared/arrears"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/unlinking"
	"billingcentre/shared/wallet"
)

// The fourth of November in Shanghai, at midnight.
var fourth = time.Date(2026, 11, 3, 16, 0, 0, 0, time.UTC)

// world is the function over acme, which owes 5.00 and is counted for it since the fourth.
type world struct {
	handler
	t   *testing.T
	now time.Time
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: fourth}
	clock := func() time.Time { return w.now }
	books := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: clock}
	w.keeper = &arrears.Keeper{
		Ledger: books, Directory: &directory.Directory{Store: books.Store, Now: clock},
		Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: io.Discard},
	}
	w.clouds = &unlinking.Keeper{
		Desk: &cloudlink.Desk{Store: books.Store, Policy: books.Policy, Now: clock}, Directory: w.keeper.Directory, Log: w.keeper.Log,
	}
	w.must(books.Do(t.Context(), "acme", directory.Opening(directory.Account{ID: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops")))
	cost, err := money.ParseExact("", "5", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	bill := wallet.Bill{ID: "b-1", Workspace: "ws-1", Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Amount: cost}}}
	w.must(books.Do(t.Context(), "acme", ledger.Intent{
		Command: wallet.Settle{Bill: bill, DayEnd: fourth.AddDate(0, 0, -1), Method: wallet.BillingCenter}, After: arrears.Mark,
	}))
	head, err := books.Store.Head(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	documents, err := arrears.Begin(t.Context(), books.Store, books.Policy, head, "2026-10", w.now)
	if err == nil {
		err = books.Store.Put(t.Context(), documents...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) must(_ ledger.Receipt, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) pay() {
	w.t.Helper()
	w.must(w.keeper.Ledger.Do(w.t.Context(), "acme", ledger.Intent{
		Command: wallet.TopUp{Order: "o-1", Amount: money.Of(money.CNY, 500), Channel: "alipay"},
	}))
}

// send has the function called with an event, as Lambda does.
func (w *world) send(file string) error {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join("../../events/arrears", file))
	if err != nil {
		w.t.Fatal(err)
	}
	return w.call(string(text))
}

func (w *world) call(event string) error {
	w.t.Helper()
	var c call
	if err := json.Unmarshal([]byte(event), &c); err != nil {
		w.t.Fatal(err)
	}
	_, err := w.handle(w.t.Context(), c)
	return err
}

func (w *world) want(state arrears.State) {
	w.t.Helper()
	s, err := arrears.Of(w.t.Context(), w.keeper.Ledger.Store, "acme")
	if err != nil || s.State != state {
		w.t.Errorf("%s, want %s: %v", s.State, state, err)
	}
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct {
		day  int
		pay  bool
		file string
		want arrears.State
	}{
		{11, false, "schedule.json", arrears.Counting},
		{14, false, "patrol.json", arrears.Locked}, // whoever comes first
		{14, false, "schedule.json", arrears.Locked},
		{14, false, "repaid.json", arrears.Locked}, // a word that isn't true
		{15, true, "repaid.json", arrears.Clear},
		{15, false, "repaid.json", arrears.Clear},
	} {
		w.now = fourth.AddDate(0, 0, row.day)
		if row.pay {
			w.pay()
		}
		if err := w.send(row.file); err != nil {
			t.Errorf("%s: %v", row.file, err)
		}
		w.want(row.want)
	}
}

// The same schedule takes the steps of cloud accounts that were unlinked (README rule 27).
func TestUnlinkedCloudAccounts(t *testing.T) {
	w := newWorld(t)
	cloud := wallet.CloudAccount{Provider: "huawei", Customer: "c-1"}
	if _, _, err := w.clouds.Desk.Link(t.Context(), "acme", cloud, "ops"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := w.keeper.Directory.Bind(t.Context(), directory.Wish{Account: "acme", Workspace: "ws-1", Method: wallet.Cloud, Cloud: cloud}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.clouds.Unlink(t.Context(), cloud, "ops"); err != nil {
		t.Fatal(err)
	}
	w.now = fourth.AddDate(0, 0, 14)
	if err := w.send("schedule.json"); err != nil {
		t.Fatal(err)
	}
	link, err := w.clouds.Desk.Get(t.Context(), "acme", cloud)
	if err != nil || !link.LockedAt.Equal(w.now) {
		t.Errorf("%+v, %v", link, err)
	}
}

// bad-inputs, Scheduler: what isn't ours changes nothing, and is an error that is counted.
func TestForeignEventsAreRefused(t *testing.T) {
	w := newWorld(t)
	w.now = fourth.AddDate(0, 0, 20)
	for _, event := range []string{
		`{}`, `{"duty":"expiry"}`, `{"source":"aws.s3","detail-type":"entry.topped_up","detail":{}}`,
		`{"source":"billing-centre","detail-type":"entry.topped_up","detail":{"version":2}}`, `{"requestContext":{"http":{"method":"GET"}}}`,
	} {
		if w.call(event) == nil {
			t.Errorf("%s was taken", event)
		}
		w.want(arrears.Counting)
	}
}
