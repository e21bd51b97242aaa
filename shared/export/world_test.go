package export_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"billingcentre/shared/bill"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/export"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// world is the account acme, on a clock that moves.
type world struct {
	*testing.T
	now    time.Time
	ledger *ledger.Ledger
	zone   *time.Location
}

func newWorld(t *testing.T, zone string) *world {
	t.Helper()
	w := &world{T: t, now: time.Date(2026, 10, 30, 3, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	store := new(memory.Store)
	w.ledger = &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: now, Wait: func(context.Context, int) error { return nil }}
	opening := directory.Opening(directory.Account{ID: "acme", Name: "Acme, Ltd.", Currency: money.CNY, Zone: zone}, "olga")
	if _, err := w.ledger.Do(t.Context(), "acme", opening); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.zone, err = directory.Zone(zone); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) do(command wallet.Command) wallet.Entry {
	w.Helper()
	receipt, err := w.ledger.Do(w.Context(), "acme", ledger.Intent{Command: command})
	if err != nil {
		w.Fatal(err)
	}
	return receipt.Entry
}

// settle settles a bill: its id, workspace and day, and its lines as JSON.
func (w *world) settle(id, workspace, day, lines string) wallet.Entry {
	w.Helper()
	usage, err := bill.Decode([]byte(`{"version":1,"bill_id":"` + id + `","workspace_id":"` + workspace + `","day":"` + day + `","currency":"CNY","lines":[` + lines + `]}`))
	if err != nil {
		w.Fatal(err)
	}
	end, err := directory.DayEnd(day, w.zone)
	if err != nil {
		w.Fatal(err)
	}
	settle := wallet.Settle{Bill: usage, DayEnd: end, Method: wallet.BillingCenter}
	if workspace == "ws-cloud" {
		settle.Method, settle.Cloud = wallet.Cloud, wallet.CloudAccount{Provider: "aws", Customer: "c-1"}
	}
	return w.do(settle)
}

func (w *world) reverse(settled wallet.Entry, reason string) {
	w.Helper()
	terms, err := w.ledger.Terms(w.Context(), settled)
	if err != nil {
		w.Fatal(err)
	}
	w.do(wallet.Reverse{Settled: settled, Granted: terms, Once: "r" + string(settled.Settlement.Bill), Reason: reason, Actor: "olga"})
}

func (w *world) view() *books.View {
	w.Helper()
	view, err := (&books.Books{Store: w.ledger.Store}).Open(w.Context(), "acme")
	if err != nil {
		w.Fatal(err)
	}
	return view
}

// live is a fortnight with everything that a file must tell: all funds, arrears, a credit, a cloud account, a reversal, a
// bill that comes late, decimals, and names that somebody has chosen with care.
func (w *world) live() {
	w.Helper()
	zero := money.Zero(money.CNY)
	w.do(wallet.Activate{Account: "acme", Once: "v1", Kind: wallet.Regular, Source: wallet.FromOperator, Face: money.Units(money.CNY, 4), MinBill: zero, ValidDays: 60, Actor: "olga"})
	w.do(wallet.Activate{Account: "acme", Once: "v2", Kind: wallet.Discount, Source: wallet.FromOperator, Face: money.Units(money.CNY, 3), MinBill: zero, ValidDays: 60, Actor: "olga"})
	w.do(wallet.Allocate{Account: "acme", Once: "c1", Source: wallet.FromPartner, Face: money.Units(money.CNY, 100), ValidDays: 90, Reason: "=HYPERLINK(\"http://evil\")", Actor: "paul"})
	w.do(wallet.TopUp{Order: "R1", Amount: money.Of(money.CNY, 10_50), Channel: "alipay", Trade: "+2026"})
	w.now = time.Date(2026, 11, 2, 6, 2, 3, 0, time.UTC)
	w.settle("b-1", "ws-1", "2026-10-31", `{"product":"logs","usage":"35","unit":"M","unit_price":"1.5","amount":"52.5"},{"product":"sms","usage":"45","unit":"message","unit_price":"0.1","amount":"4.5"}`)
	twice := w.settle("b-2", "ws-1", "2026-11-01", `{"product":"=cmd|' /C calc'!A0","usage":"0.0000008","unit":"@GB","amount":"12.00000080000"},{"product":"对象存储","usage":"3","unit":"","amount":"0.000000000000000001"}`)
	w.settle("b-3", "ws-cloud", "2026-11-01", `{"product":"traces","usage":"4","unit":"M","unit_price":"6","amount":"24"},{"product":"sms","usage":"10","unit":"message","amount":"1"}`)
	w.now = w.now.AddDate(0, 0, 1)
	w.reverse(twice, "The meter ran twice; -1")
	w.settle("b-4", "ws-1", "2026-11-02", `{"product":"logs","usage":"80","unit":"M","unit_price":"1.5","amount":"120"},{"product":"logs","usage":"0","unit":"credit","amount":"-5.25"}`)
	w.now = time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)
	late := w.settle("b-5", "ws-1", "2026-10-30", `{"product":"dial_testing","usage":"90","unit":"k","unit_price":"0.1","amount":"9"}`)
	w.reverse(late, "Not theirs")
	w.do(wallet.TopUp{Order: "R2", Amount: money.Of(money.CNY, 100_00), Channel: "alipay", Trade: "2027"})
}

// november makes the monthly bills of October and November, and gives the latter.
func (w *world) november() statement.Kept {
	w.Helper()
	w.now = time.Date(2026, 12, 5, 1, 0, 0, 0, time.UTC)
	m := &statement.Maker{Store: w.ledger.Store, Policy: w.ledger.Policy, Now: w.ledger.Now}
	for _, month := range []statement.Month{"2026-10", "2026-11"} {
		if _, err := m.Make(w.Context(), "acme", month); err != nil {
			w.Fatal(err)
		}
	}
	kept, err := statement.Bills{Store: w.ledger.Store}.Bill(w.Context(), "acme", "2026-11")
	if err != nil {
		w.Fatal(err)
	}
	return kept
}

func (w *world) monthly(ctx context.Context) ([]statement.Kept, error) {
	all, _, err := statement.Bills{Store: w.ledger.Store}.List(ctx, "acme", "", 10)
	slices.Reverse(all)
	return all, err
}

func (w *world) sections(kept statement.Kept) export.Sections {
	made := statement.Bills{Store: w.ledger.Store}
	return export.Sections{
		Lines: func(ctx context.Context, section string, from, limit int) ([]statement.Line, error) {
			return made.Lines(ctx, kept, section, from, limit)
		},
		Funds: func(ctx context.Context, from, limit int) ([]statement.FundLine, error) {
			return made.FundLines(ctx, kept, from, limit)
		},
	}
}
