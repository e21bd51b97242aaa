package watch_test

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/mail"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/preference"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
	"billingcentre/shared/watch"
)

var noon = time.Date(2026, 11, 10, 4, 0, 0, 0, time.UTC) // in Shanghai

// world is a watch over the account acme, with a clock that a test moves.
type world struct {
	watch.Watch
	t     *testing.T
	now   time.Time
	books *ledger.Ledger
	steps int
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: noon}
	clock := func() time.Time { return w.now }
	w.books = &ledger.Ledger{Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: clock}
	w.Watch = watch.Watch{Store: w.books.Store, Now: clock, Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: io.Discard}}
	_, err := w.books.Do(t.Context(), "acme", directory.Opening(directory.Account{ID: "acme", Name: "Acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops"))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) want(p preference.Preferences) {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	kept, err := preference.Load(w.t.Context(), w.Store, "acme")
	if err == nil {
		p.Account, p.Version, p.Language = "acme", kept.Version, mail.English
		_, err = preference.Save(w.t.Context(), w.Store, p, "pat", w.now)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// do books something, a second later. It returns the entry's number.
func (w *world) do(command wallet.Command) int64 {
	w.t.Helper()
	w.now = w.now.Add(time.Second)
	receipt, err := w.books.Do(w.t.Context(), "acme", ledger.Intent{Command: command})
	if err != nil {
		w.t.Fatal(err)
	}
	return receipt.Entry.Number
}

// change books an inflow of cash, or an outflow when it is below 0, in fen.
func (w *world) change(fen int64) int64 {
	w.steps++
	return w.do(wallet.Adjust{Account: "acme", Once: fmt.Sprint(w.steps), Amount: money.Of(money.CNY, max(fen, -fen)), Debit: fen < 0, Reason: "test"})
}

// bill settles what products cost on a day.
func (w *world) bill(day string, costs map[string]string) int64 {
	w.t.Helper()
	w.steps++
	b := wallet.Bill{ID: wallet.BillID(fmt.Sprint("b", w.steps)), Workspace: "shop", Day: day, Currency: money.CNY}
	for product, cost := range costs {
		exact, err := money.ParseExact("", cost, money.CNY)
		if err != nil {
			w.t.Fatal(err)
		}
		b.Lines = append(b.Lines, wallet.Line{Product: product, Usage: "1", Unit: "GB", Amount: exact})
	}
	zone, err := directory.Zone("Asia/Shanghai")
	if err != nil {
		w.t.Fatal(err)
	}
	end, err := directory.DayEnd(day, zone)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.do(wallet.Settle{Bill: b, DayEnd: end, Method: wallet.BillingCenter})
}

func (w *world) look(until int64) {
	w.t.Helper()
	if err := w.Look(w.t.Context(), "acme", until); err != nil {
		w.t.Fatal(err)
	}
}

// told are the balances of which a notice was made, by the numbers of their entries.
func (w *world) told(until int64) (balances []string) {
	w.t.Helper()
	for number := int64(1); number <= until; number++ {
		n, _, err := ledger.Read[notice.Notice](w.t.Context(), w.Store, notice.KeyOf("low_balance", fmt.Sprintf("acme#%d", number)))
		if err == nil {
			balances = append(balances, n.LowBalance.Balance)
		} else if !refusal.Is(err, refusal.NotFound) {
			w.t.Fatal(err)
		}
	}
	return balances
}

// high are the days and products of which a notice was made.
func (w *world) high(days, products []string) (told []string) {
	w.t.Helper()
	for _, day := range days {
		for _, product := range products {
			wanted := notice.ConsumptionHigh("acme", notice.HighConsumption{Day: day, Product: product})
			n, _, err := ledger.Read[notice.Notice](w.t.Context(), w.Store, notice.KeyOf("high_consumption", wanted.Cause))
			if err == nil {
				told = append(told, fmt.Sprintf("%s %q %s of %s", day, product, n.HighConsumption.Spent, n.HighConsumption.Limit))
			} else if !refusal.Is(err, refusal.NotFound) {
				w.t.Fatal(err)
			}
		}
	}
	return told
}
