package books_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// world is some accounts with a random life, on a clock that moves.
type world struct {
	testing.TB
	store  ledger.Store
	ledger *ledger.Ledger
	random *rand.Rand
	now    time.Time
	once   int
	bills  map[wallet.AccountID][]wallet.Entry // settled, not reversed
}

var products = []string{"logs", "traces", "sms", "dial_testing", "reports", "time_series"}

func newWorld(t testing.TB, seed uint64) *world {
	w := &world{
		TB: t, store: new(memory.Store), random: rand.New(rand.NewPCG(seed, seed)), now: time.Date(2026, 8, 30, 15, 0, 0, 0, time.UTC),
		bills: map[wallet.AccountID][]wallet.Entry{},
	}
	w.ledger = &ledger.Ledger{Store: w.store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return w.now }}
	return w
}

func (w *world) open(account wallet.AccountID) {
	w.Helper()
	zone := "Asia/Shanghai"
	if w.random.IntN(2) == 0 {
		zone = "America/New_York"
	}
	opening := directory.Opening(directory.Account{ID: account, Currency: money.CNY, Zone: zone}, "olga")
	if _, err := w.ledger.Do(w.Context(), account, opening); err != nil {
		w.Fatal(err)
	}
}

func (w *world) keeper(store ledger.Store) *books.Keeper {
	k := books.NewKeeper(store, func() time.Time { return w.now }, slog.New(slog.DiscardHandler), &metric.Metrics{Out: discard{}})
	k.Most, k.Wait = 100, func(ctx context.Context, _ int) error { return ctx.Err() }
	return k
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// live makes so many random things happen to an account; what is refused doesn't count.
func (w *world) live(account wallet.AccountID, times int) {
	w.Helper()
	for done := 0; done < times; {
		if w.random.IntN(3) > 0 {
			w.now = w.now.Add(time.Duration(w.random.IntN(12 * int(time.Hour))))
		}
		var intents []ledger.Intent
		for range 1 + w.random.IntN(4) {
			intents = append(intents, w.intent(account))
		}
		for _, o := range w.ledger.DoAll(w.Context(), account, intents) {
			switch {
			case o.Err == nil:
				done++
				if o.Entry.Settlement != nil {
					w.bills[account] = append(w.bills[account], o.Entry)
				}
			case refusal.As(o.Err) == nil:
				w.Fatal(o.Err)
			}
		}
	}
}

func (w *world) intent(account wallet.AccountID) ledger.Intent {
	w.once++
	once := fmt.Sprint(w.once)
	yuan := money.Of(money.CNY, 1+w.random.Int64N(30_000))
	switch pick := w.random.IntN(20); pick {
	case 0, 1:
		return ledger.Intent{Command: wallet.TopUp{Order: once, Amount: yuan, Channel: "alipay", Trade: once}}
	case 2, 3:
		return ledger.Intent{Command: wallet.Activate{
			Account: account, Once: once, Kind: wallet.LotKind(w.random.IntN(2)), Face: yuan, MinBill: money.Zero(money.CNY), ValidDays: 1 + w.random.IntN(40),
		}}
	case 4:
		return ledger.Intent{Command: wallet.Purchase{Account: account, Once: once, Face: money.Units(money.CNY, 100)}}
	case 5:
		return ledger.Intent{Command: wallet.Allocate{Account: account, Once: once, Face: money.Units(money.CNY, 100), ValidDays: 1 + w.random.IntN(60)}}
	case 6:
		return ledger.Intent{Command: wallet.Adjust{Account: account, Once: once, Amount: yuan, Debit: w.random.IntN(2) == 0, Reason: "test"}}
	case 7:
		return w.reversal(account, once)
	case 8:
		head, err := w.store.Head(w.Context(), account)
		if err != nil {
			w.Fatal(err)
		}
		for _, lot := range head.Lots {
			if lot.LapsedAt(w.now, w.ledger.Policy.Grace) {
				return ledger.Intent{Command: wallet.Expire{Lot: lot.ID}}
			}
		}
	}
	return ledger.Intent{Command: w.bill(once)}
}

func (w *world) reversal(account wallet.AccountID, once string) ledger.Intent {
	settled := w.bills[account]
	if len(settled) == 0 {
		return ledger.Intent{Command: w.bill(once)}
	}
	i := w.random.IntN(len(settled))
	bill := settled[i]
	w.bills[account] = slices.Delete(settled, i, i+1)
	return ledger.Intent{Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
		granted, err := w.ledger.Terms(ctx, bill)
		return wallet.Reverse{Settled: bill, Granted: granted, Once: once, Reason: "test"}, nil, err
	}}
}

func (w *world) bill(once string) wallet.Settle {
	age := 1 + w.random.IntN(4)
	if w.random.IntN(8) == 0 {
		age += w.random.IntN(90)
	}
	day := w.now.AddDate(0, 0, -age)
	s := wallet.Settle{
		Bill: wallet.Bill{
			ID: wallet.BillID("b" + once), Workspace: wallet.WorkspaceID(fmt.Sprintf("ws-%d", w.random.IntN(4))), Day: day.Format(time.DateOnly), Currency: money.CNY,
		},
		DayEnd: day, Method: wallet.BillingCenter,
	}
	if w.random.IntN(4) == 0 {
		s.Method, s.Cloud = wallet.Cloud, wallet.CloudAccount{Provider: "aws", Customer: "c"}
	}
	for range w.random.IntN(6) {
		amount := fmt.Sprintf("%d.%d", w.random.IntN(40), w.random.IntN(1_000_000))
		if w.random.IntN(8) == 0 {
			amount = "-" + amount
		}
		exact, err := money.ParseExact("", amount, money.CNY)
		if err != nil {
			w.Fatal(err)
		}
		s.Bill.Lines = append(s.Bill.Lines, wallet.Line{Product: products[w.random.IntN(len(products))], Usage: fmt.Sprint(w.random.IntN(9999)), Unit: "u", Amount: exact})
	}
	return s
}

// journal is all entries of an account, in order.
func (w *world) journal(account wallet.AccountID) []wallet.Entry {
	w.Helper()
	entries, err := w.store.Journal(w.Context(), account, 0, 1<<20)
	if err != nil {
		w.Fatal(err)
	}
	slices.Reverse(entries)
	return entries
}

func (w *world) view(account wallet.AccountID) *books.View {
	w.Helper()
	v, err := (&books.Books{Store: w.store}).Open(w.Context(), account)
	if err != nil {
		w.Fatal(err)
	}
	return v
}
