package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

const (
	purchases = "POST /v1/accounts/{account}/card-purchases"
	orders    = "POST /v1/accounts/{account}/prepaid-orders"
)

var owner = api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"}

// world is the function with two accounts: acme has cash, and two cards of 100.00; zen has nothing.
type world struct {
	serve  api.Handler
	ledger *ledger.Ledger
	now    time.Time
	cards  []string // of acme: the second one expires first
}

func newWorld(t *testing.T, cash int64) *world {
	t.Helper()
	w := &world{now: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)}
	w.ledger = &ledger.Ledger{
		Store: new(memory.Store), Policy: wallet.DefaultPolicy(), Now: func() time.Time { return w.now },
		Wait: func(context.Context, int) error { return nil },
	}
	for _, account := range []wallet.AccountID{"acme", "zen"} {
		w.do(t, account, wallet.Open{Account: account, Currency: money.CNY, Zone: "Asia/Shanghai"})
	}
	for i, expires := range []time.Time{w.now.AddDate(0, 0, 20), w.now.AddDate(0, 0, 10)} {
		entry := w.do(t, "acme", wallet.Allocate{Account: "acme", Once: fmt.Sprint(i), Source: wallet.FromOperator, Face: money.Units(money.CNY, 100), ExpiresAt: expires})
		w.cards = append(w.cards, entry.Lots[0].ID.String())
	}
	if cash > 0 {
		w.do(t, "acme", wallet.Adjust{Account: "acme", Once: "cash", Amount: money.Units(money.CNY, cash), Reason: "test"})
	}
	w.serve = api.Serve(slog.New(slog.DiscardHandler), handler{ledger: w.ledger}.routes()...)
	return w
}

func (w *world) do(t *testing.T, account wallet.AccountID, command wallet.Command) wallet.Entry {
	t.Helper()
	receipt, err := w.ledger.Do(t.Context(), account, ledger.Intent{Command: command})
	if err != nil {
		t.Fatal(err)
	}
	return receipt.Entry
}

func call(route, key, body string) apitest.Call {
	return apitest.Call{Route: route, Params: map[string]string{"account": "acme"}, Key: key, Body: body, Caller: owner}
}

func TestEvents(t *testing.T) {
	cash := map[string]int64{ // what acme has
		"purchase": 500, "purchase-with-gift": 40_000, "purchase-again": 500, "purchase-key-reused": 500, "purchase-too-little-cash": 99,
		"purchase-no-multiple": 500, "purchase-extra-member": 500, "order-cards-and-cash": 500, "order-cash-only": 500,
		"order-too-little": 50, "order-expired-card": 500, "order-bad-fields": 500,
	}
	apitest.Run(t, "prepaid-purchase", func(t *testing.T, name string) api.Handler {
		amount, known := cash[name]
		if !known {
			t.Fatal("the test doesn't know this event")
		}
		w := newWorld(t, amount)
		switch name {
		case "purchase-again":
			apitest.Send(t, w.serve, apitest.Event(t, "prepaid-purchase", name))
			w.now = w.now.Add(25 * time.Hour) // H54: a key is kept for ever
		case "purchase-key-reused":
			apitest.Send(t, w.serve, apitest.Event(t, "prepaid-purchase", "purchase"))
		case "order-expired-card":
			w.now = w.now.AddDate(0, 0, 10)
		}
		return w.serve
	})
}

func TestGiftsByTheTierOfOnePurchase(t *testing.T) { // README rule 10
	for face, gift := range map[string]string{
		"9900": "", "10000": "1000.00", "29900": "1000.00", "30000": "5000.00", "99900": "5000.00", "100000": "20000.00", "500000": "20000.00",
	} {
		w := newWorld(t, 1_000_000)
		got := apitest.Send(t, w.serve, call(purchases, "k", `{"face_value":"`+face+`"}`).Event())
		var body struct {
			Lots []struct {
				Kind string `json:"kind"`
				Face string `json:"face_value"`
			} `json:"lots"`
		}
		got.Into(t, &body)
		given := ""
		for _, lot := range body.Lots {
			if lot.Kind == "discount" {
				given = lot.Face
			}
		}
		if given != gift || got.Status != http.StatusCreated {
			t.Errorf("a card of %s gives %q, not %q", face, given, gift)
		}
	}
}

// The amounts of bad-inputs.md, H1 to H31, through both routes.
func TestBadAmounts(t *testing.T) {
	w := newWorld(t, 500)
	head, err := w.ledger.Open(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	for name, amount := range map[string]string{
		"H1": `"-1"`, "H3": `"-0"`, "H4": `"0.00"`, "H6": `"1e2"`, "H7": `"1E400"`, "H9": `"Infinity"`, "H10": `"0x10"`, "H12": `"1,000.00"`,
		"H13": `" 1"`, "H15": `"+1"`, "H16": `"１２"`, "H18": `""`, "H19": `null`, "H21": `[1]`, "H22": `{"v":1}`,
		"H24": `"9223372036854775807"`, "H25": `"9223372036854775808"`, "H27": `"` + strings.Repeat("9", 40) + `"`, "H28": `".5"`, "H30": `"01.00"`,
		"H31": `"1.00\u0000"`, "a number": `100`, "three decimals": `"1.005"`, "NaN": `"NaN"`,
	} {
		for _, c := range []apitest.Call{
			call(purchases, "k", `{"face_value":`+amount+`}`),
			call(orders, "k", `{"amount":`+amount+`,"cards":[],"item":"a package"}`),
		} {
			got := apitest.Send(t, w.serve, c.Event())
			if got.Status != http.StatusBadRequest || !strings.Contains(string(got.Body), "urn:billing-centre:problem:invalid") {
				t.Errorf("%s %s: %d %s", name, c.Route, got.Status, got.Body)
			}
		}
	}
	if after, err := w.ledger.Open(t.Context(), "acme"); err != nil || after.Version != head.Version {
		t.Errorf("the wallet went from version %d to %d, %v", head.Version, after.Version, err)
	}
}

func TestBadOrders(t *testing.T) {
	w := newWorld(t, 500)
	order := func(change func(m map[string]any)) string {
		m := map[string]any{"amount": "10.00", "cards": []string{w.cards[0]}, "item": "a package"}
		change(m)
		body, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	set := func(name string, value any) func(map[string]any) {
		return func(m map[string]any) { m[name] = value }
	}
	for name, row := range map[string]struct {
		body   string
		status int
	}{
		"H34 a status":                {order(set("status", "PAID")), 400},
		"H39 100,000 members":         {order(func(m map[string]any) { maps.Copy(m, many(100_000)) }), 413},
		"H73 an item written R to L":  {order(set("item", "a\u202ecba")), 400},
		"an item of two lines":        {order(set("item", "a\r\nb")), 400},
		"an item of 65 characters":    {order(set("item", strings.Repeat("a", 65))), 400},
		"no item":                     {order(set("item", "")), 400},
		"H76 an inert item":           {order(set("item", "<script>${jndi:x}{{7*7}}")), 201},
		"a card twice":                {order(set("cards", []string{w.cards[0], w.cards[0]})), 400},
		"a card in small letters":     {order(set("cards", []string{strings.ToLower(w.cards[0])})), 400},
		"101 cards":                   {order(set("cards", make([]string, 101))), 400},
		"a card of nobody":            {order(set("cards", []string{"0000-0000-0000-0000"})), 404},
		"more than cash and the card": {order(set("amount", "600.01")), 422},
	} {
		key := fmt.Sprintf("%x", name) // one for each, since one of them is accepted
		if got := apitest.Send(t, w.serve, call(orders, key, row.body).Event()); got.Status != row.status {
			t.Errorf("%s: %d %s", name, got.Status, got.Body)
		}
	}
}

func many(members int) map[string]any {
	m := make(map[string]any, members)
	for i := range members {
		m[fmt.Sprint(i)] = i
	}
	return m
}

func TestWhoMayBuy(t *testing.T) {
	bodies := map[string]string{purchases: `{"face_value":"100"}`, orders: `{"amount":"1.00","cards":[],"item":"a package"}`}
	for route, body := range bodies {
		for _, row := range []struct {
			who    api.Caller
			status int
		}{
			{owner, http.StatusCreated},
			{api.Caller{Subject: "olga", Role: api.Operator}, http.StatusCreated},
			{api.Caller{Subject: "vera", Role: api.Viewer, Account: "acme"}, http.StatusForbidden},
			{api.Caller{Subject: "zoe", Role: api.Owner, Account: "zen"}, http.StatusNotFound},
			{api.Caller{Subject: "paul", Role: api.Partner, Partner: "reseller"}, http.StatusNotFound},
			{api.Caller{}, http.StatusUnauthorized},
		} {
			c := call(route, "k", body)
			c.Caller = row.who
			if got := apitest.Send(t, newWorld(t, 500).serve, c.Event()); got.Status != row.status {
				t.Errorf("%s by %s of %q: %d %s", route, row.who.Role, row.who.Account, got.Status, got.Body)
			}
		}
	}
	c := call(purchases, "k", bodies[purchases])
	c.Params, c.Caller = map[string]string{"account": "nobody"}, api.Caller{Subject: "olga", Role: api.Operator}
	if got := apitest.Send(t, newWorld(t, 500).serve, c.Event()); got.Status != http.StatusNotFound {
		t.Errorf("an account that isn't open: %d %s", got.Status, got.Body)
	}
}

func TestSamePurchaseFiftyTimesAtOnce(t *testing.T) { // H52
	w := newWorld(t, 10_000)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if got := apitest.Send(t, w.serve, call(purchases, "k", `{"face_value":"200"}`).Event()); got.Status > http.StatusCreated {
				t.Errorf("%d %s", got.Status, got.Body)
			}
		})
	}
	wait.Wait()
	if head, err := w.ledger.Open(t.Context(), "acme"); err != nil || head.Cash != money.Units(money.CNY, 9_800) {
		t.Errorf("cash is %s, %v", head.Cash, err)
	}
}

func TestTheLastFenIsSpentOnce(t *testing.T) {
	w := newWorld(t, 100)
	var wait sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		wait.Go(func() {
			statuses[i] = apitest.Send(t, w.serve, call(purchases, fmt.Sprint(i), `{"face_value":"100"}`).Event()).Status
		})
	}
	wait.Wait()
	bought := 0
	for _, status := range statuses {
		if status == http.StatusCreated {
			bought++
		} else if status != http.StatusUnprocessableEntity && status != http.StatusServiceUnavailable {
			t.Errorf("status %d", status)
		}
	}
	if head, err := w.ledger.Open(t.Context(), "acme"); err != nil || bought != 1 || !head.Cash.IsZero() {
		t.Errorf("%d cards are bought, cash is %s, %v", bought, head.Cash, err)
	}
}
