package charge

import (
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metering"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/wallet"
)

// damage overwrites a document's body where it stands, and returns what puts it right.
func (w *world) damage(key ledger.DocumentKey, body string) (mend func()) {
	w.t.Helper()
	put := func(text []byte) []byte {
		found, err := w.Store.Documents(w.t.Context(), key)
		if err != nil || len(found) != 1 {
			w.t.Fatal(found, err)
		}
		document := found[key]
		was := document.Body
		document.Body = text
		if err := w.Store.Put(w.t.Context(), document); err != nil {
			w.t.Fatal(err)
		}
		return was
	}
	was := put([]byte(body))
	return func() { put(was) }
}

// kept are the ids of what is in quarantine.
func (w *world) kept() (ids []string) {
	w.t.Helper()
	messages, _, err := w.Quarantine.List(w.t.Context(), "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range messages {
		ids = append(ids, m.Attributes["document"]+" "+m.Attributes["id"])
	}
	return ids
}

func newWatchedWorld(t *testing.T) *world {
	w := newWorld(t)
	w.Quarantine = &quarantine.Quarantine{Store: w.Store, Now: w.Now, Metrics: &metric.Metrics{Out: io.Discard}}
	return w
}

func TestAChargeThatCantBeReadStopsNoOther(t *testing.T) {
	for _, body := range []string{"", "{", `{"bill_id":"b-9"}`, `{"bill_id":"b-1","amount":"1.2.3"}`} {
		w := newWatchedWorld(t)
		w.owe("b-1", "one", 100)
		w.owe("b-2", "one", 20)
		w.owe("b-3", "two", 3)
		mend := w.damage(Key("b-1"), body)
		for i, want := range []Round{{Gathered: 2, Sent: 2, Accepted: 2, Aside: 1}, {Aside: 1}} {
			if round, err := w.Run(t.Context(), 0); round != want || err != nil {
				t.Errorf("%q, round %d: %+v, %v", body, i, round, err)
			}
		}
		if diff := cmp.Diff([]string{"cloud-charge b-1"}, w.kept()); diff != "" {
			t.Errorf("%q, in quarantine: %s", body, diff)
		}
		mend()
		w.now = w.now.Add(time.Hour)
		if round := w.run(); round != (Round{Gathered: 1, Sent: 1, Accepted: 1}) {
			t.Errorf("%q, put right: %+v", body, round)
		}
	}
}

func TestARecordThatCantBeReadStopsNoOther(t *testing.T) {
	for _, body := range []string{"[]", "{}"} {
		w := newWatchedWorld(t)
		w.owe("b-1", "one", 100)
		w.owe("b-2", "two", 3)
		w.market.says = metering.Unknown
		w.run()
		_, r := w.status("b-1")
		mend := w.damage(RecordKey(r.ID), body)
		w.now, w.market.says = w.now.Add(lease), metering.Accepted
		if round, err := w.Run(t.Context(), 0); round != (Round{Sent: 1, Accepted: 1, Aside: 1}) || err != nil {
			t.Errorf("%q: %+v, %v", body, round, err)
		}
		if diff := cmp.Diff([]string{"cloud-record " + r.ID}, w.kept()); diff != "" {
			t.Errorf("%q, in quarantine: %s", body, diff)
		}
		mend()
		if round := w.run(); round != (Round{Sent: 1, Accepted: 1}) {
			t.Errorf("%q, put right: %+v", body, round)
		}
	}
}

// The charges of a case are released but for the one that can't be read; the record waits for it.
func TestAChargeThatCantBeReadIsReleasedLater(t *testing.T) {
	w := newWatchedWorld(t)
	w.market.says = metering.Refused
	w.owe("b-1", "one", 100)
	w.owe("b-2", "one", 20)
	w.run()
	_, r := w.status("b-1")
	mend := w.damage(Key("b-1"), "{")
	w.market.says, w.now = metering.Accepted, w.now.Add(time.Hour)
	if _, err := w.Retry(t.Context(), Wish{Record: r.ID, Reason: "mended", Actor: "olga"}, false); err != nil {
		t.Fatal(err)
	}
	if round, err := w.Run(t.Context(), 0); err != nil || round.Released != 1 || round.Accepted != 1 || round.Aside == 0 {
		t.Errorf("%+v, %v", round, err)
	}
	if status, _ := w.status("b-2"); status != Accepted {
		t.Error(status)
	}
	mend()
	w.now = w.now.Add(time.Hour)
	w.run()
	if status, _ := w.status("b-1"); status != Accepted {
		t.Error(status)
	}
	if found, err := w.Find(t.Context(), r.ID); err != nil || found.State != RecordReleased {
		t.Errorf("%+v, %v", found, err)
	}
}

// Whoever works through lists sees all but what can't be read, page by page.
func TestListsLeaveOutWhatCantBeRead(t *testing.T) {
	w := newWatchedWorld(t)
	w.market.says = metering.Refused
	var ids []string
	for _, customer := range []string{"one", "two", "three", "four"} {
		w.owe(wallet.BillID("bill-"+customer), customer, 100)
	}
	w.run()
	cases, _, err := w.Records(t.Context(), "case", "", 10)
	if err != nil || len(cases) != 4 {
		t.Fatal(cases, err)
	}
	w.damage(RecordKey(cases[0].ID), "{")
	w.damage(RecordKey(cases[2].ID), "{")
	for before := ""; ; {
		page, next, err := w.Records(t.Context(), "case", before, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page {
			ids = append(ids, r.ID)
		}
		if before = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{cases[1].ID, cases[3].ID}, ids); diff != "" {
		t.Error(diff)
	}
	w.owe("p-1", "five", 1)
	w.owe("p-2", "five", 1)
	w.damage(Key("p-1"), "{")
	pending, _, err := ListPending(t.Context(), w.Store, "", 1)
	if err != nil || len(pending) != 1 || pending[0].Bill != "p-2" {
		t.Errorf("%+v, %v", pending, err)
	}
}
