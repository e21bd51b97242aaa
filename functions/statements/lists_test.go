package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/statement"
)

// calls are all routes, each with a query that is right.
var calls = map[string]string{
	"/monthly-bills": "", "/monthly-bills/{month}": "", "/monthly-bills/{month}/lines": "", "/monthly-bills/{month}/funds": "", "/consumption": "",
	"/consumption/totals": "from=2026-11-01&to=2026-11-30", "/income-and-expenditure": "", "/income-and-expenditure/totals": "from=2026-11-01&to=2026-11-30",
	"/voucher-details": "", "/card-details": "", "/balances": "at=2026-11-10T00:00:00Z", "/forecast": "",
}

func TestNobodySeesAnothersStatements(t *testing.T) {
	w := fresh(t)
	lived(w)
	for path, query := range calls {
		for who, row := range map[string]struct {
			caller api.Caller
			status int
		}{
			"its owner":          {owner, http.StatusOK},
			"its viewer":         {api.Caller{Subject: "vic", Role: api.Viewer, Account: "acme"}, http.StatusOK},
			"an operator":        {api.Caller{Subject: "olga", Role: api.Operator}, http.StatusOK},
			"another's owner":    {api.Caller{Subject: "zoe", Role: api.Owner, Account: "zen"}, http.StatusNotFound},
			"a partner":          {api.Caller{Subject: "paul", Role: api.Partner, Partner: "p"}, http.StatusForbidden},
			"nobody in especial": {api.Caller{}, http.StatusUnauthorized},
		} {
			answer := w.send(apitest.Call{Route: "GET /v1/accounts/{account}" + path, Query: query, Caller: row.caller, Params: map[string]string{"month": "2026-11"}})
			if answer.Status != row.status {
				t.Errorf("%s for %s: %d", path, who, answer.Status)
			}
		}
		if answer := w.send(apitest.Call{
			Route: "GET /v1/accounts/{account}" + path, Query: query, Caller: api.Caller{Subject: "olga", Role: api.Operator},
			Params: map[string]string{"account": "nobody", "month": "2026-11"},
		}); answer.Status != http.StatusNotFound {
			t.Errorf("%s of an account that isn't open: %d", path, answer.Status)
		}
		if answer := w.send(apitest.Call{Route: "GET /v1/accounts/{account}" + path, Query: strings.TrimPrefix(query+"&form=1", "&"), Caller: owner, Params: map[string]string{"month": "2026-11"}}); answer.Status != http.StatusBadRequest {
			t.Errorf("%s with an unknown parameter: %d", path, answer.Status)
		}
	}
}

// A cursor is its list's, its account's and its filters': brought anywhere else, or edited, it is refused.
func TestCursorsAreBoundToTheirListAndFilters(t *testing.T) {
	w := fresh(t)
	lived(w)
	var first api.Page[consumed]
	w.get("/consumption", "limit=3&workspace=shop").Into(t, &first)
	if first.Next == "" {
		t.Fatal("no cursor")
	}
	if answer := w.get("/consumption", "limit=5&workspace=shop&cursor="+first.Next); answer.Status != http.StatusOK {
		t.Errorf("at its list: %d", answer.Status)
	}
	for name, call := range map[string][2]string{
		"other filters":   {"/consumption", "workspace=cloud"},
		"no filter":       {"/consumption", ""},
		"another list":    {"/income-and-expenditure", ""},
		"yet another":     {"/voucher-details", ""},
		"vouchers' cards": {"/card-details", ""},
	} {
		answer := w.get(call[0], strings.TrimPrefix(call[1]+"&cursor="+first.Next, "&"))
		if answer.Status != http.StatusBadRequest || !strings.Contains(string(answer.Body), `"/cursor"`) {
			t.Errorf("%s: %d %s", name, answer.Status, answer.Body)
		}
	}
	zoe := api.Caller{Subject: "zoe", Role: api.Owner, Account: "zen"}
	if answer := w.send(apitest.Call{
		Route: "GET /v1/accounts/{account}/consumption", Query: "workspace=shop&cursor=" + first.Next, Caller: zoe, Params: map[string]string{"account": "zen"},
	}); answer.Status != http.StatusBadRequest {
		t.Errorf("another account: %d", answer.Status)
	}
	edited := []byte(first.Next)
	edited[len(edited)/2] ^= 1
	if answer := w.get("/consumption", "workspace=shop&cursor="+string(edited)); answer.Status != http.StatusBadRequest {
		t.Errorf("edited: %d", answer.Status)
	}
}

// all reads every page of a list.
func all[T any](w *world, path, query string) (items []T) {
	w.t.Helper()
	for cursor, pages := "", 0; pages < 1_000; pages++ {
		q := query
		if cursor != "" {
			q += "&cursor=" + cursor
		}
		var page api.Page[T]
		w.get(path, strings.TrimPrefix(q, "&")).Into(w.t, &page)
		items = append(items, page.Items...)
		if cursor = page.Next; cursor == "" {
			return items
		}
	}
	w.t.Fatal("the pages never end")
	return nil
}

// fen is a signed amount.
func fen(t *testing.T, text string) (sum int64) {
	t.Helper()
	var units, cents int64
	digits := strings.TrimLeft(text, "+-")
	if _, err := fmt.Sscanf(digits, "%d.%d", &units, &cents); err != nil {
		t.Fatal(text, err)
	}
	if strings.HasPrefix(text, "-") {
		return -units*100 - cents
	}
	return units*100 + cents
}

func paidOf(t *testing.T, p statement.PaidBy) map[string]int64 {
	return map[string]int64{
		"regular": fen(t, p.Regular), "discount": fen(t, p.Discount), "card": fen(t, p.Card), "cash": fen(t, p.Cash), "cloud": fen(t, p.Cloud), "overdue": fen(t, p.Overdue),
	}
}

// What is listed, what is summed up, what moved and what is left are told by four routes: they agree to the fen.
func TestListsTotalsAndBalancesAgree(t *testing.T) {
	w := fresh(t)
	lived(w)
	var totals consumptionTotals
	w.get("/consumption/totals", "from=2026-10-01&to=2026-12-31&by=workspace").Into(t, &totals)
	rows := all[consumed](w, "/consumption", "from=2026-10-01&to=2026-12-31&limit=17")
	sums := map[string]int64{"payable": 0}
	for _, row := range rows {
		sums["payable"] += fen(t, row.Payable)
		for fund, paid := range paidOf(t, row.Paid) {
			sums[fund] += paid
		}
	}
	want := paidOf(t, totals.Total.Paid)
	want["payable"] = fen(t, totals.Total.Payable)
	if diff := cmp.Diff(want, sums); diff != "" || int64(len(rows)) < totals.Total.Lines {
		t.Errorf("%d rows, %d lines in all; sums of rows (-totals +rows):\n%s", len(rows), totals.Total.Lines, diff)
	}
	var kinds int
	for _, kind := range []string{"settled", "reversed"} {
		some := all[consumed](w, "/consumption", "from=2026-10-01&to=2026-12-31&limit=7&kind="+kind)
		for _, row := range some {
			if row.Reversal != (kind == "reversed") {
				t.Errorf("%s: %+v", kind, row)
			}
		}
		kinds += len(some)
	}
	if kinds != len(rows) {
		t.Errorf("%d rows by kind, %d in all", kinds, len(rows))
	}
	groups := map[string]int64{"payable": 0}
	for _, g := range totals.Groups {
		groups["payable"] += fen(t, g.Payable)
		for fund, paid := range paidOf(t, g.Paid) {
			groups[fund] += paid
		}
	}
	if diff := cmp.Diff(want, groups); diff != "" {
		t.Errorf("sums of groups (-total +groups):\n%s", diff)
	}

	var moved movementTotals
	w.get("/income-and-expenditure/totals", "from=2026-10-01&to=2026-12-31").Into(t, &moved)
	changes := map[string]int64{}
	for _, m := range all[movement](w, "/income-and-expenditure", "limit=13") {
		changes[m.Fund] += fen(t, m.Change)
	}
	for _, name := range []string{"/voucher-details", "/card-details"} {
		for _, m := range all[lotMovement](w, name, "limit=11") {
			changes[m.LotKind] -= fen(t, m.Change)
		}
	}
	var now balances
	w.get("/balances", "at="+w.now.UTC().Format("2006-01-02T15:04:05Z")).Into(t, &now) // before the entries of this very instant
	if changes["regular"] != 0 || changes["discount"] != 0 || changes["card"] != 0 {
		t.Errorf("movements of single lots differ from those of their funds: %v", changes)
	}
	if closing := moved.Closing; changes["cash"] != fen(t, closing.Cash) || changes["arrears"] != fen(t, closing.Arrears) {
		t.Errorf("changes %v, closing %+v", changes, closing)
	}
	if in, out := fen(t, moved.In.Card), fen(t, moved.Out.Card); in-out != fen(t, moved.Closing.Card)-fen(t, moved.Opening.Card) {
		t.Errorf("cards: %d in, %d out, %s to %s", in, out, moved.Opening.Card, moved.Closing.Card)
	}
	if used := sums["card"]; used != fen(t, moved.Out.Card)-fen(t, moved.In.Card)+100_00 { // 100.00 were allocated; what was reversed came in again
		t.Errorf("cards paid %d, by movements %d", used, fen(t, moved.Out.Card)-fen(t, moved.In.Card)+100_00)
	}
}
