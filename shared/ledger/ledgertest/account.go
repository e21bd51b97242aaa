package ledgertest

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Now is the clock of the tests: the small hours after the first of November's day, in Shanghai.
var Now = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

// Account writes to one wallet of a store without the loop, the way a test of the store needs it.
type Account struct {
	T     testing.TB
	Store ledger.Store
	ID    wallet.AccountID
}

// Open opens an account in CNY.
func Open(t testing.TB, store ledger.Store, id wallet.AccountID) Account {
	t.Helper()
	a := Account{t, store, id}
	a.Must(wallet.Open{Account: id, Currency: money.CNY, Zone: "Asia/Shanghai"})
	return a
}

// Head is the wallet's head as the store has it.
func (a Account) Head() wallet.Head {
	a.T.Helper()
	head, err := a.Store.Head(a.T.Context(), a.ID)
	if err != nil {
		a.T.Fatal(err)
	}
	return head
}

// Decide decides commands one upon the other, from a head, and gives the commit of them all.
func (a Account) Decide(head wallet.Head, commands ...wallet.Command) ledger.Commit {
	a.T.Helper()
	commit := ledger.Commit{Before: head, After: head}
	for _, command := range commands {
		change, err := wallet.Decide(commit.After, command, wallet.DefaultPolicy(), Now)
		if err != nil {
			a.T.Fatal(err)
		}
		commit.After = change.Head
		commit.Entries = append(commit.Entries, change.Entry)
	}
	return commit
}

// Must decides commands on the present head and commits them.
func (a Account) Must(commands ...wallet.Command) ledger.Commit {
	a.T.Helper()
	commit := a.Decide(a.Head(), commands...)
	if err := a.Store.Commit(a.T.Context(), commit); err != nil {
		a.T.Fatal(err)
	}
	return commit
}

// Cash is a top-up of so many yuan by a recharge order.
func Cash(order string, units int64) wallet.Command {
	return wallet.TopUp{Order: order, Amount: money.Units(money.CNY, units), Channel: "alipay", Trade: "t-" + order}
}

// Voucher is a regular voucher of so many yuan, activated by an operator.
func (a Account) Voucher(once string, units int64, days int) wallet.Command {
	return wallet.Activate{
		Account: a.ID, Once: once, Kind: wallet.Regular, Source: wallet.FromOperator,
		Face: money.Units(money.CNY, units), MinBill: money.Zero(money.CNY), ValidDays: days,
	}
}

// Bill is a bill of one general line.
func Bill(id, amount string) wallet.Settle {
	exact, err := money.ParseExact("/amount", amount, money.CNY)
	if err != nil {
		panic(err)
	}
	return wallet.Settle{
		Bill: wallet.Bill{
			ID: wallet.BillID(id), Workspace: "ws-1", Day: "2026-11-01", Currency: money.CNY,
			Lines: []wallet.Line{{Product: "logs", Usage: "1", Unit: "log", Amount: exact}},
		},
		DayEnd: time.Date(2026, 11, 1, 16, 0, 0, 0, time.UTC), Method: wallet.BillingCenter,
	}
}

// Bills are bills of one amount with the ids prefix-0, prefix-1, ...
func Bills(prefix string, count int, amount string) []wallet.Command {
	bills := make([]wallet.Command, count)
	for i := range bills {
		bills[i] = Bill(fmt.Sprintf("%s-%d", prefix, i), amount)
	}
	return bills
}

// CheckReplay fails the test unless the journal has every number from the head's version down to 1, each entry is
// found by its key, and replaying them all rebuilds the head byte for byte. It returns the journal, oldest first.
func CheckReplay(t testing.TB, store ledger.Store, id wallet.AccountID) []wallet.Entry {
	t.Helper()
	head, err := store.Head(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	journal := make([]wallet.Entry, head.Version)
	Eventually(t, "the journal is complete", func() bool { return fill(t, store, id, journal) })
	var rebuilt wallet.Head
	for _, entry := range journal {
		if rebuilt, err = wallet.Replay(rebuilt, entry); err != nil {
			t.Fatalf("replay of %s: %v", id, err)
		}
	}
	if head.Version > 0 && !bytes.Equal(rebuilt.Canonical(), head.Canonical()) {
		t.Fatalf("replay of %s gives another head:\n%+v\n%+v", id, rebuilt, head)
	}
	return journal
}

// fill reads a journal page by page; false while the list lags behind.
func fill(t testing.TB, store ledger.Store, id wallet.AccountID, journal []wallet.Entry) bool {
	t.Helper()
	for next := int64(len(journal)); next > 0; {
		page, err := store.Journal(t.Context(), id, next+1, 50)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return false
		}
		for _, entry := range page {
			if entry.Number != next {
				return false
			}
			journal[next-1] = entry
			next--
		}
	}
	return true
}

// Eventually waits until what only lists say, which may lag, is so.
func Eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !so() {
		select {
		case <-deadline:
			t.Fatalf("never: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
