package statement

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/books"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// quarter is an account's October, November and December: vouchers, a card, cash, arrears, a cloud workspace, late bills and
// reversals. Bills are settled at ten in the morning after their day.
func quarter(w *world) {
	w.open("acme", shanghai)
	w.voucher("acme", wallet.Regular, 30, 40)
	w.voucher("acme", wallet.Discount, 10, 0)
	w.card("acme", 100, 0)
	w.cash("acme", 60_00)
	var october, november wallet.Entry
	for day := at("2026-10-02T10:00:00+08:00"); day.Before(at("2027-01-05T00:00:00+08:00")); day = day.AddDate(0, 0, 1) {
		w.now = day
		date := day.AddDate(0, 0, -1).Format(time.DateOnly)
		settled := w.settle("acme", "shop", date, line("logs", "1.234567"), line("sms", "0.51"))
		w.settleBy("acme", wallet.Cloud, "cloud", date, line("traces", "0.70"))
		switch date {
		case "2026-10-15":
			october = settled
		case "2026-11-20":
			november = settled
		case "2026-11-10": // long after its month's bill
			w.settle("acme", "shop", "2026-10-03", line("late", "2.5"), line("logs", "0.004"))
			w.reverse("acme", october)
		case "2026-12-02": // before November's bill is cut
			w.reverse("acme", november)
		case "2026-12-10":
			w.settle("acme", "shop", "2026-10-04", line("late", "3"))
			w.settle("acme", "shop", "2026-11-04", line("late", "4"))
			w.cash("acme", 5_00)
		}
		for _, lot := range mustHead(w, "acme").Lots {
			if lot.LapsedAt(w.now, w.Policy.Grace) {
				w.do("acme", wallet.Expire{Lot: lot.ID})
			}
		}
	}
}

func mustHead(w *world, id wallet.AccountID) wallet.Head {
	head, err := w.store.Head(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return head
}

var months = []Month{"2026-10", "2026-11", "2026-12"}

func TestMonthlyBillsAddUpToTheJournal(t *testing.T) {
	w := newWorld(t)
	quarter(w)
	sum := nothing(money.CNY)
	var last Kept
	for _, month := range months {
		last = w.make("acme", month)
		for _, section := range [...]Sum{last.Bill.Usage, last.Bill.Adjustments} {
			sum = plus(sum, totals(t, section))
		}
		checkBill(t, last.Bill)
	}
	// What the journal says, by postings and not by rows: everything settled and taken back up to the last cut, but for the
	// days of January that were settled before it.
	want := nothing(money.CNY)
	journal, err := w.store.Journal(t.Context(), "acme", last.Bill.Through+1, 1_000)
	if err != nil {
		t.Fatal(err)
	}
	settled := map[wallet.BillID]wallet.Entry{}
	for _, e := range journal {
		if s := e.Settlement; s != nil {
			settled[s.Bill] = e
			if s.Day < "2027" {
				want = plus(want, posted(e, 1))
			}
		}
	}
	for _, e := range journal {
		if e.Reversal != nil {
			want = plus(want, posted(settled[e.Reversal.Bill], -1))
		}
	}
	sum.Lines, want.Lines = 0, 0
	if diff := cmp.Diff(SumOf(want), SumOf(sum)); diff != "" {
		t.Errorf("sum of the bills (-journal +bills):\n%s", diff)
	}
}

// posted is what an entry's settlement says that funds paid.
func posted(e wallet.Entry, sign int64) (t books.Totals) {
	t = nothing(money.CNY)
	s := e.Settlement
	paid := func(from wallet.PlaceKind, kind wallet.LotKind) money.Amount {
		return money.Of(money.CNY, sign*s.Paid(from, kind, money.CNY).Minor())
	}
	t.Paid.Regular, t.Paid.Discount, t.Paid.Card = paid(wallet.InLot, wallet.Regular), paid(wallet.InLot, wallet.Discount), paid(wallet.InLot, wallet.Card)
	t.Paid.Cash, t.Paid.Cloud, t.Paid.Arrears = paid(wallet.InCash, 0), paid(wallet.AtCloud, 0), paid(wallet.InArrears, 0)
	for _, c := range s.Classes {
		t.Payable = t.Payable.Add(money.Of(money.CNY, sign*c.Payable.Minor()))
		exact := c.Exact
		if sign < 0 {
			exact = money.ZeroExact(money.CNY).Sub(exact)
		}
		t.Exact = t.Exact.Add(exact)
	}
	t.Bills = sign
	return t
}

// amount reads a signed amount of an answer.
func amount(t *testing.T, text string) money.Amount {
	t.Helper()
	digits, below := strings.CutPrefix(text, "-")
	a, err := money.Parse("", digits, money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	if below {
		return money.Of(money.CNY, -a.Minor())
	}
	return a
}

func totals(t *testing.T, s Sum) books.Totals {
	t.Helper()
	exact, err := money.ReadExact(s.Exact, money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	out := nothing(money.CNY)
	out.Bills, out.Lines, out.Exact, out.Payable = s.Bills, s.Lines, exact, amount(t, s.Payable)
	out.Paid.Regular, out.Paid.Discount, out.Paid.Card = amount(t, s.Paid.Regular), amount(t, s.Paid.Discount), amount(t, s.Paid.Card)
	out.Paid.Cash, out.Paid.Cloud, out.Paid.Arrears = amount(t, s.Paid.Cash), amount(t, s.Paid.Cloud), amount(t, s.Paid.Overdue)
	return out
}

// checkBill is what must hold within one bill.
func checkBill(t *testing.T, b Bill) {
	t.Helper()
	parts := cny(0)
	for _, part := range []string{b.Cash, b.Cloud, b.Vouchers, b.Cards, b.Overdue} {
		parts = parts.Add(amount(t, part))
	}
	if parts != amount(t, b.Total) {
		t.Errorf("%s: the parts are %s, the total %s", b.Month, parts, b.Total)
	}
	for name, rows := range map[string][]Line{"products": b.Products, "workspaces": b.Workspaces, "adjusted": b.Adjusted} {
		want := b.Usage
		if name == "adjusted" {
			want = b.Adjustments
		}
		sum := nothing(money.CNY)
		for _, row := range rows {
			sum = plus(sum, totals(t, row.Sum))
		}
		sum.Bills = want.Bills // a bill is in several rows
		if diff := cmp.Diff(want, SumOf(sum)); diff != "" {
			t.Errorf("%s: rows of %s (-total +sum):\n%s", b.Month, name, diff)
		}
	}
	lots := map[string][2]money.Amount{}
	for _, f := range b.Funds {
		if amount(t, f.Opening).Add(amount(t, f.In)).Sub(amount(t, f.Out)) != amount(t, f.Closing) {
			t.Errorf("%s: %+v doesn't add up", b.Month, f)
		}
		sum, known := lots[f.Kind]
		if !known {
			sum = [2]money.Amount{cny(0), cny(0)}
		}
		lots[f.Kind] = [2]money.Amount{sum[0].Add(amount(t, f.Opening)), sum[1].Add(amount(t, f.Closing))}
	}
	for kind, want := range map[string][2]string{
		"regular": {b.Opening.Regular, b.Closing.Regular}, "discount": {b.Opening.Discount, b.Closing.Discount}, "card": {b.Opening.Card, b.Closing.Card},
		"cash": {b.Opening.Cash, b.Closing.Cash}, "arrears": {b.Opening.Arrears, b.Closing.Arrears},
	} {
		if got, known := lots[kind]; known && (got[0].String() != want[0] || got[1].String() != want[1]) {
			t.Errorf("%s: funds of %s sum up to %v, the balances are %v", b.Month, kind, got, want)
		}
	}
}

func TestABillIsTheSameWheneverItIsMade(t *testing.T) {
	w := newWorld(t)
	quarter(w)
	var kept []Kept
	for _, month := range months {
		kept = append(kept, w.make("acme", month))
	}
	for i := range 150 { // later entries, of those very months too
		w.settle("acme", "shop", fmt.Sprintf("2026-11-%02d", i%28+1), line("later", "1.5"))
	}
	for i, k := range kept {
		again := w.rebuild(k)
		if diff := cmp.Diff(string(k.document().Body), string(again.document().Body)); diff != "" || again.SHA256 != k.SHA256 {
			t.Errorf("%s (-kept +made again):\n%s", months[i], diff)
		}
		if made, err := w.maker.Make(t.Context(), "acme", months[i]); made != Already || err != nil {
			t.Errorf("%s: %q, %v", months[i], made, err)
		}
	}
}

func TestWhenABillIsMade(t *testing.T) {
	w := newWorld(t)
	w.open("acme", shanghai)
	w.now = at("2026-11-01T10:00:00+08:00")
	w.open("later", shanghai)
	w.open("west", "America/Los_Angeles") // there it is still October
	for _, row := range []struct {
		now     string
		account wallet.AccountID
		made    Made
		kind    refusal.Kind
	}{
		{"2026-11-03T23:59:59+08:00", "acme", "", refusal.TooEarly},
		{"2026-11-04T00:04:59+08:00", "acme", "", refusal.TooEarly}, // clocks differ
		{"2026-11-04T00:05:00+08:00", "acme", New, ""},
		{"2026-11-04T00:05:00+08:00", "acme", Already, ""},
		{"2026-11-04T00:05:00+08:00", "later", None, ""},
		{"2026-11-04T00:05:00+08:00", "west", "", refusal.TooEarly},
		{"2026-11-04T00:05:00-08:00", "west", New, ""},
		{"2026-11-04T00:05:00-08:00", "nobody", "", refusal.NotFound},
	} {
		w.now = at(row.now)
		made, err := w.maker.Make(t.Context(), row.account, "2026-10")
		var kind refusal.Kind
		if r := refusal.As(err); r != nil {
			kind = r.Kind
		}
		if kind != row.kind || err == nil && made != row.made {
			t.Errorf("%s at %s: %q, %v", row.account, row.now, made, err)
		}
	}
}

func TestABillBringsItsNoticeAndTheCountdownOfArrears(t *testing.T) {
	w := newWorld(t)
	w.open("acme", shanghai)
	w.now = at("2026-10-03T10:00:00+08:00")
	w.settle("acme", "shop", "2026-10-02", line("logs", "7.50"))
	w.now = at("2026-11-04T01:00:00+08:00")
	kept := w.make("acme", "2026-10")
	if kept.Bill.Overdue != "7.50" || kept.Bill.Closing.Arrears != "7.50" {
		t.Errorf("%+v", kept.Bill)
	}
	found, err := w.store.Documents(t.Context(), ledger.DocumentKey{Kind: "notice", ID: "monthly_bill:acme#2026-10"},
		ledger.DocumentKey{Kind: "notice", ID: "arrears_countdown:acme#1"}, ledger.DocumentKey{Kind: "arrears", ID: "acme"})
	if err != nil || len(found) != 3 {
		t.Errorf("found %d documents: %v, %v", len(found), found, err)
	}
}

func TestLongSectionsAreKeptInParts(t *testing.T) {
	w := newWorld(t)
	w.open("acme", shanghai)
	w.cash("acme", 1_000_00)
	w.now = at("2026-10-03T10:00:00+08:00")
	for i := range 230 {
		w.settle("acme", fmt.Sprintf("ws-%03d", i), "2026-10-02", line("logs", "0.10"), line("sms", "0.20"))
	}
	for range 60 {
		w.card("acme", 100, 0)
	}
	w.now = at("2026-11-05T10:00:00+08:00")
	kept := w.make("acme", "2026-10")
	if len(kept.Bill.Workspaces) != 0 || len(kept.Bill.Products) != 2 || len(kept.Bill.Funds) != 0 {
		t.Fatalf("%+v", kept.Bill.Sections)
	}
	bills := Bills{w.store}
	var lines []Line
	for from := 0; ; from += 30 {
		page, err := bills.Lines(t.Context(), kept, SectionWorkspaces, from, 30)
		if err != nil {
			t.Fatal(err)
		}
		if lines = append(lines, page...); len(page) < 30 {
			break
		}
	}
	funds, err := bills.FundLines(t.Context(), kept, 0, 100)
	if err != nil || len(funds) != 62 || len(lines) != 460 {
		t.Fatalf("%d lines, %d funds, %v", len(lines), len(funds), err)
	}
	for _, check := range []struct {
		section int
		rows    any
	}{{1, lines}, {3, funds}} {
		if hash, err := hashed(check.rows); err != nil || hash != kept.Bill.Sections[check.section].SHA256 {
			t.Errorf("%+v: its rows hash to %s, %v", kept.Bill.Sections[check.section], hash, err)
		}
	}
	whole := kept.Bill
	whole.Workspaces, whole.Funds = lines, funds
	checkBill(t, whole)
	if again := w.rebuild(kept); again.SHA256 != kept.SHA256 {
		t.Errorf("made again: %s", again.SHA256)
	}
}

// A bill may tell of one product in several lines, such as two of its meters: it is one bill of that product all the same.
func TestABillOfTwoLinesOfAProductIsOneBill(t *testing.T) {
	w := newWorld(t)
	w.open("acme", shanghai)
	w.cash("acme", 60_00)
	w.now = at("2026-10-03T10:00:00+08:00")
	w.settle("acme", "shop", "2026-10-01", line("logs", "1"), line("logs", "2"), line("traces", "3"))
	w.reverse("acme", w.settle("acme", "shop", "2026-10-02", line("logs", "1"), line("logs", "2")))
	w.settle("acme", "yard", "2026-10-02", line("logs", "1"))
	w.now = at("2026-11-05T00:00:00+08:00")
	b := w.make("acme", "2026-10").Bill
	groups, err := w.view("acme").Totals(t.Context(), books.Filter{From: "2026-10-01", Until: "2026-10-31"}, books.ByProduct)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int64{2, 1} { // logs, traces
		if b.Products[i].Bills != want || groups[i].Bills != want {
			t.Errorf("%d bills of %s, %d by its consumption, want %d", b.Products[i].Bills, b.Products[i].Product, groups[i].Bills, want)
		}
	}
	if b.Usage.Bills != 2 {
		t.Errorf("%d bills, want 2", b.Usage.Bills)
	}
}
