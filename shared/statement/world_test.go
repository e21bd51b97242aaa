package statement

import (
	"context"
	"fmt"
	"testing"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

const shanghai = "Asia/Shanghai"

// world is a ledger with a clock of its own.
type world struct {
	t     testing.TB
	now   time.Time
	store ledger.Store
	*ledger.Ledger
	maker *Maker
	once  int
}

func newWorld(t testing.TB) *world { return worldOn(t, new(memory.Store)) }

func worldOn(t testing.TB, store ledger.Store) *world {
	w := &world{t: t, store: store, now: at("2026-10-01T10:00:00+08:00")}
	now := func() time.Time { return w.now }
	w.Ledger = &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	w.maker = &Maker{Store: store, Policy: w.Policy, Now: now}
	return w
}

// at is an instant.
func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func cny(minor int64) money.Amount { return money.Of(money.CNY, minor) }

func (w *world) open(id wallet.AccountID, zone string) {
	w.t.Helper()
	opening := directory.Opening(directory.Account{ID: id, Name: string(id), Currency: money.CNY, Zone: zone}, "olga")
	if _, err := w.Do(w.t.Context(), id, opening); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) do(id wallet.AccountID, command wallet.Command) wallet.Entry {
	w.t.Helper()
	receipt, err := w.Do(w.t.Context(), id, ledger.Intent{Command: command})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Entry
}

func (w *world) next() string {
	w.once++
	return fmt.Sprint(w.once)
}

func (w *world) cash(id wallet.AccountID, minor int64) wallet.Entry {
	return w.do(id, wallet.TopUp{Order: string(id) + w.next(), Amount: cny(minor), Channel: "alipay", Trade: "t"})
}

func (w *world) voucher(id wallet.AccountID, kind wallet.LotKind, units int64, days int) wallet.Lot {
	return w.do(id, wallet.Activate{
		Account: id, Once: w.next(), Kind: kind, Source: wallet.FromOperator, Face: money.Units(money.CNY, units), MinBill: cny(0), ValidDays: days, Actor: "olga",
	}).Lots[0]
}

func (w *world) card(id wallet.AccountID, units int64, days int) wallet.Lot {
	return w.do(id, wallet.Allocate{
		Account: id, Once: w.next(), Source: wallet.FromPartner, Face: money.Units(money.CNY, units), ValidDays: days, Reason: "Contract", Actor: "olga",
	}).Lots[0]
}

// line is a line of usage: "logs 1.5".
func line(product, amount string) wallet.Line {
	exact, err := money.ParseExact("", amount, money.CNY)
	if err != nil {
		panic(err)
	}
	return wallet.Line{Product: product, Usage: "1", Unit: "GB", Amount: exact}
}

// settle settles a bill of a workspace's day.
func (w *world) settle(id wallet.AccountID, workspace, day string, lines ...wallet.Line) wallet.Entry {
	w.t.Helper()
	return w.settleBy(id, wallet.BillingCenter, workspace, day, lines...)
}

func (w *world) settleBy(id wallet.AccountID, method wallet.Method, workspace, day string, lines ...wallet.Line) wallet.Entry {
	w.t.Helper()
	zone, err := directory.Zone(shanghai)
	if err != nil {
		w.t.Fatal(err)
	}
	end, err := directory.DayEnd(day, zone)
	if err != nil {
		w.t.Fatal(err)
	}
	bill := wallet.Bill{ID: wallet.BillID(fmt.Sprintf("%s-%s-%s-%s", id, workspace, day, w.next())), Workspace: wallet.WorkspaceID(workspace), Day: day, Currency: money.CNY, Lines: lines}
	s := wallet.Settle{Bill: bill, DayEnd: end, Method: method}
	if method == wallet.Cloud {
		s.Cloud = wallet.CloudAccount{Provider: "aws", Customer: "c-1"}
	}
	return w.do(id, s)
}

func (w *world) reverse(id wallet.AccountID, settled wallet.Entry) wallet.Entry {
	w.t.Helper()
	terms, err := w.Terms(w.t.Context(), settled)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(id, wallet.Reverse{Settled: settled, Granted: terms, Once: w.next(), Reason: "The meter ran twice", Actor: "olga"})
}

func (w *world) view(id wallet.AccountID) *books.View {
	w.t.Helper()
	view, err := (&books.Books{Store: w.store}).Open(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return view
}

func (w *world) make(id wallet.AccountID, month Month) Kept {
	w.t.Helper()
	made, err := w.maker.Make(w.t.Context(), id, month)
	if err != nil || made != New {
		w.t.Fatalf("bill of %s for %s: %q, %v", id, month, made, err)
	}
	kept, err := (Bills{w.store}).Bill(w.t.Context(), id, month)
	if err != nil {
		w.t.Fatal(err)
	}
	return kept
}

// rebuild makes a kept bill again, from the journal as it is now.
func (w *world) rebuild(k Kept) Kept {
	w.t.Helper()
	view, err := (&books.Books{Store: w.maker.Store}).Open(w.t.Context(), k.Bill.Account)
	if err != nil {
		w.t.Fatal(err)
	}
	bill, err := build(w.t.Context(), w.maker.Store, view, k.Bill.Month, k.Bill.After, k.Bill.Through)
	if err != nil {
		w.t.Fatal(err)
	}
	again, _, err := bill.seal()
	if err != nil {
		w.t.Fatal(err)
	}
	return again
}
