package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/audit"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

const (
	batches     = "POST /v1/operator/voucher-batches"
	vouchers    = "POST /v1/operator/accounts/{account}/vouchers"
	cards       = "POST /v1/operator/accounts/{account}/cards"
	adjustments = "POST /v1/operator/accounts/{account}/adjustments"
	reversals   = "POST /v1/operator/bills/{bill}/reversal"
	quotas      = "PUT /v1/operator/partners/{partner}/quota"
	closures    = "POST /v1/operator/proof-cases/{case}/closure"
	caseEnds    = "POST /v1/operator/reversal-cases/{case}/closure"
	retries     = "POST /v1/operator/cloud-records/{record}/retry"
	recordEnds  = "POST /v1/operator/cloud-records/{record}/closure"
	customers   = "PUT /v1/operator/cloud-customers/{provider}/{customer}"
	replays     = "POST /v1/operator/quarantine/{message}/replay"
)

// again sends the event of the case itself, before it is sent for the comparison.
func again(name string) func(*world) {
	return func(w *world) { apitest.Send(w.t, w.serve, apitest.Event(w.t, "operator", name)) }
}

// given is what must have happened before each event.
var given = map[string]func(w *world){
	"issue":                       nil,
	"issue-again":                 again("issue-again"),
	"issue-key-reused":            again("issue"),
	"issue-bad-fields":            nil,
	"batches":                     again("issue"),
	"batch":                       again("issue"),
	"batch-unknown":               nil,
	"voucher":                     nil,
	"voucher-again":               again("voucher-again"),
	"voucher-both-ends":           nil,
	"card":                        nil,
	"card-repays-arrears":         func(w *world) { w.settle("b-1", wallet.BillingCenter) },
	"card-by-partner":             func(w *world) { w.quotaOf(500) },
	"card-by-partner-short":       func(w *world) { w.quotaOf(200) },
	"card-by-partner-again":       func(w *world) { w.quotaOf(300); again("card-by-partner-again")(w) },
	"credit":                      nil,
	"debit-too-much":              func(w *world) { w.cash(10) },
	"reverse":                     func(w *world) { w.voucher("v", 4); w.cash(10); w.settle("b-1", wallet.BillingCenter) },
	"reverse-again":               func(w *world) { w.settle("b-1", wallet.BillingCenter); again("reverse-again")(w) },
	"reverse-other-key":           func(w *world) { w.settle("b-1", wallet.BillingCenter); again("reverse")(w) },
	"reverse-unknown":             nil,
	"reverse-cloud":               func(w *world) { w.settle("b-1", wallet.Cloud) },
	"reverse-cloud-sent":          func(w *world) { w.settle("b-1", wallet.Cloud); w.meter(metering.Busy) },
	"cloud-charges":               func(w *world) { w.settle("b-1", wallet.Cloud); w.settle("b-2", wallet.Cloud) },
	"cloud-records":               owed(metering.NotSubscribed),
	"cloud-records-accepted":      owed(metering.Accepted),
	"cloud-records-unknown-state": nil,
	"cloud-record":                owed(metering.Busy),
	"cloud-record-unknown":        nil,
	"cloud-record-charges":        owed(metering.Accepted),
	"cloud-retry":                 owed(metering.NotSubscribed),
	"cloud-retry-again": func(w *world) {
		owed(metering.NotSubscribed)(w)
		again("cloud-retry-again")(w)
		w.meter(metering.Accepted)
	},
	"cloud-retry-doubtful":         owed(metering.Unknown),
	"cloud-retry-looked":           owed(metering.Unknown),
	"cloud-write-off":              owed(metering.Refused),
	"cloud-close-accepted":         owed(metering.Unknown),
	"cloud-close-bad":              owed(metering.Unknown),
	"cloud-close-settled":          owed(metering.Accepted),
	"cloud-customer":               nil,
	"cloud-customer-bad":           nil,
	"reverse-cloud-accepted":       func(w *world) { w.settle("b-1", wallet.Cloud); w.meter(metering.Accepted) },
	"reversal-cases":               irreversible,
	"reversal-cases-closed":        func(w *world) { irreversible(w); again("reversal-case-close")(w) },
	"reversal-cases-unknown-state": nil,
	"reversal-case-close":          irreversible,
	"reversal-case-close-again":    func(w *world) { irreversible(w); again("reversal-case-close")(w) },
	"reversal-case-unknown":        irreversible,
	"quota":                        nil,
	"proofs":                       proven,
	"proof":                        proven,
	"proof-unknown":                proven,
	"proof-cases":                  proven,
	"proof-cases-unknown-state":    nil,
	"proof-case-close":             proven,
	"proof-case-close-again":       func(w *world) { proven(w); again("proof-case-close")(w) },
	"proof-case-unknown":           proven,
	"proof-cases-closed":           func(w *world) { proven(w); again("proof-case-close")(w) },
	"audit": func(w *world) { // a top-up without an order
		w.do(wallet.TopUp{Order: "R1", Amount: money.Units(money.CNY, 5), Channel: "alipay", Trade: "T1"})
		auditor := audit.Auditor{Store: w.ledger.Store, Now: w.ledger.Now}
		if _, err := auditor.Audit(w.t.Context(), "acme"); err != nil {
			w.t.Fatal(err)
		}
	},
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

// irreversible has a bill settled whose charge the cloud accepts, and asks for its reversal.
func irreversible(w *world) {
	w.settle("b-1", wallet.Cloud)
	w.meter(metering.Accepted)
	w.now = w.now.Add(time.Hour)
	again("reverse-cloud-accepted")(w)
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
		closures:    `{"reason":"r"}`,
		caseEnds:    `{"reason":"r"}`,
		retries:     `{"reason":"r"}`,
		recordEnds:  `{"outcome":"accepted","reason":"r"}`,
		customers:   `{"license_arn":""}`,
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
			open := foundCase
			if route.Key == caseEnds {
				irreversible(w)
				open = "b-1"
			} else {
				w.settle("b-1", wallet.BillingCenter)
				owed(metering.NotSubscribed)(w)
			}
			w.keep("m-1", "usage-bills", "{}")
			batch, _, err := w.vouchers.Issue(t.Context(), orderOf(1))
			if err != nil {
				t.Fatal(err)
			}
			proven(w)
			got := w.sendBy(row.who, route.Key, "k", bodies[route.Key], "bill", "b-1", "message", "m-1", "partner", "reseller", "batch", batch.ID,
				"proof", "alipay-2026-11-01", "case", open, "record", chargeRecord, "provider", "aws", "customer", "c-1")
			if !row.fits(got.Status) {
				t.Errorf("%s by %s: %d %s", route.Key, row.who.Role, got.Status, got.Body)
			}
		}
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
		{customers, `{"license_arn":"arn:aws:s3:::x"}`, "/license_arn"},
		{customers, `{"license_arn":"` + "arn:aws:license-manager:us-east-1:1:license:l-" + strings.Repeat("0", 2048) + `"}`, "/license_arn"},
		{quotas, `{"currency":"CNY","amount":"-1"}`, "/amount"},
		{quotas, `{"currency":"XXX","amount":"1"}`, "/currency"},
	} {
		got := w.send(row.route, "k", row.body, "bill", "b-1", "partner", "reseller", "provider", "aws", "customer", "c-1")
		if got.Status != http.StatusBadRequest || !strings.Contains(string(got.Body), `"pointer":"`+row.pointer+`"`) {
			t.Errorf("%s %s: %d %s", row.route, row.body, got.Status, got.Body)
		}
	}
	if version := w.head().Version; version != 1 {
		t.Errorf("the wallet is at version %d", version)
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
