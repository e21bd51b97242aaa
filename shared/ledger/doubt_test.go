package ledger_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// straggler is a store whose next commit isn't answered, and lands only when it is let go.
type straggler struct {
	ledger.Store
	hold bool
	held *ledger.Commit
}

func (s *straggler) Commit(ctx context.Context, c ledger.Commit) error {
	if s.hold {
		s.hold, s.held = false, &c
		return ledger.ErrUnknown
	}
	return s.Store.Commit(ctx, c)
}

// A write of unknown outcome may land late. What can't be done any more on the retry, because a clock has moved, isn't
// refused as long as the first write may still do it: nobody may hear "no" of what happens after all.
func TestNothingIsRefusedThatMayStillHappen(t *testing.T) {
	now := time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)
	store := &straggler{Store: &memory.Store{}}
	books := &ledger.Ledger{
		Store: store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return now },
		Wait: func(context.Context, int) error { now = now.Add(time.Hour); return nil },
	}
	do := func(command wallet.Command) (ledger.Receipt, error) {
		return books.Do(t.Context(), "acme", ledger.Intent{Command: command})
	}
	for _, command := range []wallet.Command{
		wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"},
		wallet.Allocate{Account: "acme", Once: "c", Source: wallet.FromOperator, Face: money.Units(money.CNY, 100), ExpiresAt: now.Add(time.Minute)},
	} {
		if _, err := do(command); err != nil {
			t.Fatal(err)
		}
	}
	head, err := store.Head(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	order := wallet.Order{Account: "acme", Once: "o", Amount: money.Units(money.CNY, 60), Cards: []wallet.LotID{head.Lots[0].ID}, Item: "a package"}
	store.hold = true
	if _, err := do(order); !errors.Is(err, ledger.ErrUnknown) {
		t.Fatalf("while the first write may land, the retry was told %v", err)
	}
	if err := store.Store.Commit(t.Context(), *store.held); err != nil {
		t.Fatal(err)
	}
	if receipt, err := do(order); err != nil || !receipt.Repeated {
		t.Errorf("after it has landed: %+v, %v", receipt, err)
	}

	order.Once = "p"
	if _, err := do(order); !refusal.Is(err, refusal.Expired) {
		t.Errorf("an order that was never in doubt was told %v", err)
	}
}
