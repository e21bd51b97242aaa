package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/fund"
	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// s1 is what a wallet holds in the worked example S1 (README), and its bill.
func s1(w *world) {
	w.voucher("regular", wallet.Regular, 4, 0)
	w.voucher("discount", wallet.Discount, 3, 30)
	w.card("card", 100, 0)
	w.do(wallet.Order{Account: "acme", Once: "o", Amount: money.Units(money.CNY, 98), Cards: []wallet.LotID{w.cardID()}, Item: "Package", Actor: "pat"})
	w.cash("cash", 100_00)
}

var s1Bill = usage("b-1", "2026-11-01", "13.4", "5")

// cardID is the account's only card.
func (w *world) cardID() wallet.LotID {
	head, err := w.ledger.Open(w.t.Context(), "acme")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, lot := range head.Lots {
		if lot.Kind == wallet.Card {
			return lot.ID
		}
	}
	w.t.Fatal("there is no card")
	return wallet.LotID{}
}

// given is what must have happened before each event.
var given = map[string]func(w *world){
	"wallet":               s1,
	"wallet-empty":         func(*world) {},
	"wallet-arrears":       func(w *world) { w.voucher("v", wallet.Regular, 100, 0); w.settle(s1Bill) }, // S3
	"wallet-expired":       func(w *world) { s1(w); w.now = w.now.AddDate(0, 0, 30) },
	"wallet-of-nobody":     func(*world) {},
	"vouchers":             func(w *world) { s1(w); w.settle(s1Bill) },
	"cards":                s1,
	"entries":              func(w *world) { s1(w); w.settle(s1Bill) },
	"entries-limit":        s1,
	"proof":                s1,
	"proof-of-nothing":     s1,
	"bills":                func(w *world) { s1(w); w.reverse(w.settle(s1Bill)); w.settle(usage("b-2", "2026-11-01", "0.004", "0")) },
	"bill":                 func(w *world) { s1(w); w.settle(s1Bill) },
	"bill-reversed":        func(w *world) { s1(w); w.reverse(w.settle(s1Bill)) },
	"bill-of-another":      func(w *world) { w.settle(s1Bill) },
	"bill-unknown":         func(*world) {},
	"cloud-charges":        func(w *world) { w.owe("b-1"); w.meter(); w.owe("b-2"); w.settle(usage("b-3", "2026-11-01", "1", "1")) },
	"cloud-charge":         func(w *world) { w.owe("b-1"); w.meter() },
	"cloud-charge-unknown": func(w *world) { w.settle(usage("b-9", "2026-11-01", "1", "1")) },
	"preview":              s1,
	"preview-settled":      func(w *world) { s1(w); w.settle(s1Bill); w.now = w.now.Add(time.Hour) },
	"preview-other":        func(w *world) { s1(w); w.settle(usage("b-1", "2026-11-01", "13.41", "5")) },
	"preview-too-soon":     func(w *world) { w.now = w.now.AddDate(0, 0, -1) },
	"preview-foreign":      func(*world) {},
	"preview-bad":          func(*world) {},
	"arrears":              func(w *world) { w.count("13.4", "5"); w.cash("part", 10_00); w.patrol() },
	"arrears-none":         func(*world) {},
	"arrears-locked":       func(w *world) { w.lock() },
	"arrears-just-repaid":  func(w *world) { w.lock(); w.cash("all", 18_40) },
	"arrears-just-now":     func(w *world) { w.settle(s1Bill) },
	"arrears-of-another":   func(w *world) { w.lock() },
	"arrears-cases":        func(w *world) { w.lock(); w.cash("all", 20_00); w.patrol() },
	"arrears-case":         func(w *world) { w.count("1", "1") },
	"arrears-case-unknown": func(w *world) { w.count("1", "1") },
	"debtors":              func(w *world) { w.settle(s1Bill); w.patrol() },
	"debtors-counting":     func(w *world) { w.count("13.4", "5") },
	"debtors-locked":       func(w *world) { w.lock() },
	"debtors-bad-state":    func(*world) {},
	"debtors-by-owner":     func(*world) {},
	"wallet-locked":        func(w *world) { w.lock() },
}

func TestEvents(t *testing.T) {
	apitest.Run(t, "wallet", func(t *testing.T, name string) api.Handler {
		prepare, known := given[name]
		if !known {
			t.Fatal("the test doesn't know this event")
		}
		w := newWorld(t)
		prepare(w)
		return w.serve
	})
}

func TestWhoMayLook(t *testing.T) {
	for _, route := range newWorld(t).routes() {
		if strings.Contains(route.Key, "/operator/") {
			continue // TestWhoMayLookAtDebtors
		}
		for _, row := range []struct {
			who    api.Caller
			status int
		}{
			{owner, http.StatusOK},
			{api.Caller{Subject: "vera", Role: api.Viewer, Account: "acme"}, http.StatusOK},
			{api.Caller{Subject: "olga", Role: api.Operator}, http.StatusOK},
			{api.Caller{Subject: "zoe", Role: api.Owner, Account: "zen"}, http.StatusNotFound},
			{api.Caller{Subject: "zed", Role: api.Viewer, Account: "zen"}, http.StatusNotFound},
			{api.Caller{Subject: "paul", Role: api.Partner, Partner: "reseller"}, http.StatusForbidden},
			{api.Caller{}, http.StatusUnauthorized},
		} {
			w := newWorld(t)
			w.settle(s1Bill)
			w.owe("cloud-1")
			w.patrol()
			c := apitest.Call{Route: route.Key, Caller: row.who, Params: map[string]string{"bill": "b-1", "number": "1", "case": "1"}}
			if strings.Contains(route.Key, "/cloud-charges/") {
				c.Params["bill"] = "cloud-1"
			}
			if strings.HasPrefix(route.Key, "POST") {
				c.Body = s1Bill
			}
			if got := w.send(c); got.Status != row.status {
				t.Errorf("%s by %s of %q: %d %s", route.Key, row.who.Role, row.who.Account, got.Status, got.Body)
			}
		}
	}
}

func TestAccountsThatArentOpenAreNotFound(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/wallet", "/vouchers", "/cards", "/entries", "/bills", "/cloud-charges", "/arrears", "/arrears-cases/{case}"} {
		for _, account := range []string{"nobody", "../", "A#1#W", strings.Repeat("a", 3_000)} { // H55
			got := w.send(apitest.Call{
				Route: "GET /v1/accounts/{account}" + path, Params: map[string]string{"account": account}, Caller: api.Caller{Subject: "olga", Role: api.Operator},
			})
			if got.Status != http.StatusNotFound {
				t.Errorf("%s of %.10s: %d %s", path, account, got.Status, got.Body)
			}
		}
	}
}

func TestBadQueries(t *testing.T) {
	w := newWorld(t)
	foreign := w.cursors.Encode("entries#zen", "5")
	otherList := w.cursors.Encode("bills#acme", "5")
	for _, query := range []string{"limit=0", "limit=101", "limit=1e1", "limit=2&limit=3", "cursor=AAAA", "cursor=" + foreign, "cursor=" + otherList, "form=2026", "limit=%zz"} { // H69
		if got := w.get("/entries", query); got.Status != http.StatusBadRequest {
			t.Errorf("?%s: %d %s", query, got.Status, got.Body)
		}
	}
}

// What the overview calls spendable is what a bill that is large enough takes before anything is owed.
func TestSpendableIsWhatSettlingWouldBurn(t *testing.T) {
	for _, days := range []int{0, 29, 30, 31, 400} {
		w := newWorld(t)
		s1(w)
		w.now = w.now.AddDate(0, 0, days)
		yesterday := w.now.AddDate(0, 0, -1).Format(time.DateOnly)
		var overview overview
		w.get("/wallet", "").Into(t, &overview)
		for class, want := range map[string]string{usage("g", yesterday, "1000", "0"): overview.Spendable.General, usage("r", yesterday, "0", "1000"): overview.Spendable.Restricted} {
			w.ledger.Policy.Grace = 0 // the night's grace for yesterday's bill isn't part of it
			var p preview
			w.preview(class).Into(t, &p)
			spent := money.Units(money.CNY, 1000).Sub(amount(t, p.Receipt.Settlement.Paid.Arrears))
			if spent.String() != want {
				t.Errorf("after %d days a bill burns %s, but %s are spendable", days, spent, want)
			}
		}
	}
}

func amount(t *testing.T, text string) money.Amount {
	t.Helper()
	a, err := money.Parse("", text, money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAPreviewIsWhatSettlingAnswers(t *testing.T) { // README rule 22
	w := newWorld(t)
	s1(w)
	var before, after preview
	w.preview(s1Bill).Into(t, &before)
	head, err := w.ledger.Open(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	settled := receipt.Of(w.settle(s1Bill))
	if settled.Number != head.Version+1 {
		t.Errorf("the preview wrote: the bill is entry %d after version %d", settled.Number, head.Version)
	}
	w.preview(s1Bill).Into(t, &after)
	if diff := cmp.Diff(preview{false, settled}, before); diff != "" {
		t.Errorf("the preview before (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(preview{true, settled}, after); diff != "" {
		t.Errorf("the preview after (-want +got):\n%s", diff)
	}
}

func TestStatusesAndBalances(t *testing.T) {
	w := newWorld(t)
	partly := w.voucher("1", wallet.Regular, 20, 10)
	unused := w.voucher("2", wallet.Discount, 5, 20)
	w.settle(usage("b", "2026-11-01", "12", "0"))
	used := w.voucher("3", wallet.Regular, 1, 3)
	w.settle(usage("c", "2026-11-01", "1", "0"))
	check := func(when string, want map[wallet.LotID]string) {
		t.Helper()
		var page struct {
			Items []fund.Fund `json:"items"`
		}
		w.get("/vouchers", "").Into(t, &page)
		for _, f := range page.Items {
			id, _ := wallet.ParseLotID(f.ID)
			if got := fmt.Sprintf("%s %s %s", f.Status, f.Balance, f.Lapsed); strings.TrimSpace(got) != want[id] {
				t.Errorf("%s: voucher of %s is %q, not %q", when, f.Face, got, want[id])
			}
		}
		if len(page.Items) != 3 {
			t.Errorf("%s: %d vouchers", when, len(page.Items))
		}
	}
	begin := w.now
	check("at first", map[wallet.LotID]string{partly.ID: "active 8.00", unused.ID: "active 5.00", used.ID: "used_up 0.00"})
	w.now = begin.AddDate(0, 0, 10).Add(-time.Millisecond)
	check("a moment before its expiry", map[wallet.LotID]string{partly.ID: "active 8.00", unused.ID: "active 5.00", used.ID: "used_up 0.00"})
	w.now = begin.AddDate(0, 0, 10)
	check("at its expiry", map[wallet.LotID]string{partly.ID: "expired 0.00", unused.ID: "active 5.00", used.ID: "used_up 0.00"})
	w.now = begin.AddDate(0, 0, 11)
	w.do(wallet.Expire{Lot: partly.ID})
	check("once its breakage is booked", map[wallet.LotID]string{partly.ID: "expired 0.00 8.00", unused.ID: "active 5.00", used.ID: "used_up 0.00"})
}

func TestChangesAddUpToTheBalances(t *testing.T) {
	w := newWorld(t)
	s1(w)
	w.reverse(w.settle(s1Bill))
	w.settle(usage("b-2", "2026-11-01", "500", "0"))
	w.cash("again", 1_000_00)
	sums, cursor := map[string]int64{}, ""
	var last receipt.Balances
	count := 0
	for range 20 {
		var list api.Page[item]
		query := "limit=3"
		if cursor != "" {
			query += "&cursor=" + cursor
		}
		w.get("/entries", query).Into(t, &list)
		for _, i := range list.Items {
			if count++; count == 1 {
				last = i.Balances
			}
			for name, change := range map[string]string{"cash": i.Changes.Cash, "regular": i.Changes.Regular, "discount": i.Changes.Discount, "card": i.Changes.Card, "arrears": i.Changes.Arrears} {
				minor := amount(t, strings.TrimLeft(change, "+-")).Minor()
				if strings.HasPrefix(change, "-") {
					minor = -minor
				}
				sums[name] += minor
			}
		}
		if cursor = list.Next; cursor == "" {
			break
		}
	}
	want := map[string]int64{}
	for name, balance := range map[string]string{"cash": last.Cash, "regular": last.Regular, "discount": last.Discount, "card": last.Card, "arrears": last.Arrears} {
		want[name] = amount(t, balance).Minor()
	}
	if diff := cmp.Diff(want, sums); diff != "" || count != 10 {
		t.Errorf("of %d entries (-balance +sum of changes):\n%s", count, diff)
	}
}

func TestALaggingListEndsThePageAtTheGap(t *testing.T) {
	w := newWorld(t)
	s1(w)
	journal, err := w.ledger.Store.Journal(t.Context(), "acme", 0, 100)
	if err != nil || len(journal) != 6 {
		t.Fatal(len(journal), err)
	}
	lagging := append(journal[:2:2], journal[3:]...) // entry 4 isn't there yet
	items, next := itemsOf(lagging, 20)
	if len(items) != 1 || items[0].Number != 6 || next != 6 {
		t.Errorf("%d items, then from before %d", len(items), next)
	}
	items, next = itemsOf(lagging[1:], 20)
	if len(items) != 0 || next != 6 {
		t.Errorf("%d items, then from before %d", len(items), next)
	}
	if items, next = itemsOf(journal, 20); len(items) != 6 || next != 1 {
		t.Errorf("%d items, then from before %d", len(items), next)
	}
}

func TestRareBillsAreFoundInBoundedReads(t *testing.T) {
	w := newWorld(t)
	for i := range 3 {
		w.settle(usage(fmt.Sprint("b-", i), "2026-11-01", "1", "0"))
		for j := range 300 {
			w.cash(fmt.Sprint(i, " ", j), 1)
		}
	}
	seen, cursor := []string{}, ""
	for range 10 {
		query := "limit=2"
		if cursor != "" {
			query += "&cursor=" + cursor
		}
		var page api.Page[settledBill]
		w.get("/bills", query).Into(t, &page)
		for _, b := range page.Items {
			seen = append(seen, string(b.ID))
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if diff := cmp.Diff([]string{"b-2", "b-1", "b-0"}, seen); diff != "" {
		t.Errorf("bills (-want +got):\n%s", diff)
	}
}
