package audit

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// dayEnd is the end of the tests' day, 2026-11-01 in Shanghai.
var dayEnd = time.Date(2026, 11, 1, 16, 0, 0, 0, time.UTC)

// world is an account, acme, with a bit of everything in its journal, and an auditor over a store that can be tampered with.
type world struct {
	t      testing.TB
	now    time.Time
	store  *tampered
	ledger *ledger.Ledger
	*Auditor
}

// tampered is a store whose answers were tampered with: what is planted lies between what was committed and the reader.
type tampered struct {
	ledger.Store
	head      func(wallet.Head) (wallet.Head, error)
	journal   func([]placed) []placed
	grants    func([]wallet.Entry) []wallet.Entry
	documents func(*ledger.Document)
	damaged   wallet.Key // can't be read by its key
	reads     int        // of journal pages
}

// placed is an entry, and the place that the table has it at.
type placed struct {
	rank  int64
	entry wallet.Entry
}

func (s *tampered) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	head, err := s.Store.Head(ctx, account)
	if s.head != nil && err == nil {
		return s.head(head)
	}
	return head, err
}

func (s *tampered) Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	s.reads++
	if s.journal == nil {
		return s.Store.Journal(ctx, account, before, limit)
	}
	all, err := s.Store.Journal(ctx, account, 0, 1<<20)
	if err != nil {
		return nil, err
	}
	var places []placed
	for _, e := range slices.Backward(all) {
		places = append(places, placed{e.Number, e})
	}
	places = s.journal(places)
	slices.SortFunc(places, func(a, b placed) int { return cmp.Compare(b.rank, a.rank) })
	var page []wallet.Entry
	for _, p := range places {
		if (before == 0 || p.rank < before) && len(page) < limit {
			page = append(page, p.entry)
		}
	}
	return page, nil
}

func (s *tampered) Grants(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	listed, err := s.Store.Grants(ctx, account, before, limit)
	if s.grants != nil {
		listed = s.grants(listed)
	}
	return listed, err
}

func (s *tampered) Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	if s.damaged != "" && slices.Contains(keys, s.damaged) {
		return nil, fmt.Errorf("%w: %s", ledger.ErrDamaged, s.damaged)
	}
	return s.Store.Entries(ctx, keys...)
}

func (s *tampered) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	found, err := s.Store.Documents(ctx, keys...)
	for key, d := range found {
		if s.documents != nil {
			s.documents(&d)
			found[key] = d
			if d.Body == nil {
				delete(found, key)
			}
		}
	}
	return found, err
}

func (s *tampered) List(ctx context.Context, list, before string, limit int) ([]ledger.Document, error) {
	found, err := s.Store.List(ctx, list, before, limit)
	for i := range found {
		if s.documents != nil {
			s.documents(&found[i])
		}
	}
	return slices.DeleteFunc(found, func(d ledger.Document) bool { return d.Body == nil }), err
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, now: dayEnd.Add(time.Hour), store: &tampered{Store: new(memory.Store)}}
	now := func() time.Time { return w.now }
	w.ledger = &ledger.Ledger{Store: w.store, Policy: wallet.DefaultPolicy(), Now: now}
	w.Auditor = &Auditor{Store: w.store, Now: now, Lag: Lag, Grace: wallet.DefaultPolicy().Grace}
	return w
}

func (w *world) do(command wallet.Command, documents ...ledger.Document) wallet.Entry {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	receipt, err := w.ledger.Do(w.t.Context(), "acme", ledger.Intent{Command: command, Documents: documents, After: charge.Of})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Entry
}

// story is a journal of 12 entries: all verbs, an order that was paid, a charge of a cloud.
func (w *world) story() *world {
	w.t.Helper()
	zero := money.Zero(money.CNY)
	w.do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"})
	order := recharge.Order{ID: "R1", Account: "acme", Currency: money.CNY, Minor: 50_000, State: recharge.Credited, Trade: "T1", Channel: "alipay"}
	w.do(wallet.TopUp{Order: "R1", Amount: order.Amount(), Channel: "alipay", Trade: "T1"},
		ledger.Document{Key: recharge.Key("R1")}.With(order).In(recharge.ListOf("acme"), "1"))
	w.do(wallet.Adjust{Account: "acme", Once: "a", Amount: money.Units(money.CNY, 700), Reason: "transfer", Actor: "olga"})
	w.do(wallet.Activate{Account: "acme", Once: "v", Source: wallet.FromOperator, Face: money.Units(money.CNY, 20), MinBill: zero, ExpiresAt: dayEnd.Add(10 * 24 * time.Hour)})
	w.do(wallet.Purchase{Account: "acme", Once: "p", Face: money.Units(money.CNY, 100)})
	w.settle("b-1", wallet.BillingCenter, "13.405")
	settled := w.settle("b-2", wallet.BillingCenter, "9")
	w.settle("b-3", wallet.Cloud, "300")
	terms, err := w.ledger.Terms(w.t.Context(), settled)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(wallet.Reverse{Settled: settled, Granted: terms, Once: "r", Reason: "twice", Actor: "olga"})
	w.settle("b-4", wallet.BillingCenter, "2")
	w.do(wallet.Activate{Account: "acme", Once: "v2", Source: wallet.FromOperator, Face: money.Units(money.CNY, 20), MinBill: zero, ExpiresAt: dayEnd.Add(24 * time.Hour)})
	w.now = dayEnd.Add(49 * time.Hour)
	w.do(wallet.Expire{Lot: w.head().Lots[0].ID})
	return w
}

func (w *world) head() wallet.Head {
	w.t.Helper()
	head, err := w.store.Store.Head(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	return head
}

func (w *world) settle(id string, method wallet.Method, amount string) wallet.Entry {
	w.t.Helper()
	exact, err := money.ParseExact("", amount, money.CNY)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(wallet.Settle{
		Bill: wallet.Bill{
			ID: wallet.BillID(id), Workspace: "ws", Day: "2026-11-01", Currency: money.CNY,
			Lines: []wallet.Line{{Product: "logs", Usage: "1", Unit: "GB", Amount: exact}},
		},
		DayEnd: dayEnd, Method: method, Cloud: wallet.CloudAccount{Provider: "aws", Customer: "c"},
	})
}

// more settles n further bills.
func (w *world) more(n int) {
	w.t.Helper()
	for i := range n {
		w.settle(fmt.Sprintf("more-%d-%d", w.head().Version, i), wallet.BillingCenter, "0.01")
	}
}

func (w *world) audit() Report {
	w.t.Helper()
	report, err := w.Audit(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	return report
}
