package voucher

import (
	"bytes"
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

var start = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

// world is a desk over a store of its own, with a clock that the test turns.
type world struct {
	*Desk
	store   *faulty
	clock   atomic.Int64 // milliseconds after start
	metrics *bytes.Buffer
}

func newWorld(t *testing.T, accounts ...wallet.AccountID) *world {
	t.Helper()
	w := &world{store: &faulty{Store: new(memory.Store)}, metrics: new(bytes.Buffer)}
	now := func() time.Time { return start.Add(time.Duration(w.clock.Load()) * time.Millisecond) }
	l := &ledger.Ledger{Store: w.store, Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	w.Desk = &Desk{Ledger: l, Key: []byte("a key of tests"), Metrics: &metric.Metrics{Out: w.metrics, Now: now}, Now: now}
	for _, account := range accounts {
		if _, err := l.Do(t.Context(), account, ledger.Intent{Command: wallet.Open{Account: account, Currency: money.CNY, Zone: "Asia/Shanghai"}}); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *world) pass(d time.Duration) { w.clock.Add(d.Milliseconds()) }

func (w *world) issue(t *testing.T, count int) (Batch, []Code) {
	t.Helper()
	batch, codes, err := w.Issue(t.Context(), order(count))
	if err != nil || len(codes) != count {
		t.Fatalf("issued %d codes: %v", len(codes), err)
	}
	return batch, codes
}

func order(count int) Order {
	return Order{
		Terms: Terms{Kind: wallet.Discount, Face: money.Units(money.CNY, 50), MinBill: money.Units(money.CNY, 10), ValidDays: 30, ValidUntil: start.AddDate(0, 1, 0), Note: "autumn"},
		Count: count, Once: "issue-1", Actor: "op-1",
	}
}

func (w *world) enter(account wallet.AccountID, code Code, once string) (ledger.Receipt, error) {
	return w.Activate(context.Background(), Activation{Account: account, Code: code, Once: once, Actor: "owner"})
}

// faulty is a store whose writes of documents fail as told.
type faulty struct {
	ledger.Store
	before, after func(documents []ledger.Document) error
}

func (f *faulty) Put(ctx context.Context, documents ...ledger.Document) error {
	if f.before != nil {
		if err := f.before(documents); err != nil {
			return err
		}
	}
	if err := f.Store.Put(ctx, documents...); err != nil {
		return err
	}
	if f.after != nil {
		return f.after(documents)
	}
	return nil
}

// once fails the n-th call with an error.
func once(n int, err error) func([]ledger.Document) error {
	calls := 0
	return func([]ledger.Document) error {
		if calls++; calls == n {
			return err
		}
		return nil
	}
}

// together runs n calls that begin at the same moment, and waits for all.
func together(n int, call func(i int)) {
	var wait sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		wait.Go(func() {
			<-begin
			call(i)
		})
	}
	close(begin)
	wait.Wait()
}
