package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/api"
	"billingcentre/shared/api/apitest"
	"billingcentre/shared/counter"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

var morning = time.Date(2026, 11, 2, 1, 30, 0, 0, time.UTC)

// provider is a payment channel that answers as a test wants, and counts.
type provider struct {
	created map[string]payment.Order
	paid    bool // every order is, by trade T1
	err     error
}

func (c *provider) Name() string                 { return "alipay" }
func (c *provider) Currencies() []money.Currency { return []money.Currency{money.CNY} }
func (c *provider) Create(_ context.Context, order payment.Order) (payment.Checkout, error) {
	if c.err != nil {
		return payment.Checkout{}, c.err
	}
	if before, again := c.created[order.ID]; again && before != order {
		return payment.Checkout{}, errors.New("the same order was asked for with other parameters")
	}
	c.created[order.ID] = order
	return payment.Checkout{Content: "https://qr.example.com/" + order.ID, ExpiresAt: order.ExpiresAt}, nil
}

func (c *provider) Query(_ context.Context, id string) (payment.Trade, error) {
	order, known := c.created[id]
	if !c.paid || !known {
		return payment.Trade{}, &payment.Refused{Channel: "alipay", Code: "40004 ACQ.TRADE_NOT_EXIST", Meaning: payment.ErrNoTrade}
	}
	return payment.Trade{OrderID: id, Ref: "T1", State: payment.Paid, Total: order.Amount, Received: order.Amount}, nil
}

func (c *provider) Page(_ context.Context, order payment.Order, returnURL string) (payment.Checkout, error) {
	return payment.Checkout{Content: "https://page.example.com/" + order.ID, ExpiresAt: order.ExpiresAt}, nil
}

func (c *provider) VerifyNotice(payment.Delivery) (payment.Notice, error) {
	return payment.Notice{}, payment.ErrMalformed
}
func (c *provider) Reply(bool) payment.Reply { return payment.Reply{} }

// desk is the function over an empty wallet "acme" in CNY and another, "usco", in USD.
type desk struct {
	t        *testing.T
	provider *provider
	now      time.Time
	handler
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, provider: &provider{created: map[string]payment.Order{}}, now: morning}
	books := &ledger.Ledger{Store: &memory.Store{}, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return d.now }}
	for account, currency := range map[wallet.AccountID]money.Currency{"acme": money.CNY, "bolt": money.CNY, "usco": money.USD} {
		if _, err := books.Do(t.Context(), account, ledger.Intent{Command: wallet.Open{Account: account, Currency: currency, Zone: "UTC"}}); err != nil {
			t.Fatal(err)
		}
	}
	d.handler = handler{counter.Orders{Desk: &recharge.Desk{Ledger: books, Channel: d.provider, ReturnURLs: []string{"https://console.example.com"}}, Cursors: api.Cursors{Key: []byte("test")}}}
	return d
}

func (d *desk) serve() api.Handler { return api.Serve(slog.New(slog.DiscardHandler), d.routes()...) }

const takeRoute = "POST /v1/accounts/{account}/recharges"

func owner(account wallet.AccountID) api.Caller {
	return api.Caller{Subject: "pat", Role: api.Owner, Account: account}
}

func (d *desk) take(account, key, body string) apitest.Answer {
	d.t.Helper()
	return apitest.Send(d.t, d.serve(), apitest.Call{
		Route: takeRoute, Params: map[string]string{"account": account}, Caller: owner(wallet.AccountID(account)), Key: key, Body: body,
	}.Event())
}

func TestEvents(t *testing.T) {
	apitest.Run(t, "recharge", func(t *testing.T, name string) api.Handler {
		d := newDesk(t)
		if name != "take" {
			d.take("acme", "monday", `{"amount":"100.00"}`)
		}
		switch name {
		case "provider-silent":
			d.provider.err = payment.ErrUnknownOutcome
		case "query":
			d.provider.paid = true
		case "refund", "refund-too-much", "refunds":
			d.credit("monday")
		}
		if name == "refunds" {
			d.refund("refund-0", `{"amount":"5.00","reason":"goodwill"}`)
		}
		return d.serve()
	})
}

// credit has the order that a key made paid and credited.
func (d *desk) credit(key string) (id string) {
	d.t.Helper()
	var order counter.Order
	d.take("acme", key, `{"amount":"100.00"}`).Into(d.t, &order)
	d.provider.paid = true
	if got, err := d.Desk.Ask(d.t.Context(), "acme", order.ID, ""); err != nil || got.State != recharge.Credited {
		d.t.Fatalf("%+v, %v", got, err)
	}
	return order.ID
}

func (d *desk) refund(key, body string) apitest.Answer {
	d.t.Helper()
	const order = "RHAR0VXFKRNNSJKV9GZ9FM1B4A42STSNN"
	return apitest.Send(d.t, d.serve(), apitest.Call{
		Route: "POST /v1/operator/recharges/{recharge}/refunds", Params: map[string]string{"recharge": order},
		Caller: api.Caller{Subject: "op", Role: api.Operator}, Key: key, Body: body,
	}.Event())
}

func TestOnlyTheOwnerLooksForAPaymentAndOnlyOperatorsRefund(t *testing.T) {
	for _, row := range []struct {
		who           string
		caller        api.Caller
		query, refund int
	}{
		{"the owner", owner("acme"), 200, 403},
		{"another owner", owner("bolt"), 404, 403},
		{"a viewer", api.Caller{Subject: "vi", Role: api.Viewer, Account: "acme"}, 403, 403},
		{"an operator", api.Caller{Subject: "op", Role: api.Operator}, 200, 201},
		{"nobody", api.Caller{}, 401, 401},
	} {
		d := newDesk(t)
		id := d.credit("monday")
		query := apitest.Send(t, d.serve(), apitest.Call{
			Route: "POST /v1/accounts/{account}/recharges/{recharge}/query", Params: map[string]string{"account": "acme", "recharge": id}, Caller: row.caller, Body: "{}",
		}.Event())
		refund := apitest.Send(t, d.serve(), apitest.Call{
			Route: "POST /v1/operator/recharges/{recharge}/refunds", Params: map[string]string{"recharge": id}, Caller: row.caller,
			Key: "k", Body: `{"amount":"1.00","reason":"x"}`,
		}.Event())
		if query.Status != row.query || refund.Status != row.refund {
			t.Errorf("%s: query %d, refund %d", row.who, query.Status, refund.Status)
		}
	}
}

func TestTheOrderIsWrittenBeforeTheProviderHearsOfIt(t *testing.T) {
	d := newDesk(t)
	d.provider.err = payment.ErrUnknownOutcome
	if got := d.take("acme", "k1", `{"amount":"1.00"}`); got.Status != 503 || got.Headers["Retry-After"] == "" {
		t.Fatalf("a silent provider: %d %s", got.Status, got.Body)
	}
	orders, _, err := d.Desk.List(t.Context(), "acme", "", 10)
	if err != nil || len(orders) != 1 || orders[0].State != recharge.Pending {
		t.Fatalf("orders: %+v, %v", orders, err)
	}
	d.provider.err = nil
	again := d.take("acme", "k1", `{"amount":"1.00"}`)
	var a counter.Order
	again.Into(t, &a)
	if again.Status != 200 || a.ID != orders[0].ID || a.State != recharge.Awaiting {
		t.Errorf("the retry made %d %s", again.Status, again.Body)
	}
}

func TestOneKeyIsOneOrder(t *testing.T) {
	d := newDesk(t)
	first, second := d.take("acme", "k1", `{"amount":"1.00"}`), d.take("acme", "k1", `{"amount":"1.0"}`)
	if diff := cmp.Diff(string(first.Body), string(second.Body)); first.Status != 201 || second.Status != 200 || diff != "" {
		t.Errorf("%d, then %d: %s", first.Status, second.Status, diff)
	}
	if other := d.take("acme", "k1", `{"amount":"2.00"}`); other.Status != 422 {
		t.Errorf("another amount under the same key: %d %s", other.Status, other.Body)
	}
	if elsewhere := d.take("bolt", "k1", `{"amount":"2.00"}`); elsewhere.Status != 201 {
		t.Errorf("the same key of another account: %d %s", elsewhere.Status, elsewhere.Body)
	}
	if len(d.provider.created) != 2 {
		t.Errorf("the provider made %d payments", len(d.provider.created))
	}
}

func TestAnAccountWaitsForFivePaymentsAtMost(t *testing.T) {
	d := newDesk(t)
	for i := range 5 {
		d.now = d.now.Add(time.Second)
		if got := d.take("acme", fmt.Sprint("k", i), `{"amount":"1.00"}`); got.Status != 201 {
			t.Fatalf("order %d: %d %s", i, got.Status, got.Body)
		}
	}
	if got := d.take("acme", "k6", `{"amount":"1.00"}`); got.Status != 429 {
		t.Errorf("the sixth: %d %s", got.Status, got.Body)
	}
	if got := d.take("acme", "k4", `{"amount":"1.00"}`); got.Status != 200 {
		t.Errorf("a retry of the fifth: %d %s", got.Status, got.Body)
	}
	d.now = d.now.Add(time.Hour)
	if got := d.take("acme", "k7", `{"amount":"1.00"}`); got.Status != 201 {
		t.Errorf("when the five have expired: %d %s", got.Status, got.Body)
	}
}

func TestAmounts(t *testing.T) {
	const invalid = 400
	for _, row := range []struct {
		rule, body string
		status     int
	}{
		{"H85 the least", `{"amount":"0.01"}`, 201},
		{"H85 the most", `{"amount":"100000000.00"}`, 201},
		{"one fen above the most", `{"amount":"100000000.01"}`, invalid},
		{"H1 a sign", `{"amount":"-1"}`, invalid},
		{"H3 a negative zero", `{"amount":"-0"}`, invalid},
		{"H4 zero", `{"amount":"0.00"}`, invalid},
		{"H6 an exponent", `{"amount":"1e2"}`, invalid},
		{"H7 a huge exponent", `{"amount":"1E400"}`, invalid},
		{"H9 infinity", `{"amount":"Infinity"}`, invalid},
		{"H10 hexadecimal", `{"amount":"0x10"}`, invalid},
		{"H12 groups", `{"amount":"1,000.00"}`, invalid},
		{"H13 a space", `{"amount":" 1"}`, invalid},
		{"H15 a plus", `{"amount":"+1"}`, invalid},
		{"H16 full width", `{"amount":"１２"}`, invalid},
		{"H18 empty", `{"amount":""}`, invalid},
		{"H19 null", `{"amount":null}`, invalid},
		{"missing", `{}`, invalid},
		{"a number", `{"amount":1.5}`, invalid},
		{"H21 an array", `{"amount":[1]}`, invalid},
		{"H22 an object", `{"amount":{"v":1}}`, invalid},
		{"H24 more than an int64", `{"amount":"9223372036854775807"}`, invalid},
		{"H27 forty digits", `{"amount":"1111111111111111111111111111111111111111"}`, invalid},
		{"H28 no digit before the point", `{"amount":".5"}`, invalid},
		{"no digit after it", `{"amount":"5."}`, invalid},
		{"three decimals", `{"amount":"1.001"}`, invalid},
		{"H30 a leading zero", `{"amount":"01.00"}`, invalid},
		{"H31 a NUL", `{"amount":"1.00\u0000"}`, invalid},
		{"H33 another spelling", `{"AMOUNT":"7"}`, invalid},
		{"H34 a member that isn't for clients", `{"amount":"7","status":"PAID"}`, invalid},
		{"H88 paid by decree", `{"amount":"7","paid":true}`, invalid},
		{"a member twice", `{"amount":"7","amount":"8"}`, invalid},
		{"H36 two documents", `{"amount":"7"}{"amount":"8"}`, invalid},
		{"H37 a byte order mark", "\ufeff" + `{"amount":"7"}`, invalid},
		{"H42 a byte that isn't UTF-8", "{\"amount\":\"7\",\"channel\":\"\xff\"}", invalid},
		{"H43 half a surrogate pair", `{"amount":"7","channel":"\ud800"}`, invalid},
		{"H45 null", `null`, invalid},
		{"H45 an array", `[]`, invalid},
		{"another channel", `{"amount":"7","channel":"wechat"}`, invalid},
	} {
		if got := newDesk(t).take("acme", "k", row.body); got.Status != row.status {
			t.Errorf("%s: %s gave %d %s", row.rule, row.body, got.Status, got.Body)
		}
	}
}

func TestWhoMayTopUp(t *testing.T) {
	for _, row := range []struct {
		rule    string
		caller  api.Caller
		account string
		status  int
	}{
		{"an owner, the own account", owner("acme"), "acme", 201},
		{"an operator, any account", api.Caller{Subject: "op", Role: api.Operator}, "acme", 201},
		{"an owner, another account", owner("bolt"), "acme", 404},
		{"an owner, an account that isn't there", owner("bolt"), "nobody", 404},
		{"an operator, an account that isn't there", api.Caller{Subject: "op", Role: api.Operator}, "nobody", 404},
		{"a viewer", api.Caller{Subject: "vi", Role: api.Viewer, Account: "acme"}, "acme", 403},
		{"a viewer, another account", api.Caller{Subject: "vi", Role: api.Viewer, Account: "bolt"}, "acme", 404},
		{"a partner", api.Caller{Subject: "pa", Role: api.Partner, Partner: "p1"}, "acme", 404},
		{"nobody", api.Caller{}, "acme", 401},
		{"an account in a currency that the channel doesn't collect", owner("usco"), "usco", 422},
	} {
		got := apitest.Send(t, newDesk(t).serve(), apitest.Call{
			Route: takeRoute, Params: map[string]string{"account": row.account}, Caller: row.caller, Key: "k", Body: `{"amount":"1.00"}`,
		}.Event())
		if got.Status != row.status {
			t.Errorf("%s: %d %s, want %d", row.rule, got.Status, got.Body, row.status)
		}
	}
}
