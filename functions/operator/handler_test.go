package main

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

const (
	batches     = "POST /v1/operator/voucher-batches"
	vouchers    = "POST /v1/operator/accounts/{account}/vouchers"
	cards       = "POST /v1/operator/accounts/{account}/cards"
	adjustments = "POST /v1/operator/accounts/{account}/adjustments"
	reversals   = "POST /v1/operator/bills/{bill}/reversal"
	quotas      = "PUT /v1/operator/partners/{partner}/quota"
	replays     = "POST /v1/operator/quarantine/{message}/replay"
)

// again sends the event of the case itself, before it is sent for the comparison.
func again(name string) func(*world) {
	return func(w *world) { apitest.Send(w.t, w.serve, apitest.Event(w.t, "operator", name)) }
}

// given is what must have happened before each event.
var given = map[string]func(w *world){
	"issue":                  nil,
	"issue-again":            again("issue-again"),
	"issue-key-reused":       again("issue"),
	"issue-bad-fields":       nil,
	"batches":                again("issue"),
	"batch":                  again("issue"),
	"batch-unknown":          nil,
	"voucher":                nil,
	"voucher-again":          again("voucher-again"),
	"voucher-both-ends":      nil,
	"card":                   nil,
	"card-repays-arrears":    func(w *world) { w.settle("b-1", wallet.BillingCenter) },
	"card-by-partner":        func(w *world) { w.quotaOf(500) },
	"card-by-partner-short":  func(w *world) { w.quotaOf(200) },
	"card-by-partner-again":  func(w *world) { w.quotaOf(300); again("card-by-partner-again")(w) },
	"credit":                 nil,
	"debit-too-much":         func(w *world) { w.cash(10) },
	"reverse":                func(w *world) { w.voucher("v", 4); w.cash(10); w.settle("b-1", wallet.BillingCenter) },
	"reverse-again":          func(w *world) { w.settle("b-1", wallet.BillingCenter); again("reverse-again")(w) },
	"reverse-other-key":      func(w *world) { w.settle("b-1", wallet.BillingCenter); again("reverse")(w) },
	"reverse-unknown":        nil,
	"reverse-cloud":          func(w *world) { w.settle("b-1", wallet.Cloud) },
	"reverse-cloud-accepted": func(w *world) { w.settle("b-1", wallet.Cloud); accept(w, "b-1") },
	"quota":                  nil,
	"quarantine": func(w *world) {
		w.keep("m-1", "usage-bills", "{")
		w.now = w.now.Add(time.Second)
		w.keep("m-2", "alipay", "x=1")
	},
	"quarantined":         func(w *world) { w.keep("m-1", "usage-bills", "{") },
	"quarantined-binary":  func(w *world) { w.keep("m-1", "usage-bills", "\xff\xfe") },
	"replay":              func(w *world) { w.keep("m-1", "usage-bills", "{") },
	"replay-other-source": func(w *world) { w.keep("m-1", "alipay", "x=1") },
	"replay-unknown":      nil,
}

// accept turns a bill's cloud charge as its consumer does.
func accept(w *world, bill string) {
	key := ledger.DocumentKey{Kind: "cloud-charge", ID: bill}
	body, document, err := ledger.Read[map[string]any](w.t.Context(), w.ledger.Store, key)
	if err != nil {
		w.t.Fatal(err)
	}
	body["status"] = "accepted"
	if err := w.ledger.Store.Put(w.t.Context(), document.With(body)); err != nil {
		w.t.Fatal(err)
	}
}

func TestEvents(t *testing.T) {
	apitest.Run(t, "operator", func(t *testing.T, name string) api.Handler {
		prepare, known := given[name]
		if !known {
			t.Fatal("the test doesn't know this event")
		}
		w := newWorld(t)
		if prepare != nil {
			prepare(w)
		}
		return w.serve
	})
}

func TestWhoMay(t *testing.T) {
	owner := api.Caller{Subject: "pat", Role: api.Owner, Account: "acme"}
	viewer := api.Caller{Subject: "vera", Role: api.Viewer, Account: "acme"}
	bodies := map[string]string{
		batches:     `{"kind":"regular","face_value":"1","currency":"CNY","count":1}`,
		vouchers:    `{"kind":"regular","face_value":"1","reason":"r"}`,
		cards:       `{"face_value":"100","reason":"r"}`,
		adjustments: `{"direction":"credit","amount":"1","reason":"r"}`,
		reversals:   `{"reason":"r"}`,
		quotas:      `{"currency":"CNY","amount":"1"}`,
	}
	for _, route := range newWorld(t).routes() {
		for _, row := range []struct {
			who  api.Caller
			fits func(status int) bool
		}{
			{operator, func(status int) bool { return status < 300 }},
			{partner, func(status int) bool {
				return (status == 201) == (route.Key == cards) && (status == 403) == (route.Key != cards)
			}},
			{owner, func(status int) bool { return status == 403 }},
			{viewer, func(status int) bool { return status == 403 }},
			{api.Caller{}, func(status int) bool { return status == 401 }},
		} {
			w := newWorld(t)
			w.quotaOf(100)
			w.settle("b-1", wallet.BillingCenter)
			w.keep("m-1", "usage-bills", "{}")
			batch, _, err := w.vouchers.Issue(t.Context(), orderOf(1))
			if err != nil {
				t.Fatal(err)
			}
			got := w.sendBy(row.who, route.Key, "k", bodies[route.Key], "bill", "b-1", "message", "m-1", "partner", "reseller", "batch", batch.ID)
			if !row.fits(got.Status) {
				t.Errorf("%s by %s: %d %s", route.Key, row.who.Role, got.Status, got.Body)
			}
		}
	}
}

func orderOf(count int) voucher.Order {
	return voucher.Order{
		Terms: voucher.Terms{Kind: wallet.Regular, Face: money.Units(money.CNY, 10), MinBill: money.Zero(money.CNY)}, Count: count, Once: "seed", Actor: "olga",
	}
}

func TestOtherAccountsAreNotFound(t *testing.T) {
	w := newWorld(t)
	for _, account := range []string{"nobody", "../", "A#1#W", strings.Repeat("a", 3_000)} { // H55
		for route, body := range map[string]string{
			vouchers: `{"kind":"regular","face_value":"1","reason":"r"}`, cards: `{"face_value":"100","reason":"r"}`,
			adjustments: `{"direction":"credit","amount":"1","reason":"r"}`,
		} {
			w.want(w.send(route, "k", body, "account", account), http.StatusNotFound, "%s of %.10s", route, account)
		}
	}
}

func TestBadFields(t *testing.T) {
	w := newWorld(t)
	for _, row := range []struct{ route, body, pointer string }{
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":0}`, "/count"}, // H84
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":-1}`, "/count"},
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":1000000000}`, "/count"},
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":1.5}`, "/count"},
		{batches, `{"kind":"regular","face_value":"1","currency":"cny","count":1}`, "/currency"},
		{batches, `{"kind":"card","face_value":"1","currency":"CNY","count":1}`, "/kind"},
		{batches, `{"kind":"regular","face_value":"0.00","currency":"CNY","count":1}`, "/face_value"},
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":1,"min_bill_amount":"5"}`, "/min_bill_amount"},
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":1,"valid_days":0}`, "/valid_days"},
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":1,"code_valid_until":"2026-11-02T03:00:00Z"}`, "/code_valid_until"},
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":1,"code_valid_until":"2999-01-01T00:00:00Z"}`, "/code_valid_until"},
		{batches, `{"kind":"regular","face_value":"1","currency":"CNY","count":1,"code_valid_until":"2027-02-29T00:00:00Z"}`, "/code_valid_until"}, // H70
		{vouchers, `{"kind":"regular","face_value":"1","reason":"r","expires_at":"2026-11-02T03:00:00Z"}`, "/expires_at"},
		{vouchers, `{"kind":"regular","face_value":"1","reason":"r","expires_at":"9999-12-31T00:00:00Z"}`, "/expires_at"}, // S24
		{vouchers, `{"kind":"regular","face_value":"1"}`, "/reason"},
		{vouchers, `{"kind":"regular","face_value":"1","reason":"r","valid_days":3651}`, "/valid_days"},
		{cards, `{"face_value":"150","reason":"r"}`, "/face_value"},
		{cards, `{"face_value":"100","reason":"a\u202eb"}`, "/reason"}, // H73
		{adjustments, `{"direction":"up","amount":"1","reason":"r"}`, "/direction"},
		{adjustments, `{"direction":"credit","amount":"100000000.01","reason":"r"}`, "/amount"},
		{adjustments, `{"direction":"credit","amount":"0","reason":"r"}`, "/amount"},
		{adjustments, `{"direction":"credit","amount":"1","reason":"r","balance":"9"}`, "/balance"}, // H34
		{reversals, `{}`, "/reason"},
		{quotas, `{"currency":"CNY","amount":"-1"}`, "/amount"},
		{quotas, `{"currency":"XXX","amount":"1"}`, "/currency"},
	} {
		got := w.send(row.route, "k", row.body, "bill", "b-1", "partner", "reseller")
		if got.Status != http.StatusBadRequest || !strings.Contains(string(got.Body), `"pointer":"`+row.pointer+`"`) {
			t.Errorf("%s %s: %d %s", row.route, row.body, got.Status, got.Body)
		}
	}
	if version := w.head().Version; version != 1 {
		t.Errorf("the wallet is at version %d", version)
	}
}

func TestAdjustmentsAtTheEdges(t *testing.T) { // H85
	w := newWorld(t)
	for i, amount := range []string{"0.01", "100000000.00"} {
		w.want(w.send(adjustments, fmt.Sprint(i), `{"direction":"credit","amount":"`+amount+`","reason":"r"}`), http.StatusCreated, "%s", amount)
	}
	if cash := w.head().Cash.String(); cash != "100000000.01" {
		t.Errorf("cash is %s", cash)
	}
}

func TestAThousandCodesCanBeActivated(t *testing.T) {
	w := newWorld(t)
	got := w.send(batches, "k", `{"kind":"discount","face_value":"5","currency":"CNY","count":1000,"min_bill_amount":"20","valid_days":7}`)
	w.want(got, http.StatusCreated, "issue")
	var issued struct {
		Codes []string `json:"codes"`
	}
	got.Into(t, &issued)
	slices.Sort(issued.Codes)
	if len(slices.Compact(issued.Codes)) != 1000 {
		t.Fatalf("%d different codes", len(issued.Codes))
	}
	for i, text := range []string{issued.Codes[0], issued.Codes[999]} {
		code, err := voucher.ParseCode("", text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.vouchers.Activate(t.Context(), voucher.Activation{Account: "acme", Code: code, Once: fmt.Sprint(i)}); err != nil {
			t.Errorf("code %d: %v", i, err)
		}
	}
}

func TestABatchIsIssuedOnceHoweverManyAskAtOnce(t *testing.T) { // H52
	w := newWorld(t)
	answers := make([]apitest.Answer, 50)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			answers[i] = w.send(batches, "k", `{"kind":"regular","face_value":"5","currency":"CNY","count":3}`)
		})
	}
	wait.Wait()
	withCodes := 0
	for _, got := range answers {
		if strings.Contains(string(got.Body), `"codes"`) {
			withCodes++
		}
		if got.Status != http.StatusOK && got.Status != http.StatusCreated {
			t.Errorf("%d %s", got.Status, got.Body)
		}
	}
	if withCodes != 1 {
		t.Errorf("%d answers have codes", withCodes)
	}
}

func TestAPartnerNeverAllocatesMoreThanItsQuota(t *testing.T) {
	w := newWorld(t)
	w.quotaOf(500)
	var wait sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		wait.Go(func() {
			statuses[i] = w.sendBy(partner, cards, fmt.Sprint(i), `{"face_value":"100","reason":"r"}`).Status
		})
	}
	wait.Wait()
	given := 0
	for _, status := range statuses {
		switch status {
		case http.StatusCreated:
			given++
		case http.StatusUnprocessableEntity, http.StatusServiceUnavailable:
		default:
			t.Errorf("status %d", status)
		}
	}
	rest, _, err := w.quota(t.Context(), "reseller", money.CNY)
	if err != nil || rest.amount() != money.Units(money.CNY, 500-int64(given)*100) || len(w.head().Lots) != given || given == 0 {
		t.Errorf("%d cards, %d lots, %s left, %v", given, len(w.head().Lots), rest.amount(), err)
	}
}

func TestKeysOfOperatorsAndPartnersDontMeet(t *testing.T) {
	w := newWorld(t)
	w.quotaOf(500)
	other := api.Caller{Subject: "pia", Role: api.Partner, Partner: "distributor"}
	if err := w.writeQuota(t.Context(), "distributor", money.Units(money.CNY, 500), "olga"); err != nil {
		t.Fatal(err)
	}
	for _, who := range []api.Caller{operator, partner, other} {
		w.want(w.sendBy(who, cards, "k", `{"face_value":"100","reason":"r"}`), http.StatusCreated, "%s", who.Subject)
	}
	nameless := api.Caller{Subject: "nil", Role: api.Partner}
	w.want(w.sendBy(nameless, cards, "k", `{"face_value":"100","reason":"r"}`), http.StatusForbidden, "a partner without a name")
}

func TestAReversalFindsTheTermsOfLotsThatAreGone(t *testing.T) { // README rule 21
	w := newWorld(t)
	var used []wallet.Lot
	for i := range 3 {
		used = append(used, w.voucher(fmt.Sprint(i), 2))
	}
	w.settle("b-1", wallet.BillingCenter)
	for i := range 250 { // grants after the bill aren't looked at
		w.voucher(fmt.Sprint("later ", i), 1)
	}
	w.want(w.send(reversals, "k", `{"reason":"wrong meter"}`, "bill", "b-1"), http.StatusCreated, "reversal")
	head := w.head()
	for _, lot := range used {
		if back, held := head.Lot(lot.ID); !held || back.Remaining != lot.Face || !back.ExpiresAt.Equal(lot.ExpiresAt) {
			t.Errorf("lot %s is back as %+v", lot.ID, back)
		}
	}
	if !head.Arrears.IsZero() {
		t.Errorf("arrears are %s", head.Arrears)
	}
}

func TestABillIsReversedOnceHoweverManyAskAtOnce(t *testing.T) {
	w := newWorld(t)
	w.settle("b-1", wallet.BillingCenter)
	var wait sync.WaitGroup
	statuses := make([]int, 20)
	for i := range statuses {
		wait.Go(func() { statuses[i] = w.send(reversals, fmt.Sprint(i), `{"reason":"r"}`, "bill", "b-1").Status })
	}
	wait.Wait()
	slices.Sort(statuses)
	if statuses[0] != http.StatusCreated || statuses[1] != http.StatusConflict || statuses[19] != http.StatusConflict {
		t.Errorf("statuses %v", statuses)
	}
	w.want(w.send(reversals, "0", `{"reason":"another"}`, "bill", "b-1"), reusedOr409(t, w), "the first key with another reason")
}

// reusedOr409 is what a reversal's key gets with another reason: 422 for the key that won the race, 409 for others.
func reusedOr409(t *testing.T, w *world) int {
	t.Helper()
	found, err := w.ledger.Store.Entries(t.Context(), wallet.ReverseKey("b-1"))
	if err != nil {
		t.Fatal(err)
	}
	settled, err := w.settled(t.Context(), "b-1")
	if err != nil {
		t.Fatal(err)
	}
	first := wallet.Reverse{Settled: settled, Once: "operator,0", Reason: "r"}
	if found[wallet.ReverseKey("b-1")].Fingerprint == first.Fingerprint() {
		return http.StatusUnprocessableEntity
	}
	return http.StatusConflict
}

func TestReplaySendsTheBodyAsItCame(t *testing.T) {
	w := newWorld(t)
	body := "{\"a\": \"ä\"}\n"
	w.keep("m-1", "usage-bills", body)
	w.keep("m-2", "usage-bills", "\xff")
	w.queue.err = errors.New("the queue is away")
	w.want(w.send(replays, "", "", "message", "m-1"), http.StatusInternalServerError, "a queue that is away")
	if kept, err := w.quarantine.Get(t.Context(), "m-1"); err != nil || kept.Status != quarantine.Open {
		t.Errorf("after a failed replay: %s, %v", kept.Status, err)
	}
	w.queue.err = nil
	w.want(w.send(replays, "", "", "message", "m-1"), http.StatusOK, "replay")
	w.want(w.send(replays, "", "", "message", "m-2"), http.StatusConflict, "a body that isn't text")
	if len(w.queue.sent) != 1 || w.queue.sent[0] != body {
		t.Errorf("sent %q", w.queue.sent)
	}
}

func TestListsGoOnWhereTheyEnded(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.keep(fmt.Sprint("m-", i), "usage-bills", "{}")
		w.send(batches, fmt.Sprint(i), `{"kind":"regular","face_value":"5","currency":"CNY","count":1}`)
		w.now = w.now.Add(time.Second)
	}
	for _, route := range []string{"GET /v1/operator/quarantine", "GET /v1/operator/voucher-batches"} {
		seen, cursor := 0, ""
		for pages := 0; ; pages++ {
			var page struct {
				Items []struct{} `json:"items"`
				Next  string     `json:"next_cursor"`
			}
			c := apitest.Call{Route: route, Caller: operator, Query: "limit=2"}
			if cursor != "" {
				c.Query += "&cursor=" + cursor
			}
			apitest.Send(t, w.serve, c.Event()).Into(t, &page)
			seen += len(page.Items)
			if cursor = page.Next; cursor == "" || pages > 5 {
				break
			}
		}
		if seen != 5 {
			t.Errorf("%s lists %d of 5", route, seen)
		}
		for _, query := range []string{"cursor=AAAA", "limit=0", "limit=101", "status=open"} { // H69
			w.want(apitest.Send(t, w.serve, apitest.Call{Route: route, Caller: operator, Query: query}.Event()), http.StatusBadRequest, "%s?%s", route, query)
		}
	}
}
