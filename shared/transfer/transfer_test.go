package transfer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"billingcentre/shared/crockford"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

func TestAnOrderHasACodeOfItsOwn(t *testing.T) {
	w := newWorld(t)
	first, again := w.order("acme", "k", "100.00", "Acme"), w.order("acme", "k", "100.00", "Acme")
	if first != again {
		t.Errorf("the same wish made %+v, then %+v", first, again)
	}
	if other := w.order("acme", "k2", "100.00", "Acme"); other.Code == first.Code || !crockford.Checks(first.Code) || len(first.Code) != codeSize {
		t.Errorf("codes %s and %s", first.Code, other.Code)
	}
	if _, _, err := w.Take(t.Context(), Wish{Account: "acme", Once: "k", Amount: "100.01", Payer: "Acme"}); !refusal.Is(err, refusal.KeyReused) {
		t.Errorf("the key with another amount: %v", err)
	}
	for i := range maxOpen - 2 {
		w.order("acme", fmt.Sprint("more", i), "1.00", "Acme")
	}
	if _, _, err := w.Take(t.Context(), Wish{Account: "acme", Once: "one more", Amount: "1.00"}); !refusal.Is(err, refusal.TooMany) {
		t.Errorf("an order too many: %v", err)
	}
	if _, err := w.Find(t.Context(), "zoo", first.ID); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("somebody else's order: %v", err)
	}
	w.now = first.ExpiresAt
	if late, err := w.Find(t.Context(), "acme", first.ID); err != nil || late.State != Expired {
		t.Errorf("at its expiry it is %s, %v", late.State, err)
	}
}

// A code that chance gives twice is never given to two orders.
func TestCodesNeverMeanTwoOrders(t *testing.T) {
	w := newWorld(t)
	w.Chance = strings.NewReader(strings.Repeat("AAAAAAA", 2) + "BBBBBBB")
	if a, b := w.order("acme", "1", "1.00", ""), w.order("zoo", "1", "1.00", ""); a.Code == b.Code {
		t.Errorf("both have the code %s", a.Code)
	}
}

func TestAStatementIsImportedOnce(t *testing.T) {
	w := newWorld(t)
	w.arrive(`b-1,2026-11-01,"1,234.50",Acme,hello`, "b-2,2026-11-01,,Landlord,rent", "b-3,2026-11-01,-5.00,Bank,fee", "b-4,2026-11-01,0.01,Zoo,")
	w.balances("1234.51")
	w.now = w.now.AddDate(0, 0, 1)
	w.arrive(`b-1,2026-11-01,1234.50,Acme,hello`, "b-5,2026-11-02,10.00,Zoo,")
	w.balances("1244.51")
	body := []byte(headers + "b-1,2026-11-01,1234.51,Acme,hello\nb-6,2026-11-02,1.00,Zoo,\nb-6,2026-11-02,1.00,Zoo,\n" +
		"b-7,2026-11-31,1.00,Zoo,\nb-8,2026-11-02,1.005,Zoo,\n,2026-11-02,1.00,Zoo,\nb-9,2026-11-02,1.00\nb-10,2026-11-02,1.00,Z\"oo,\nb-11,2026-11-02,1e2,Zoo,\n")
	statement, repeated, err := w.Import(t.Context(), body, "olga")
	if err != nil || repeated || statement.Imported != 1 || statement.Repeated != 1 || statement.Received().String() != "1.00" {
		t.Errorf("%+v, %v, %v", statement, repeated, err)
	}
	var lines []int
	for _, bad := range statement.Bad {
		lines = append(lines, bad.Line)
	}
	slices.Sort(lines)
	if diff := cmp.Diff([]int{2, 5, 6, 7, 8, 9, 10}, lines); diff != "" {
		t.Errorf("bad lines (-want +got):\n%s\n%v", diff, statement.Bad)
	}
	w.balances("1245.51")
	if again, repeated, err := w.Import(t.Context(), body, "ole"); err != nil || !repeated || again.ImportedBy != "olga" {
		t.Errorf("the same file again: %+v, %v, %v", again, repeated, err)
	}
	w.balances("1245.51")
}

func TestAStatementOfMoreRowsThanACommitTakes(t *testing.T) {
	w := newWorld(t)
	var b strings.Builder
	b.WriteString(headers)
	for i := range 2*chunk + 7 {
		fmt.Fprintf(&b, "n-%d,2026-11-01,0.01,Zoo,\n", i)
	}
	calls := 0
	w.store.after = func() error { // the first answer is lost
		if calls++; calls == 1 {
			return ledger.ErrUnknown
		}
		return nil
	}
	statement, _, err := w.Import(t.Context(), []byte(b.String()), "olga")
	if err != nil || len(statement.Rows) != 2*chunk+7 {
		t.Fatal(len(statement.Rows), err)
	}
	if sum, err := w.Suspense(t.Context()); err != nil || sum.Received != 2*chunk+7 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestWhatIsNoStatementIsRefused(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]string{"empty": "", "other columns": "a,b\n1,2\n", "not UTF-8": headers + "b-1,2026-11-01,1.00,\xff,\n"} {
		if _, _, err := w.Import(t.Context(), []byte(body), "olga"); !refusal.Is(err, refusal.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.Config.Columns.Encoding, w.Config.Columns.Skip = "gbk", 1
	text, err := simplifiedchinese.GBK.NewEncoder().String("账户明细\n" + headers + "b-1,2026-11-01,1.00,极限科技,充值\nb-2,x,1.00,y,z\n")
	if err != nil {
		t.Fatal(err)
	}
	statement, _, err := w.Import(t.Context(), []byte(text), "olga")
	if err != nil || statement.Imported != 1 || len(statement.Bad) != 1 || statement.Bad[0].Line != 4 {
		t.Fatalf("%+v, %v", statement, err)
	}
	if row, err := w.Row(t.Context(), statement.Rows[0]); err != nil || row.Payer != "极限科技" {
		t.Errorf("%+v, %v", row, err)
	}
}

// Failure 64: short by fees, two customers with the same amount, a wrong remark, paid twice.
func TestMatchesTellTheirReasons(t *testing.T) {
	w := newWorld(t)
	acme, zoo := w.order("acme", "1", "100.00", "Acme Co., Ltd"), w.order("zoo", "1", "100.00", "Zoo")
	shown := strings.ToLower(crockford.Groups(acme.Code))
	credited := w.order("zoo", "2", "77.00", "Zoo")
	w.assign(w.arrive("p-1,2026-11-01,77.00,Zoo," + credited.Code)[0].ID, "k", "olga", Share{Account: "zoo", Transfer: credited.ID})
	for i, c := range []struct {
		name, amount, payer, memo string
		want                      string
	}{
		{"the code decides", "100.00", "somebody", "re: " + shown + ", thanks", acme.ID + " code amount | " + zoo.ID + " amount"},
		{"short by a fee", "85.00", "ACME CO LTD", shown, acme.ID + " code short_by_fee payer | " + zoo.ID + " short_by_fee"},
		{"short by more", "49.99", "x", shown, acme.ID + " code amount_differs"},
		{"more than asked", "100.01", "x", shown, acme.ID + " code amount_differs"},
		{"no code: the payer decides", "100.00", "Acme Co Ltd", "", acme.ID + " amount payer | " + zoo.ID + " amount"},
		{"no code: two alike", "100.00", "x", "", "either amount two_alike | either amount two_alike"},
		{"a wrong code", "33.00", "x", "K7QD2M4Y", "wrong_code no_match"},
		{"paid twice", "77.00", "Zoo", credited.Code, credited.ID + " code amount payer paid_twice | "},
		{"nothing", "12.00", "x", "for November", "no_match"},
	} {
		row := w.arrive(fmt.Sprintf("m-%d,2026-11-01,%s,%s,\"%s\"", i, c.amount, c.payer, c.memo))[0]
		matches, own, err := w.Matches(t.Context(), row)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, m := range matches {
			line := m.Order.ID
			if m.has(TwoAlike) {
				line = "either"
			}
			for _, r := range m.Reasons {
				line += " " + string(r)
			}
			got = append(got, line)
		}
		text := strings.Join(got, " | ")
		for _, r := range own {
			text = strings.TrimSpace(text + " " + string(r))
		}
		if !strings.HasPrefix(text, c.want) {
			t.Errorf("%s: %s\nwant %s", c.name, text, c.want)
		}
	}
}

func TestConfirmingCreditsArrearsFirst(t *testing.T) {
	w := newWorld(t)
	w.owe("acme", "30")
	order := w.order("acme", "1", "100.00", "Acme")
	row := w.arrive("b-1,2026-11-01,98.00,Acme," + order.Code)[0]
	for range 3 { // the same wish again is the same
		row = w.assign(row.ID, "k", "olga", Share{Account: "acme", Transfer: order.ID})
	}
	w.cash("acme", "68.00", "0.00")
	w.balances("0.00")
	if row.State() != Settled {
		t.Errorf("the row is %s", row.State())
	}
	if order, _ = w.Find(t.Context(), "acme", order.ID); order.State != Credited || order.Credited != 9800 || order.Row != row.ID {
		t.Errorf("the order is %+v", order)
	}
	if _, _, err := w.Assign(t.Context(), Assignment{Row: row.ID, Once: "k", Shares: []Share{{Account: "zoo"}}}); !refusal.Is(err, refusal.KeyReused) {
		t.Errorf("the key with another account: %v", err)
	}
	if _, _, err := w.Assign(t.Context(), Assignment{Row: row.ID, Once: "k2", Shares: []Share{{Account: "zoo"}}}); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("a settled row again: %v", err)
	}
	w.cash("zoo", "0.00", "0.00")
}

func (w *world) owe(account wallet.AccountID, units string) {
	w.t.Helper()
	amount, err := money.ParseExact("", units, money.CNY)
	if err != nil {
		w.t.Fatal(err)
	}
	w.do(account, wallet.Settle{
		Bill: wallet.Bill{
			ID: wallet.BillID("owed-by-" + account), Workspace: "ws", Day: "2026-11-01", Currency: money.CNY,
			Lines: []wallet.Line{{Product: "logs", Usage: "1", Amount: amount}},
		},
		DayEnd: w.now.Add(-1), Method: wallet.BillingCenter,
	})
}

func TestSuspenseIsSplitAndSentBackLater(t *testing.T) {
	w := newWorld(t)
	row := w.arrive("b-1,2026-11-01,100.00,Stranger,")[0]
	w.balances("100.00")
	w.now = w.now.AddDate(0, 1, 0)
	row = w.assign(row.ID, "k", "olga", Share{Account: "acme", Amount: "30.00"}, Share{Account: "zoo", Amount: "20.00"})
	w.balances("50.00")
	if row.State() != InSuspense || row.Free().String() != "50.00" {
		t.Errorf("the row is %s, %s free", row.State(), row.Free())
	}
	if _, _, err := w.Assign(t.Context(), Assignment{Row: row.ID, Once: "k2", Shares: []Share{{Account: "acme", Amount: "50.01"}}}); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("more than is there: %v", err)
	}
	if _, _, err := w.Assign(t.Context(), Assignment{Row: row.ID, Once: "k3", Shares: []Share{{Account: "nobody"}}}); !refusal.Is(err, refusal.NotFound) {
		t.Errorf("an account that isn't open: %v", err)
	}
	w.assign(row.ID, "k4", "olga", Share{Return: true, Reason: "not a customer"})
	w.balances("0.00")
	w.cash("acme", "30.00", "0.00")
	w.cash("zoo", "20.00", "0.00")
}

func TestLargeRowsNeedTwoOperators(t *testing.T) {
	w := newWorld(t)
	row := w.arrive("b-1,2026-11-01,50000.01,Acme,")[0]
	row = w.assign(row.ID, "k", "olga", Share{Account: "acme", Amount: "1.00"}) // a small part of it is no way around
	w.cash("acme", "0.00", "0.00")
	if row.State() != AwaitingSecond {
		t.Errorf("the row is %s", row.State())
	}
	if _, err := w.Approve(t.Context(), row.ID, "olga"); !refusal.Is(err, refusal.Forbidden) {
		t.Errorf("the same operator: %v", err)
	}
	if _, err := w.Reject(t.Context(), row.ID, "wrong account", "ole"); err != nil {
		t.Error(err)
	}
	if _, err := w.Approve(t.Context(), row.ID, "ole"); !refusal.Is(err, refusal.Conflict) {
		t.Errorf("approving what was withdrawn: %v", err)
	}
	w.balances("50000.01")
	w.assign(row.ID, "k2", "olga", Share{Account: "acme"})
	for range 2 {
		if _, err := w.Approve(t.Context(), row.ID, "ole"); err != nil {
			t.Error(err)
		}
	}
	w.cash("acme", "50000.01", "0.00")
	w.balances("0.00")
	at := w.arrive("b-2,2026-11-01,50000.00,Acme,")[0]
	w.assign(at.ID, "k", "olga", Share{Account: "acme"})
	w.cash("acme", "100000.01", "0.00")
}

// Every write of an assignment fails once: before it happened, and with its answer lost. Asking again ends it.
func TestInterruptedAssignmentsGoOn(t *testing.T) {
	shares := []Share{{Account: "acme", Amount: "30.00"}, {Account: "zoo", Amount: "20.00"}, {Return: true, Amount: "50.00"}}
	for n := 1; n <= 4; n++ {
		for _, lost := range []bool{false, true} {
			w := newWorld(t)
			row := w.arrive("b-1,2026-11-01,100.00,Acme,")[0]
			calls := 0
			fault := func() error {
				if calls++; calls == n {
					return errors.New("the plug was pulled")
				}
				return nil
			}
			if w.store.before = fault; lost {
				w.store.before, w.store.after = nil, fault
			}
			for range 3 {
				_, _, err := w.Assign(t.Context(), Assignment{Row: row.ID, Once: "k", Shares: shares, Actor: "olga"})
				w.store.before, w.store.after = nil, nil
				if err == nil {
					break
				}
			}
			w.cash("acme", "30.00", "0.00")
			w.cash("zoo", "20.00", "0.00")
			w.balances("0.00")
		}
	}
}

func TestOperatorsAtOnceGiveARowOnce(t *testing.T) {
	w := newWorld(t)
	row := w.arrive("b-1,2026-11-01,100.00,Acme,")[0]
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			account := []wallet.AccountID{"acme", "zoo"}[i%2]
			_, _, err := w.Assign(t.Context(), Assignment{Row: row.ID, Once: fmt.Sprint(i), Shares: []Share{{Account: account}}, Actor: "olga"})
			if err != nil && refusal.As(err) == nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	w.balances("0.00")
}

func TestConfigIsStrict(t *testing.T) {
	if c, err := ParseConfig(""); err != nil || !refusal.Is(c.ready(), refusal.NotApplicable) {
		t.Errorf("no configuration: %v, %v", err, c.ready())
	}
	for name, text := range map[string]string{
		"unknown member": strings.Replace(config, `"currency"`, `"currencies"`, 1),
		"no number":      strings.Replace(config, "6222000011112222", "", 1),
		"a bad limit":    strings.Replace(config, `"50.00"`, `"fifty"`, 1),
		"no column":      strings.Replace(config, "附言", "", 1),
	} {
		if _, err := ParseConfig(text); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}
