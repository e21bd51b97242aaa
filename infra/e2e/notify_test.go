package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"billingcentre/infra/local/alipay"
)

// cashier is an account whose orders are told about by notices of the test's own making, truly signed unless it says otherwise.
type cashier struct {
	*account
	alipay *alipay.Gateway
	number int
	order  recharge // that nobody ever pays
}

// The lines of bad inputs, "Notify", through the running functions: gateway, payment-callback, DynamoDB Local, and what operators see.
// What needs a look into the function has its test there: N6, N39, N70, N75 (functions/payment-callback), N76 (functions/payment-poller), N34 with pinned
// certificates (infra/local/alipay), N54, N55 with the money (TestPaymentsGoTheirWaysAndBack).
func TestNotify(t *testing.T) {
	s := running(t)
	t.Parallel()
	c := &cashier{account: open(t, fmt.Sprint("notify-", time.Now().UnixNano()), "CNY"), alipay: s.Alipay}
	c.order = c.take()
	t.Run("transport", c.transport)
	t.Run("signature", c.signature)
	t.Run("binding", c.binding)
	if got := c.state(c.order); got != "awaiting_payment" {
		t.Errorf("the order that nobody paid is %s", got)
	}
	t.Run("state", c.states)
}

const amount = "100.00"

func (c *cashier) take() recharge {
	c.number++
	order, _ := c.recharge(fmt.Sprint("order-", c.number), amount)
	return order
}

func (c *cashier) state(order recharge) string {
	c.t.Helper()
	var now recharge
	c.get(c.path("/recharges/"+order.ID), &now)
	return now.State
}

// fields are a notice that pays an order, with some changed; "-" takes one away.
func (c *cashier) fields(order recharge, pairs ...string) map[string]string {
	c.number++
	trade := alipay.Trade{
		OutTradeNo: order.ID, TradeNo: "20261122" + fmt.Sprintf("%x", sha256.Sum256([]byte(order.ID)))[:20], Subject: "Top-up", TotalAmount: amount,
		CreatedAt: time.Now().Add(-time.Minute), PaidAt: time.Now(), BuyerID: "2088000011112222",
	}
	fields := c.alipay.Credentials().NoticeFields(trade, alipay.Notice{ID: fmt.Sprint("notice-", c.number), Status: "TRADE_SUCCESS"}, time.Now())
	for i := 0; i < len(pairs); i += 2 {
		if fields[pairs[i]] = pairs[i+1]; pairs[i+1] == "-" {
			delete(fields, pairs[i])
		}
	}
	return fields
}

func (c *cashier) signed(fields map[string]string) string {
	c.t.Helper()
	form, err := c.alipay.Credentials().SignNotice(fields)
	if err != nil {
		c.t.Fatal(err)
	}
	return form
}

// good is a notice that would pay an order.
func (c *cashier) good(pairs ...string) string { return c.signed(c.fields(c.order, pairs...)) }

// deliver sends a request to the notify URL.
func (c *cashier) deliver(method, contentType, body string) (status int, answer string) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.centre.API("/v1/payments/alipay/notices"), strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error() // the gateway needn't read ten megabytes before it says no
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// kept is why a notice waits for an operator; "" when it doesn't.
func (c *cashier) kept(body string) string {
	c.t.Helper()
	var message struct {
		Kind string `json:"kind"`
	}
	id := fmt.Sprintf("alipay-notices:%x", sha256.Sum256([]byte(body)))
	if err := c.operator.Get(c.t.Context(), "/v1/operator/quarantine/"+url.PathEscape(id), &message); err != nil && !gone(err) {
		c.t.Fatal(err)
	}
	return message.Kind
}

const formType = "application/x-www-form-urlencoded; charset=utf-8"

// refused wants a delivery to get no success, and to leave nothing behind.
func (c *cashier) refused(t *testing.T, name, method, contentType, body string) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		if status, answer := c.deliver(method, contentType, body); status == http.StatusOK && answer != "fail" || status >= 500 || c.kept(body) != "" {
			t.Errorf("%d %q, kept as %q", status, answer, c.kept(body))
		}
	})
}

func (c *cashier) transport(t *testing.T) {
	good := c.good()
	for _, row := range []struct{ name, method, contentType, body string }{
		{"N1 GET", "GET", "", ""},
		{"N3 empty", "POST", formType, ""},
		{"N4 text plain", "POST", "text/plain", good},
		{"N7 10 MB", "POST", formType, good + "&x=" + strings.Repeat("x", 10<<20)},
		{"N7 1 MB", "POST", formType, good + "&x=" + strings.Repeat("x", 1<<20)},
		{"N9 trade_status twice", "POST", formType, good + "&trade_status=TRADE_SUCCESS"},
		{"N10 sign twice", "POST", formType, good + "&sign=AAAA"},
		{"N12 %zz", "POST", formType, good + "&body=%zz"},
		{"N13 raw + in sign", "POST", formType, strings.Replace(good, "&sign=", "&sign=+", 1)},
		{"N15 charset=evil", "POST", formType, c.good("charset", "evil")},
		{"N15 charset=evil in the header", "POST", "application/x-www-form-urlencoded; charset=evil", good},
		{"N16 bad UTF-8", "POST", formType, good + "&body=%ff%fe"},
		{"N16 bad UTF-8, raw", "POST", formType, good + "&body=\xff\xfe"},
		{"N18 500 params", "POST", formType, good + strings.Repeat("&x=1", 500)},
		{"N19 HEAD", "HEAD", "", ""},
		{"N19 OPTIONS", "OPTIONS", "", ""},
	} {
		c.refused(t, row.name, row.method, row.contentType, row.body)
	}
}

func (c *cashier) signature(t *testing.T) {
	good := c.good()
	other := c.alipay.Credentials()
	var err error
	if other.Alipay, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	stranger, err := other.SignNotice(c.fields(c.order))
	if err != nil {
		t.Fatal(err)
	}
	other.Alipay = other.App
	own, err := other.SignNotice(c.fields(c.order))
	if err != nil {
		t.Fatal(err)
	}
	values, _ := url.ParseQuery(good)
	change := func(pairs ...string) string {
		changed := url.Values{}
		maps.Copy(changed, values)
		for i := 0; i < len(pairs); i += 2 {
			if changed.Set(pairs[i], pairs[i+1]); pairs[i+1] == "-" {
				changed.Del(pairs[i])
			}
		}
		return changed.Encode()
	}
	flipped := []byte(values.Get("sign"))
	flipped[40] ^= 1
	for _, row := range []struct{ name, body string }{
		{"N21 no sign", change("sign", "-")},
		{"N22 sign empty", change("sign", "")},
		{"N24 MD5", change("sign_type", "MD5")},
		{"N24 none", change("sign_type", "-")},
		{"N25 rsa2", change("sign_type", "rsa2")},
		{"N27 the key of another environment", stranger},
		{"N27 the app's own key", own},
		{"N28 one bit of the signature", change("sign", string(flipped))},
		{"N28 one character of a value", change("total_amount", "900.00")},
		{"N30 extra param @x", change("extra", "@x")},
		{"N31 a param removed", change("gmt_payment", "-")},
		{"N33 an empty param added", change("refund_fee", "")},
		{"N34 an unknown certificate", change("alipay_cert_sn", strings.Repeat("0", 32))},
		{"N34 a certificate that is a path", change("alipay_cert_sn", "../../x")},
		{"N34 a certificate of 1 MB", change("alipay_cert_sn", strings.Repeat("f", 1<<20))},
		{"N36 a key that was retired", stranger},
		{"N37 cut base64", change("sign", values.Get("sign")[:340])},
	} {
		c.refused(t, row.name, "POST", formType, row.body)
	}
	t.Run("N33 an empty param as signed", func(t *testing.T) {
		order := c.take()
		if answer := c.notify(c.signed(c.fields(order, "body", ""))); answer != "success" || c.state(order) != "credited" {
			t.Errorf("%q, %s", answer, c.state(order))
		}
	})
}

func (c *cashier) binding(t *testing.T) {
	for _, row := range []struct {
		name, kind string
		pairs      []string
	}{
		{"N40 unknown order", "unknown_order", []string{"out_trade_no", "R19990101"}},
		{"N42 # in the order", "out_trade_no", []string{"out_trade_no", "A#1#W"}},
		{"N42 SQL in the order", "out_trade_no", []string{"out_trade_no", "1' OR '1'='1"}},
		{"N43 app_id not ours", "app_id", []string{"app_id", "9021000999999999"}},
		{"N45 auth_app_id differs", "auth_app_id", []string{"auth_app_id", "9021000999999999"}},
		{"N46 seller_id differs", "seller_id", []string{"seller_id", "2088999999999999"}},
		{"N48 0.01 for 100.00", "amount", []string{"total_amount", "0.01", "receipt_amount", "0.01"}},
		{"N49 more than the order", "amount", []string{"total_amount", "100.01", "receipt_amount", "100.01"}},
		{"N51 1e2", "total_amount", []string{"total_amount", "1e2"}},
		{"N51 a space", "total_amount", []string{"total_amount", " 100.00"}},
		{"N51 three decimals", "total_amount", []string{"total_amount", "100.001"}},
		{"N51 negative", "total_amount", []string{"total_amount", "-100"}},
		{"N51 empty", "total_amount", []string{"total_amount", ""}},
		{"N51 NaN", "total_amount", []string{"total_amount", "NaN"}},
		{"N52 a coupon of ours", "received", []string{"receipt_amount", "90.00"}},
		{"N67 TRADE_PENDING", "state", []string{"trade_status", "TRADE_PENDING"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			body := c.good(row.pairs...)
			if answer := c.notify(body); answer != "success" || c.kept(body) != row.kind {
				t.Errorf("%q, kept as %q, want %q", answer, c.kept(body), row.kind)
			}
		})
	}
}

func (c *cashier) states(t *testing.T) {
	const closed, finished = "TRADE_CLOSED", "TRADE_FINISHED"
	unpaid := []string{"gmt_payment", "-", "receipt_amount", "-", "trade_status"}
	for _, row := range []struct {
		name   string
		want   string     // how the order ends
		kept   string     // of the last notice
		series [][]string // of notices, each as changes of a paid one
	}{
		{"N57 a subject full of ?", "credited", "", [][]string{{"subject", strings.Repeat("?", 60)}}},
		{"N58 WAIT_BUYER_PAY", "awaiting_payment", "", [][]string{append(unpaid, "WAIT_BUYER_PAY")}},
		{"N60 eight resends", "credited", "", make([][]string, 8)},
		{"N63 FINISHED after SUCCESS", "credited", "", [][]string{{}, {"trade_status", finished}}},
		{"N63 FINISHED alone", "credited", "", [][]string{{"trade_status", finished}}},
		{"N64 TRADE_CLOSED unpaid", "closed", "", [][]string{append(unpaid, closed)}},
		{"N66 SUCCESS with refund_fee", "awaiting_payment", "refunded", [][]string{{"refund_fee", "30.00", "gmt_refund", "2026-11-22 11:00:00.123", "out_biz_no", "x1"}}},
		{"N66 SUCCESS with gmt_refund, credited before", "credited", "refunded", [][]string{{}, {"gmt_refund", "2026-11-22 11:00:00.123"}}},
		{"N66 all sent back, credited before", "credited", "refunded", [][]string{{}, {"trade_status", closed, "refund_fee", amount, "gmt_refund", "2026-11-22 11:00:00.123"}}},
		{"N69 SUCCESS after the close", "credited", "", [][]string{append(unpaid, closed), {}}},
		{"N72 thirty hours old", "credited", "", [][]string{{"notify_time", time.Now().Add(-30 * time.Hour).Format(time.DateTime)}}},
		{"N72 a replay of thirty hours", "credited", "", [][]string{{}, {"notify_time", time.Now().Add(-30 * time.Hour).Format(time.DateTime)}}},
		{"N73 one notify_id, other content", "credited", "", [][]string{append(unpaid, "WAIT_BUYER_PAY", "notify_id", "same"), {"notify_id", "same"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			order, before := c.take(), c.wallet().Cash
			body := ""
			for _, pairs := range row.series {
				body = c.signed(c.fields(order, pairs...))
				if answer := c.notify(body); answer != "success" {
					t.Errorf("answered %q", answer)
				}
			}
			if got := c.state(order); got != row.want || c.kept(body) != row.kept {
				t.Errorf("the order is %s, the last notice kept as %q", got, c.kept(body))
			}
			c.grew(t, before, row.want == "credited")
		})
	}
	t.Run("N61 32 at once", func(t *testing.T) {
		order, before := c.take(), c.wallet().Cash
		body := c.signed(c.fields(order))
		var all sync.WaitGroup
		answers := make([]string, 32)
		for i := range answers {
			all.Go(func() { _, answers[i] = c.deliver("POST", formType, body) })
		}
		all.Wait()
		if again := c.notify(body); again != "success" || !strings.Contains(strings.Join(answers, " "), "success") {
			t.Errorf("answered %q, then %q", answers, again) // who lost a race may be told to come again
		}
		c.grew(t, before, true)
	})
}

// grew wants the cash to be one order's amount above what it was, or the same.
func (c *cashier) grew(t *testing.T, before string, credited bool) {
	t.Helper()
	var units, fen int
	if _, err := fmt.Sscanf(before, "%d.%d", &units, &fen); err != nil {
		t.Fatal(err)
	}
	if credited {
		units += 100
	}
	if want, got := fmt.Sprintf("%d.%02d", units, fen), c.wallet().Cash; got != want {
		t.Errorf("cash %s, want %s", got, want)
	}
}
