package ledger_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// forgetful is a store whose list of grants has lost what it lists, and counts how often it is read.
type forgetful struct {
	*memory.Store
	endless bool
	reads   int
}

func (f *forgetful) Grants(_ context.Context, _ wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	if f.reads++; !f.endless {
		return nil, nil
	}
	return make([]wallet.Entry, limit), nil
}

// A reversal must never be decided without the terms of a lot that it brings back.
func TestTermsThatArentFoundAreAFault(t *testing.T) {
	for _, endless := range []bool{false, true} {
		store := &forgetful{Store: new(memory.Store), endless: endless}
		l := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: time.Now}
		settled := usedUp(t, l)
		_, err := l.Terms(t.Context(), settled)
		if err == nil || refusal.As(err) != nil || !strings.Contains(err.Error(), "terms of 1 lots") {
			t.Errorf("got %v", err)
		}
		if store.reads > 100 {
			t.Errorf("%d pages of grants were read", store.reads)
		}
	}
}

// usedUp is the entry of a bill that has used up a voucher.
func usedUp(t *testing.T, l *ledger.Ledger) wallet.Entry {
	t.Helper()
	exact, err := money.ParseExact("", "5", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	var last ledger.Receipt
	for _, command := range []wallet.Command{
		wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"},
		wallet.Activate{Account: "acme", Once: "v", Kind: wallet.Regular, Face: money.Units(money.CNY, 5), MinBill: money.Zero(money.CNY)},
		wallet.Settle{
			Bill:   wallet.Bill{ID: "b", Workspace: "ws", Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Usage: "1", Amount: exact}}},
			Method: wallet.BillingCenter,
		},
	} {
		if last, err = l.Do(t.Context(), "acme", ledger.Intent{Command: command}); err != nil {
			t.Fatal(err)
		}
	}
	return last.Entry
}

func TestOnlyOpenAccountsAreFound(t *testing.T) {
	l := &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: time.Now}
	if _, err := l.Open(t.Context(), "acme"); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("got %v", err)
	}
	usedUp(t, l)
	if head, err := l.Open(t.Context(), "acme"); err != nil || head.Version != 3 {
		t.Errorf("version %d, %v", head.Version, err)
	}
}
