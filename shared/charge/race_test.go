package charge

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metering"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// between is a store in which somebody else does something right before a write.
type between struct {
	ledger.Store
	do func()
}

func (b *between) Put(ctx context.Context, documents ...ledger.Document) error {
	if do := b.do; do != nil {
		b.do = nil
		do()
	}
	return b.Store.Put(ctx, documents...)
}

// README rule 21 against rule 20: a bill that is reversed while its charge is gathered is void, and in no record.
func TestReversedWhileItIsGathered(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	w.owe("b-2", "one", 20)
	below := w.Store
	w.Store = &between{Store: below, do: func() {
		documents, err := Reverse(t.Context(), below, "b-1")
		if err == nil {
			err = below.Put(t.Context(), documents...)
		}
		if err != nil {
			t.Error(err)
		}
	}}
	w.run()
	if status, _ := w.status("b-1"); status != Void {
		t.Error(status)
	}
	if status, r := w.status("b-2"); status != Accepted || r.Charges != 1 {
		t.Errorf("%s, %+v", status, r)
	}
	if diff := cmp.Diff([]int64{20}, w.told()); diff != "" {
		t.Error(diff)
	}
}

// Whoever comes second to a customer's hour leaves it to the first.
func TestTwoGatherAtOnce(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	below := w.Store
	second := *w.Desk
	second.Store = below
	w.Store = &between{Store: below, do: func() {
		if _, err := second.Run(t.Context(), 0); err != nil {
			t.Error(err)
		}
	}}
	if round := w.run(); round != (Round{}) {
		t.Errorf("%+v", round)
	}
	if status, _ := w.status("b-1"); status != Accepted {
		t.Error(status)
	}
	if diff := cmp.Diff([]int64{100}, w.told()); diff != "" {
		t.Error(diff)
	}
}

// A bill is reversed while an operator calls its case accepted: one of the two is told so.
func TestReversedWhileACaseIsClosed(t *testing.T) {
	w := newWorld(t)
	w.owe("b-1", "one", 100)
	w.market.says = metering.NotSubscribed
	w.run()
	_, r := w.status("b-1")
	documents, err := Reverse(t.Context(), w.Store, "b-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(t.Context(), Wish{Record: r.ID, Reason: "r", Actor: "olga"}, RecordAccepted); err != nil {
		t.Fatal(err)
	}
	if err := w.Store.Put(t.Context(), documents...); err == nil {
		t.Error("the charge is void, and was accepted")
	}
	if _, err := Reverse(t.Context(), w.Store, "b-1"); !refusal.Is(err, refusal.Conflict) {
		t.Error(err)
	}
}

// Many hands, and two runs at once over and over: each charge is accepted once.
func TestManyHands(t *testing.T) {
	const customers, each = 30, 4
	w := newWorld(t)
	var mu sync.Mutex
	w.market.heard = nil
	locked := &lockedMarket{market: w.market, mu: &mu}
	w.Hands = 8
	w.Markets["aws"] = Market{Meter: locked, Dimensions: w.Markets["aws"].Dimensions}
	for i := range customers * each {
		w.owe(wallet.BillID(fmt.Sprintf("b-%03d", i)), fmt.Sprint("customer-", i%customers), int64(1+i))
	}
	for range 3 {
		var runs sync.WaitGroup
		for range 3 {
			runs.Go(func() {
				if _, err := w.Run(t.Context(), 0); err != nil {
					t.Error(err)
				}
			})
		}
		runs.Wait()
		w.now = w.now.Add(lease + time.Minute)
	}
	var sum int64
	told := map[string]bool{}
	for _, r := range w.market.told {
		if told[r.ID] {
			continue // the same again, which is charged once
		}
		told[r.ID] = true
		sum += r.Quantity
	}
	if want := int64(customers * each * (customers*each + 1) / 2); sum != want || len(told) != customers {
		t.Errorf("%d in %d records, want %d in %d", sum, len(told), want, customers)
	}
	for i := range customers * each {
		if status, _ := w.status(wallet.BillID(fmt.Sprintf("b-%03d", i))); status != Accepted {
			t.Errorf("b-%03d is %s", i, status)
		}
	}
}

// lockedMarket is a market for several at once.
type lockedMarket struct {
	*market
	mu *sync.Mutex
}

func (m *lockedMarket) Push(ctx context.Context, records []metering.Record) []metering.Result {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.market.Push(ctx, records)
}
