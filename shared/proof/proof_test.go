package proof

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/payment"
	"billingcentre/shared/refusal"
	"billingcentre/shared/transfer"
	"billingcentre/shared/wallet"
)

// told is a proof and its cases on a few lines.
func told(p Proof, cases []Case) string {
	lines := []string{fmt.Sprintf("theirs %d-%d ours %d-%d", p.Theirs.In, p.Theirs.Out, p.Ours.In, p.Ours.Out)}
	for _, c := range cases {
		lines = append(lines, fmt.Sprintf("%s %d/%d", c.Class, c.Theirs, c.Ours))
	}
	return strings.Join(lines, ", ")
}

func TestADayFitsOrItsCasesSayWhyNot(t *testing.T) {
	for _, c := range []struct {
		name string
		live func(w *world) // the day before
		want string
	}{
		{"nothing happened", func(*world) {}, "theirs 0-0 ours 0-0"},
		{"paid and credited", func(w *world) { w.pay(w.order("1", "100.00"), "t1", true) }, "theirs 10000-0 ours 10000-0"},
		{"and some of it refunded", func(w *world) {
			order := w.order("1", "100.00")
			w.pay(order, "t1", true)
			w.refund(order, "30.00", true)
		}, "theirs 10000-3000 ours 10000-3000"},
		{"paid twice, the second sent back", func(w *world) {
			order := w.order("1", "100.00")
			w.pay(order, "t1", true)
			w.pay(order, "t2", true)
			w.walk()
			w.billRefunds(order.ID)
		}, "theirs 20000-10000 ours 20000-10000"},
		{"paid, and we don't know", func(w *world) { w.pay(w.order("1", "100.00"), "t1", false) }, "theirs 10000-0 ours 0-0, status_differs 10000/0"},
		{"paid for no order", func(w *world) {
			w.bill(payment.BillRow{OrderID: "nobody", Ref: "t1", Amount: cny("5.00"), At: w.now})
		}, "theirs 500-0 ours 0-0, theirs_only 500/0"},
		{"credited, and they don't know", func(w *world) {
			w.pay(w.order("1", "100.00"), "t1", true)
			w.pay(w.order("2", "1.00"), "t2", true)
			w.provider.rows[yesterday] = w.provider.rows[yesterday][1:]
		}, "theirs 100-0 ours 10100-0, ours_only 0/10000"},
		{"another amount", func(w *world) {
			w.pay(w.order("1", "100.00"), "t1", true)
			w.provider.rows[yesterday][0].Amount = cny("100.01")
		}, "theirs 10001-0 ours 10000-0, amount_differs 10001/10000"},
		{"less reached us", func(w *world) {
			w.pay(w.order("1", "100.00"), "t1", true)
			w.provider.rows[yesterday][0].Received = cny("99.00")
		}, "theirs 10000-0 ours 10000-0, amount_differs 10000/10000"},
		{"a row twice", func(w *world) {
			w.pay(w.order("1", "100.00"), "t1", true)
			w.provider.rows[yesterday] = append(w.provider.rows[yesterday], w.provider.rows[yesterday][0])
		}, "theirs 20000-0 ours 10000-0, theirs_only 10000/0"},
		{"a refund that nobody asked for", func(w *world) {
			order := w.order("1", "100.00")
			w.pay(order, "t1", true)
			w.bill(payment.BillRow{OrderID: order.ID, Ref: "t1", Refund: "somebody", Amount: cny("7.00"), At: w.now})
		}, "theirs 10000-700 ours 10000-0, theirs_only -700/0"},
		{"a refund of which they don't know", func(w *world) {
			order := w.order("1", "100.00")
			w.pay(order, "t1", true)
			w.refund(order, "30.00", false)
		}, "theirs 10000-0 ours 10000-3000, ours_only 0/-3000"},
		{"a refund of another amount", func(w *world) {
			order := w.order("1", "100.00")
			w.pay(order, "t1", true)
			w.refund(order, "30.00", true)
			w.provider.rows[yesterday][1].Amount = cny("31.00")
		}, "theirs 10000-3100 ours 10000-3000, amount_differs -3100/-3000"},
		{"just before midnight, heard of just after", func(w *world) {
			w.now = time.Date(2026, 11, 2, 23, 59, 59, 0, zone)
			order := w.order("1", "100.00")
			w.pay(order, "t1", false)
			trade := w.provider.trades["t1"]
			w.now = w.now.Add(2 * time.Second)
			if _, err := w.desk.Credit(w.t.Context(), trade); err != nil {
				w.t.Fatal(err)
			}
		}, "theirs 10000-0 ours 10000-0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			c.live(w)
			proof, cases := w.prove("alipay")
			if got := told(proof, cases); got != c.want {
				t.Errorf("%s\nwant %s", got, c.want)
			}
			if proof.Balanced() != !strings.Contains(c.want, "/") {
				t.Errorf("balanced: %v", proof.Balanced())
			}
		})
	}
}

// A refund that they made before midnight, and we booked after it, is on both sides, if on two days.
func TestMidnightIsNoCase(t *testing.T) {
	w := newWorld(t)
	order := w.order("1", "100.00")
	w.pay(order, "t1", true)
	w.now = time.Date(2026, 11, 2, 23, 59, 59, 0, zone)
	billed := w.now
	w.now = w.now.Add(2 * time.Second)
	refund := w.refund(order, "30.00", false)
	w.bill(payment.BillRow{OrderID: order.ID, Ref: "t1", Refund: refund.ID, Amount: cny("30.00"), At: billed})
	if proof, cases := w.prove("alipay"); told(proof, cases) != "theirs 10000-3000 ours 10000-3000" {
		t.Error(told(proof, cases))
	}
	w.now = time.Date(2026, 11, 4, 10, 0, 0, 0, zone)
	w.bill(payment.BillRow{OrderID: "R0", Ref: "t9", Amount: cny("1.00"), At: w.now.AddDate(0, 0, -1)})
	proofs, err := w.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range proofs {
		if p.Day == "2026-11-03" && p.Source == "alipay" && (len(p.Cases) != 1 || p.Ours.Net() != 0) {
			t.Errorf("the day after: %+v", p)
		}
	}
}

func TestRunningAgainChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.pay(w.order("1", "100.00"), "t1", false)
	first, _ := w.prove("alipay")
	found := 0
	w.Found = func(Proof) { found++ }
	asked := w.provider.asked
	w.provider.rows[yesterday] = nil
	again, cases := w.prove("alipay")
	if diff := cmp.Diff(first, again); diff != "" || len(cases) != 1 || found != 0 || w.provider.asked != asked {
		t.Errorf("%s, %d cases, %d found, %d bills", diff, len(cases), found, w.provider.asked-asked)
	}
	c, err := w.Book.Close(t.Context(), cases[0].ID, "credited by hand", "olga")
	if err != nil || c.State != CaseClosed {
		t.Fatal(c, err)
	}
	if _, err := w.Book.Close(t.Context(), c.ID, "credited by hand", "olga"); err != nil {
		t.Errorf("the same word again: %v", err)
	}
	if _, err := w.Book.Close(t.Context(), c.ID, "no idea", "ole"); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("another reason: %v", err)
	}
	if open, _, err := w.Book.Cases(t.Context(), false, "", 10); err != nil || len(open) != 0 {
		t.Errorf("%d open cases, %v", len(open), err)
	}
	if closed, _, err := w.Book.Cases(t.Context(), true, "", 10); err != nil || len(closed) != 1 || closed[0].Reason != "credited by hand" {
		t.Errorf("%+v, %v", closed, err)
	}
}

// Unknown isn't zero: no bill, while something is ours, is no proof, and is made up for when there is one.
func TestALateBillIsMadeUpFor(t *testing.T) {
	w := newWorld(t)
	w.pay(w.order("1", "100.00"), "t1", true)
	late := w.provider.rows
	w.provider.rows = nil
	w.now = time.Date(2026, 11, 3, 10, 0, 0, 0, zone)
	if _, err := w.Run(t.Context()); !errors.Is(err, payment.ErrNoBill) {
		t.Errorf("without a bill: %v", err)
	}
	if _, err := w.Book.Proof(t.Context(), "alipay-"+yesterday); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("a proof without a bill: %v", err)
	}
	w.provider.rows = late
	w.now = w.now.AddDate(0, 0, 1)
	if _, err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := w.Book.Proof(t.Context(), "alipay-"+yesterday); err != nil || !p.Balanced() || p.Ours.In != 10000 {
		t.Errorf("%+v, %v", p, err)
	}
	w.provider.silent = true
	w.now = w.now.AddDate(0, 0, 1)
	if proofs, err := w.Run(t.Context()); !errors.Is(err, payment.ErrUnknownOutcome) || len(proofs) == 0 {
		t.Errorf("a silent provider: %d proofs, %v", len(proofs), err)
	}
}

func TestBankStatementsAreProved(t *testing.T) {
	w := newWorld(t)
	statement, _, err := w.bank.Import(t.Context(), []byte("id,date,credit,payer,memo\n1,2026-11-02,100.00,x,\n2,2026-11-02,50.00,y,\n3,2026-11-02,7.00,z,\n"), "olga")
	if err != nil {
		t.Fatal(err)
	}
	for i, shares := range [][]transfer.Share{
		{{Account: "acme", Amount: "99.00"}, {Return: true, Amount: "1.00", Reason: "too much"}}, {{Account: "acme", Amount: "20.00"}},
	} {
		if _, _, err := w.bank.Assign(t.Context(), transfer.Assignment{Row: statement.Rows[i], Once: "k", Shares: shares, Actor: "olga"}); err != nil {
			t.Fatal(err)
		}
	}
	proof, cases := w.prove("bank")
	if got := told(proof, cases); got != "theirs 15700-0 ours 12000-0, theirs_only 5000/2000, theirs_only 700/0" || proof.Ours.Held != 100 {
		t.Error(got, proof.Ours)
	}
	if proofs, _, err := w.Book.Proofs(t.Context(), "", 100); err != nil || len(proofs) != 2*lookBack || proofs[0].Day != yesterday {
		t.Errorf("%d proofs, %v", len(proofs), err)
	}
}

// A row in suspense is a case for as long as it is: assigned or sent back later, it closes with the reason the next morning.
func TestACaseOfSuspenseClosesItself(t *testing.T) {
	w := newWorld(t)
	statement, _, err := w.bank.Import(t.Context(), []byte("id,date,credit,payer,memo\n1,2026-11-02,50.00,y,\n2,2026-11-02,7.00,z,\n"), "olga")
	if err != nil {
		t.Fatal(err)
	}
	assign := func(row int, once string, shares ...transfer.Share) {
		t.Helper()
		if _, _, err := w.bank.Assign(t.Context(), transfer.Assignment{Row: statement.Rows[row], Once: once, Shares: shares, Actor: "olga"}); err != nil {
			t.Fatal(err)
		}
	}
	if proof, cases := w.prove("bank"); len(cases) != 2 {
		t.Fatal(told(proof, cases))
	}
	closed := func() (reasons []string) {
		t.Helper()
		w.now = w.now.AddDate(0, 0, 1)
		if _, err := w.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		cases, _, err := w.Book.Cases(t.Context(), true, "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			reasons = append(reasons, c.ClosedBy+": "+c.Reason)
		}
		slices.Sort(reasons)
		return reasons
	}
	assign(0, "some", transfer.Share{Account: "acme", Amount: "20.00"})
	if got := closed(); got != nil {
		t.Errorf("a part is still in suspense: %q", got)
	}
	assign(0, "rest", transfer.Share{Account: "acme", Amount: "29.00"}, transfer.Share{Return: true, Amount: "1.00", Reason: "too much"})
	if diff := cmp.Diff([]string{"proof: It has left suspense: 49.00 was credited, 1.00 sent back."}, closed()); diff != "" {
		t.Error(diff)
	}
	assign(1, "back", transfer.Share{Return: true, Amount: "7.00", Reason: "nobody's"})
	if got := closed(); len(got) != 2 || got[0] != "proof: It has left suspense: 0.00 was credited, 7.00 sent back." {
		t.Errorf("%q", got)
	}
	if got := closed(); len(got) != 2 {
		t.Errorf("a run later: %q", got)
	}
}

// A payment that was found only after its day was proved closes its case; what is still open stays so.
func TestACaseOfAPaymentThatWasFoundLaterClosesItself(t *testing.T) {
	w := newWorld(t)
	found, open := w.order("1", "100.00"), w.order("2", "5.00")
	w.pay(found, "t1", false)
	w.pay(open, "t2", false)
	if proof, cases := w.prove("alipay"); len(cases) != 2 {
		t.Fatal(told(proof, cases))
	}
	trade := payment.Trade{Channel: "alipay", OrderID: found.ID, Ref: "t1", State: payment.Paid, Total: found.Amount(), Received: found.Amount()}
	if _, err := w.desk.Credit(t.Context(), trade); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	cases, _, err := w.Book.Cases(t.Context(), true, "", 10)
	if err != nil || len(cases) != 1 || cases[0].Order != found.ID || cases[0].Reason != "It was credited later." {
		t.Errorf("%+v, %v", cases, err)
	}
}

// More rows than any read or list takes at once, and cases in the middle of them.
func TestALargeDay(t *testing.T) {
	w := newWorld(t)
	for i := range 530 {
		if i%90 == 0 { // an account may take a hundred orders a day
			w.open(wallet.AccountID(fmt.Sprint("a", i)))
		}
		w.pay(w.order(fmt.Sprint(i), "1.00"), fmt.Sprint("t", i), i != 301)
	}
	proof, cases := w.prove("alipay")
	if got := told(proof, cases); got != "theirs 53000-0 ours 52900-0, status_differs 100/0" || proof.Theirs.Payments != 530 {
		t.Error(got, proof.Theirs)
	}
}

// A table whose documents and journal disagree is found out: the proof doesn't take the order's word for the entry.
func TestTheJournalIsAsked(t *testing.T) {
	w := newWorld(t)
	order := w.order("1", "100.00")
	w.pay(order, "t1", true)
	key := ledger.DocumentKey{Kind: "recharge", ID: order.ID}
	found, err := w.store.Documents(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	document := found[slices.Collect(maps.Keys(found))[0]]
	document.Body = []byte(strings.Replace(string(document.Body), `"minor":10000`, `"minor":10001`, 1))
	if err := w.store.Put(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	if proof, cases := w.prove("alipay"); told(proof, cases) != "theirs 10000-0 ours 10000-0, amount_differs 10000/10000" {
		t.Error(told(proof, cases))
	}
}
