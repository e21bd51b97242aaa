package charge

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metering"
	"billingcentre/shared/wallet"
)

// reaper kills whoever works with it at its last step: before a call to the database or the marketplace, or after it.
type reaper struct {
	ledger.Store
	left int // steps until then; 0 is never
}

var errKilled = errors.New("killed")

func (r *reaper) step() {
	if r.left == 1 {
		r.left = 0
		panic(errKilled)
	}
	if r.left > 0 {
		r.left--
	}
}

func (r *reaper) Put(ctx context.Context, documents ...ledger.Document) error {
	r.step()
	err := r.Store.Put(ctx, documents...)
	r.step()
	return err
}

func (r *reaper) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	r.step()
	return r.Store.Documents(ctx, keys...)
}

func (r *reaper) List(ctx context.Context, list, before string, limit int) ([]ledger.Document, error) {
	r.step()
	return r.Store.List(ctx, list, before, limit)
}

// cloudy is a marketplace that charges each record once, or each time if it must not be sent again. At first its
// customers aren't subscribed, if it says so.
type cloudy struct {
	again   bool
	strange bool
	charged map[string]int // by record, how often
	sum     int64
	reaper  *reaper
}

func (c *cloudy) Limits() metering.Limits {
	return metering.Limits{Records: 25, Quantity: 1_000_000, Age: 6 * time.Hour, Again: c.again}
}

func (c *cloudy) Push(_ context.Context, records []metering.Record) []metering.Result {
	c.reaper.step()
	defer c.reaper.step()
	if c.strange {
		return metering.All(records, metering.Result{Verdict: metering.NotSubscribed})
	}
	for _, r := range records {
		if c.charged[r.ID] == 0 || !c.again {
			c.charged[r.ID]++
			c.sum += r.Quantity
		}
	}
	return metering.All(records, metering.Result{Verdict: metering.Accepted})
}

// Killed at each step in turn, from the first charge to the last answer, by way of a case that is sent again: each
// charge is accepted once.
func TestKilledAtEveryStep(t *testing.T) {
	for _, again := range []bool{true, false} {
		for step := 1; ; step++ {
			if killed := liveThrough(t, again, step); !killed {
				if step < 40 {
					t.Errorf("all was done in %d steps", step)
				}
				break
			}
		}
	}
}

// liveThrough brings charges to the cloud, killed once at a step, and tells whether it came so far.
func liveThrough(t *testing.T, again bool, step int) (killed bool) {
	t.Helper()
	w := newWorld(t)
	death := &reaper{Store: w.Store, left: step}
	cloud := &cloudy{again: again, strange: true, charged: map[string]int{}, reaper: death}
	w.Store, w.Markets["aws"] = death, Market{Meter: cloud, Dimensions: w.Markets["aws"].Dimensions}
	run := func() {
		defer func() {
			if broken := recover(); broken != nil && broken != errKilled { //nolint:errorlint // it is thrown as it is
				panic(broken)
			}
		}()
		if _, err := w.Run(t.Context(), 0); err != nil {
			t.Error(err)
		}
	}
	var owed int64
	for i := range 3 {
		minor := int64(100 + i)
		owed += minor
		calm := death.left
		death.left = 0
		w.owe(wallet.BillID(fmt.Sprint("b-", i)), fmt.Sprint("customer-", i%2), minor)
		death.left = calm
	}
	for hour := range 12 {
		run()
		w.now = w.now.Add(20 * time.Minute)
		run()
		w.now = w.now.Add(40 * time.Minute)
		w.resolve(death, cloud)
		cloud.strange = hour < 2
	}
	killed = death.left == 0
	death.left = 0
	for i := range 3 {
		if status, r := w.status(wallet.BillID(fmt.Sprint("b-", i))); status != Accepted || cloud.charged[r.ID] != 1 {
			t.Errorf("again %t, killed at step %d: b-%d is %s, charged %d times", again, step, i, status, cloud.charged[r.ID])
		}
	}
	if cloud.sum != owed {
		t.Errorf("again %t, killed at step %d: charged %d, owed %d", again, step, cloud.sum, owed)
	}
	return killed
}

// resolve is an operator, who looks at the marketplace where a case is doubtful. Nobody kills operators.
func (w *world) resolve(death *reaper, cloud *cloudy) {
	w.t.Helper()
	left := death.left
	death.left = 0
	defer func() { death.left = left }()
	records, _, err := w.Records(w.t.Context(), "case", "", 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range records {
		wish := Wish{Record: r.ID, Reason: "looked", Actor: "olga"}
		if cloud.charged[r.ID] > 0 {
			_, err = w.Close(w.t.Context(), wish, RecordAccepted)
		} else {
			_, err = w.Retry(w.t.Context(), wish, r.Doubtful)
		}
		if err != nil {
			w.t.Error(err)
		}
	}
}
