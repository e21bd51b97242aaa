package charge

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/metering"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Many charges go into one record, some at a time; sent again, they all come out of it.
func TestManyChargesOfOneRecord(t *testing.T) {
	const many = 2*together + 40
	w := newWorld(t)
	for i := range many {
		w.owe(wallet.BillID(fmt.Sprintf("b-%03d", i)), "one", 1)
	}
	w.market.says = metering.NotSubscribed
	if round := w.run(); round != (Round{Gathered: many, Sent: 1, Cases: 1}) {
		t.Errorf("%+v", round)
	}
	_, r := w.status("b-000")
	if r.Charges != many || r.Minor != many {
		t.Errorf("%+v", r)
	}
	if _, err := w.Retry(t.Context(), Wish{Record: r.ID, Reason: "subscribed", Actor: "olga"}, false); err != nil {
		t.Fatal(err)
	}
	if status, _ := w.status("b-000"); status != Pending {
		t.Error(status)
	}
	w.market.says = metering.Accepted
	w.now = w.now.Add(time.Hour)
	if round := w.run(); round != (Round{Released: many, Gathered: many, Sent: 1, Accepted: 1}) && round != (Round{Released: many}) {
		t.Errorf("%+v", round)
	}
	w.run()
	for i := range many {
		bill := wallet.BillID(fmt.Sprintf("b-%03d", i))
		if status, in := w.status(bill); status != Accepted || in.ID == r.ID {
			t.Errorf("%s is %s in %s", bill, status, in.ID)
		}
	}
	if r, err := w.Find(t.Context(), r.ID); err != nil || r.State != RecordReleased || r.Moved != many {
		t.Errorf("%+v, %v", r, err)
	}
}

// A charge whose bill was reversed while it was a case isn't sent again.
func TestReversedWhileACase(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	w.owe("b-2", "one", 20)
	w.market.says = metering.NotSubscribed
	w.run()
	documents, err := Reverse(t.Context(), w.Store, "b-1")
	if err == nil {
		err = w.Store.Put(t.Context(), documents...)
	}
	if err != nil {
		t.Fatal(err)
	}
	_, r := w.status("b-2")
	wish := Wish{Record: r.ID, Reason: "r", Actor: "olga"}
	if _, err := w.Close(t.Context(), wish, RecordAccepted); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("closed as accepted: %v", err)
	}
	if _, err := w.Retry(t.Context(), wish, false); err != nil {
		t.Fatal(err)
	}
	w.market.says = metering.Accepted
	for range 2 {
		w.now = w.now.Add(time.Hour)
		w.run()
	}
	if diff := cmp.Diff([]int64{120, 20}, w.told()); diff != "" {
		t.Error(diff)
	}
	if status, _ := w.status("b-1"); status != Void {
		t.Error(status)
	}
	if status, _ := w.status("b-2"); status != Accepted {
		t.Error(status)
	}
}

// Two runs at once, as a schedule that overlaps makes them: each charge is in one record, and each record is sent by one.
func TestTwoAtOnce(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	second := *w.Desk
	w.market.heard = func() {
		w.market.heard = nil
		if round, err := second.Run(t.Context(), 0); err != nil || round != (Round{}) {
			t.Errorf("the second did %+v, %v", round, err)
		}
	}
	w.run()
	if diff := cmp.Diff([]int64{100}, w.told()); diff != "" {
		t.Error(diff)
	}
}

// The licence of a customer goes into records made from then on, never into one that may have been sent.
func TestLicences(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	w.market.says = metering.Unknown
	w.run()
	licence := Customer{Cloud: wallet.CloudAccount{Provider: "aws", Customer: "one"}, License: "arn:aws:license-manager::1:license:l-1"}
	for range 2 {
		if err := w.SetCustomer(t.Context(), licence); err != nil {
			t.Fatal(err)
		}
	}
	w.now = w.now.Add(10 * time.Minute)
	w.run()
	w.owe("b-2", "one", 7)
	w.now = w.now.Add(time.Hour)
	w.run()
	for _, r := range w.market.told {
		if (r.License != "") != (r.Quantity == 7) {
			t.Errorf("%+v", r)
		}
	}
	if !slices.Contains(w.told(), 7) {
		t.Error(w.told())
	}
}

// What an account sees: its own charges, newest first, page by page.
func TestAnAccountsCharges(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.owe(wallet.BillID(fmt.Sprint("b-", i)), "one", 100)
	}
	w.run()
	var seen []wallet.BillID
	before := ""
	for {
		page, next, err := w.Charges(t.Context(), "acme", before, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page {
			if seen = append(seen, v.Bill); v.Status() != Accepted {
				t.Errorf("%s is %s", v.Bill, v.Status())
			}
		}
		if before = next; next == "" {
			break
		}
	}
	if diff := cmp.Diff([]wallet.BillID{"b-4", "b-3", "b-2", "b-1", "b-0"}, seen); diff != "" {
		t.Error(diff)
	}
	if _, err := w.Of(t.Context(), "zen", "b-0"); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("somebody else's: %v", err)
	}
}
