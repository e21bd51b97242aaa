package alipay

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	channel "billingcentre/shared/payment/alipay"
)

// The events of the payment-callback function, and the keys that sign them: a pair made for these files alone.
const (
	eventsDir = "../../../events/payment-callback"
	keysDir   = eventsDir + "/testdata"
)

var update = flag.Bool("update", false, "write the events of events/payment-callback anew")

// event is one file: a notice, how it travels, and what the channel must make of it.
type event struct {
	file   string
	what   string
	change []string                 // pairs of field and value; "-" takes a field away
	tamper func(body string) string // after signing
	key    string                   // "app": signed by the app instead of Alipay
	names  string                   // the certificate that it names; its secret is that of certificate mode
	send   func(*events.APIGatewayV2HTTPRequest)

	verdict verdict
}

// verdict is what must come of an event, for the tests of the function too.
type verdict struct {
	What   string `json:"what"`
	Class  string `json:"class"`            // verified, malformed, bad_signature, not_ours, unreadable; mismatch with the order in testdata
	Reason string `json:"reason,omitempty"` // of a refusal
	State  string `json:"state,omitempty"`  // of a verified notice
}

// noticed is when the payer paid.
var noticed = time.Date(2026, 11, 1, 2, 0, 5, 0, time.UTC)

// testOrder is the order that the events are about.
var testOrder = payment.Order{ID: "rch_20261101_0001", Amount: money.Of(money.CNY, 10000)}

func paid(state string) verdict            { return verdict{Class: "verified", State: state} }
func no(class, reason string) verdict      { return verdict{Class: class, Reason: reason} }
func more(text string) func(string) string { return func(body string) string { return body + text } }

// eventFiles are all the cases. Numbers are those of the list of bad inputs.
var eventFiles = []event{
	{file: "paid", what: "the order is paid", verdict: paid("paid")},
	{file: "paid-base64", what: "the same, with its body in base64", send: inBase64, verdict: paid("paid")},
	{file: "paid-again", what: "N60: the same notice, sent again after four minutes", change: []string{"notify_time", "2026-11-01 10:04:05"}, verdict: paid("paid")},
	{file: "paid-replayed", what: "N72: sent again after thirty hours, under another id", change: []string{"notify_time", "2026-11-02 16:00:05", "notify_id", "2026110201222160005099990000000001"}, verdict: paid("paid")},
	{file: "paid-short-amount", what: "the amount as Alipay also writes it: 100", change: []string{"total_amount", "100", "receipt_amount", "100"}, verdict: paid("paid")},
	{file: "paid-zero-refund", what: "refund_fee=0.00, as in Alipay's own sample: no refund", change: []string{"refund_fee", "0.00"}, verdict: paid("paid")},
	{file: "finished", what: "N63: TRADE_FINISHED, after or instead of TRADE_SUCCESS", change: []string{"trade_status", "TRADE_FINISHED", "notify_id", "2026110101222100005099990000000002"}, verdict: paid("paid")},
	{file: "waiting", what: "N58: begun, not paid", change: []string{"trade_status", "WAIT_BUYER_PAY", "gmt_payment", "-", "receipt_amount", "-"}, verdict: paid("waiting")},
	{file: "closed", what: "N64: ended without a payment", change: []string{"trade_status", "TRADE_CLOSED", "gmt_payment", "-", "receipt_amount", "-", "gmt_close", "2026-11-01 10:30:00"}, verdict: paid("closed")},
	{file: "refunded-in-part", what: "N66: TRADE_SUCCESS once more, for a refund of 30.00", change: []string{"refund_fee", "30.00", "gmt_refund", "2026-11-02 11:00:00.123", "out_biz_no", "rfd_1", "notify_id", "2026110201222110000099990000000003"}, verdict: paid("refunded")},
	{file: "refunded-in-full", what: "TRADE_CLOSED for a refund of all", change: []string{"trade_status", "TRADE_CLOSED", "refund_fee", "100.00", "gmt_refund", "2026-11-02 11:00:00.123", "out_biz_no", "rfd_1", "notify_id", "2026110201222110000099990000000004"}, verdict: paid("refunded")},
	{file: "refund-of-ours", what: "N66: a refund of 30.00 that we asked for, told with its out_request_no", change: []string{"refund_fee", "30.00", "gmt_refund", "2026-11-02 11:00:00.123", "out_biz_no", "FAVN8PWHY8JGW2MQ23WR26730Z62E98E4", "notify_id", "2026110201222110000099990000000006"}, verdict: paid("refunded")},
	{file: "refund-of-ours-in-full", what: "TRADE_CLOSED for a refund of all that we asked for", change: []string{"trade_status", "TRADE_CLOSED", "refund_fee", "100.00", "gmt_refund", "2026-11-02 11:00:00.123", "gmt_close", "2026-11-02 11:00:00", "out_biz_no", "FAVN8PWHY8JGW2MQ23WR26730Z62E98E4", "notify_id", "2026110201222110000099990000000007"}, verdict: paid("refunded")},
	{file: "refund-of-second-payment", what: "TRADE_CLOSED of a second payment that we sent back", change: []string{"trade_no", "2026110122001401239999999999", "trade_status", "TRADE_CLOSED", "refund_fee", "100.00", "gmt_refund", "2026-11-01 10:03:00.001", "gmt_close", "2026-11-01 10:03:00", "out_biz_no", "FDQ0EX9QRCS5ZK5D36KTGEAVWE6WMMMG0", "notify_id", "2026110101222110000099990000000008"}, verdict: paid("refunded")},
	{file: "pending", what: "N67: a status that we don't know", change: []string{"trade_status", "TRADE_PENDING"}, verdict: paid("unknown")},

	{file: "certificate-paid", what: "certificate mode: a notice that names the certificate", names: "Alipay's", verdict: paid("paid")},
	{file: "certificate-unnamed", what: "certificate mode: one that doesn't, as Alipay's documents have it", names: "none", verdict: paid("paid")},
	{file: "certificate-unknown", what: "N34: certificate mode: truly signed, by a certificate that isn't pinned", names: "0123456789abcdef0123456789abcdef", verdict: no("bad_signature", "certificate")},

	{file: "unknown-order", what: "N40: an order that was never made", change: []string{"out_trade_no", "rch_19990101_0001"}, verdict: no("mismatch", "order")},
	{file: "amount-too-small", what: "N48: 0.01 for an order of 100.00", change: []string{"total_amount", "0.01", "receipt_amount", "0.01"}, verdict: no("mismatch", "amount")},
	{file: "amount-too-large", what: "N49: more than the order", change: []string{"total_amount", "900.00", "receipt_amount", "900.00"}, verdict: no("mismatch", "amount")},
	{file: "amount-exponent", what: "N51: 1e2 for 100.00", change: []string{"total_amount", "1e2"}, verdict: no("unreadable", "total_amount")},
	{file: "coupon", what: "N52: a coupon of the seller's, so that less was received", change: []string{"receipt_amount", "90.00"}, verdict: no("mismatch", "received")},
	{file: "second-trade", what: "N55: another trade for the same order", change: []string{"trade_no", "2026110122001401239999999999", "notify_id", "2026110101222100005099990000000005"}, verdict: paid("paid")},
	{file: "other-app", what: "N43: for another app of somebody", change: []string{"app_id", "9021000999999999", "auth_app_id", "9021000999999999"}, verdict: no("not_ours", "app_id")},
	{file: "other-auth-app", what: "N45: authorised by another app", change: []string{"auth_app_id", "9021000999999999"}, verdict: no("not_ours", "auth_app_id")},
	{file: "other-seller", what: "N46: paid to another seller", change: []string{"seller_id", "2088999999999999"}, verdict: no("not_ours", "seller_id")},
	{file: "strange-order-id", what: "N42: SQL in the order's id", change: []string{"out_trade_no", "1' OR '1'='1' #"}, verdict: no("unreadable", "out_trade_no")},
	{file: "hidden-refund", what: "a refund's field inside another one's value", change: []string{"point_amount", "0.00&refund_fee=100.00"}, verdict: no("unreadable", "ambiguous")},

	{file: "forged-signature", what: "N28: one bit of the signature flipped", tamper: flipSign, verdict: no("bad_signature", "signature")},
	{file: "forged-amount", what: "N28: a value changed after signing", tamper: replace("total_amount=100.00", "total_amount=900.00"), verdict: no("bad_signature", "signature")},
	{file: "forged-key", what: "N27: signed with another key, the app's own", key: "app", verdict: no("bad_signature", "signature")},
	{file: "forged-cert-sn", what: "N34: an alipay_cert_sn added, that must make nobody fetch a certificate", tamper: more("&alipay_cert_sn=0123456789abcdef"), verdict: no("bad_signature", "signature")},
	{file: "forged-extra-param", what: "N30: a param with value @x added", tamper: more("&extra=%40x"), verdict: no("bad_signature", "signature")},
	{file: "unsigned", what: "N21: no signature", tamper: without("sign"), verdict: no("bad_signature", "sign_missing")},
	{file: "sign-type-md5", what: "N24: MD5", tamper: replace("sign_type=RSA2", "sign_type=MD5"), verdict: no("bad_signature", "sign_type")},

	{file: "duplicate-key", what: "N9: trade_status twice", tamper: more("&trade_status=TRADE_SUCCESS"), verdict: no("malformed", "duplicate_key")},
	{file: "duplicate-sign", what: "N10: sign twice", tamper: more("&sign=AAAA"), verdict: no("malformed", "duplicate_key")},
	{file: "bad-escape", what: "N12: %zz", tamper: more("&body=%zz"), verdict: no("malformed", "escape")},
	{file: "bad-utf8", what: "N16: bytes that aren't UTF-8", tamper: more("&body=%ff%fe"), verdict: no("malformed", "utf8")},
	{file: "charset-evil", what: "N15: charset=evil", change: []string{"charset", "evil"}, verdict: no("malformed", "charset")},
	{file: "too-many-fields", what: "N18: 500 params", tamper: more(strings.Repeat("&x=1", 500)), verdict: no("malformed", "too_many_fields")},
	{file: "empty", what: "N3: no body", tamper: func(string) string { return "" }, verdict: no("malformed", "empty")},
	{file: "text-plain", what: "N4: text/plain", send: func(e *events.APIGatewayV2HTTPRequest) { e.Headers["content-type"] = "text/plain" }, verdict: no("malformed", "content_type")},
	{file: "base64-flag-lies", what: "N6: a body in base64 that isn't said to be", send: func(e *events.APIGatewayV2HTTPRequest) { inBase64(e); e.IsBase64Encoded = false }, verdict: no("malformed", "field_name")},
}

func inBase64(e *events.APIGatewayV2HTTPRequest) {
	e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(e.Body)), true
}

func replace(old, next string) func(string) string {
	return func(body string) string { return strings.Replace(body, old, next, 1) }
}

func without(field string) func(string) string {
	return func(body string) string {
		return strings.Join(slices.DeleteFunc(strings.Split(body, "&"), func(s string) bool { return strings.HasPrefix(s, field+"=") }), "&")
	}
}

func flipSign(body string) string {
	values, err := url.ParseQuery(body)
	if err != nil {
		panic(err)
	}
	raw, err := base64.StdEncoding.DecodeString(values.Get("sign"))
	if err != nil {
		panic(err)
	}
	raw[100] ^= 1
	values.Set("sign", base64.StdEncoding.EncodeToString(raw))
	return values.Encode()
}

// body is the form of an event.
func (e event) body(t *testing.T, c Credentials) string {
	t.Helper()
	trade := Trade{
		OutTradeNo: testOrder.ID, TradeNo: "2026110122001401234567890123", Subject: "账户充值 Top-up", TotalAmount: testOrder.Amount.String(),
		CreatedAt: noticed.Add(-7 * time.Second), PaidAt: noticed.Add(-time.Second), BuyerID: "2088000011112222",
	}
	fields := c.NoticeFields(trade, Notice{ID: "2026110101222100005099990000000000", Status: success}, noticed)
	for i := 0; i < len(e.change); i += 2 {
		if fields[e.change[i]] = e.change[i+1]; e.change[i+1] == "-" {
			delete(fields, e.change[i])
		}
	}
	switch e.names {
	case "", "none":
	case "Alipay's":
		fields["alipay_cert_sn"] = certSN(c.Certificates.Alipay)
	default:
		fields["alipay_cert_sn"] = e.names
	}
	if e.key == "app" {
		c.Alipay = c.App
	}
	body, err := c.SignNotice(fields)
	if err != nil {
		t.Fatal(err)
	}
	if e.tamper != nil {
		body = e.tamper(body)
	}
	return body
}

// request is an event as HTTP API hands it to the function.
func (e event) request(body string) events.APIGatewayV2HTTPRequest {
	const route, path = "POST /v1/payments/alipay/notices", "/v1/payments/alipay/notices"
	r := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: route, RawPath: path, Body: body,
		Headers: map[string]string{
			"content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "api.billing.example.com",
			"user-agent": "Mozilla/4.0", "x-forwarded-for": "203.0.113.10", "x-forwarded-port": "443", "x-forwarded-proto": "https",
		},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: route, AccountID: "123456789012", Stage: "$default", RequestID: "req-" + e.file, APIID: "a1b2c3d4e5",
			DomainName: "api.billing.example.com", DomainPrefix: "api", Time: noticed.Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: noticed.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "POST", Path: path, Protocol: "HTTP/1.1", SourceIP: "203.0.113.10", UserAgent: "Mozilla/4.0"},
		},
	}
	if e.send != nil {
		e.send(&r)
	}
	return r
}

// TestEvents keeps the files in step with this table, and proves that the channel makes of each what testdata/expected.json says.
// With -update it writes them; signatures of RSA2 are deterministic, so unchanged cases stay the same to the byte.
func TestEvents(t *testing.T) {
	c, err := LoadOrCreate(keysDir) // the pair is in the repository: nothing is created
	if err != nil {
		t.Fatal(err)
	}
	secret, err := c.Secret()
	if err != nil {
		t.Fatal(err)
	}
	secretText, err := c.SecretJSON()
	if err != nil {
		t.Fatal(err)
	}
	same(t, keysDir+"/secret.json", append(secretText, '\n'))
	plain, named := channelOf(t, secret), channelOf(t, certificateSecret(t, &c))
	expected := make(map[string]verdict)
	for _, e := range eventFiles {
		t.Run(e.file, func(t *testing.T) {
			request := e.request(e.body(t, c))
			same(t, filepath.Join(eventsDir, e.file+".json"), indented(t, request))
			ch := plain
			if e.names != "" {
				ch = named
			}
			if got := judge(t, ch, request); got != e.verdict {
				t.Errorf("got %+v, want %+v", got, e.verdict)
			}
			e.verdict.What = e.what
			expected[e.file+".json"] = e.verdict
		})
	}
	same(t, keysDir+"/expected.json", indented(t, expected))
	files, err := filepath.Glob(eventsDir + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(path string) bool { return strings.HasSuffix(path, ".answer.json") }) // the function's tests have these
	for _, path := range files {
		if _, known := expected[filepath.Base(path)]; !known {
			t.Errorf("%s isn't in the table", path)
		}
	}
	if len(files) != len(expected) {
		t.Errorf("%d files, %d cases", len(files), len(expected))
	}
}

func channelOf(t *testing.T, secret channel.Secret) *channel.Channel {
	t.Helper()
	c, err := channel.New(channel.Config{Mode: channel.Sandbox, Secret: secret, NotifyURL: "https://api.billing.example.com/v1/payments/alipay/notices"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// certificateSecret is the app's secret in certificate mode, for the same keys. Certificates are issued once: their numbers are random.
func certificateSecret(t *testing.T, c *Credentials) channel.Secret {
	t.Helper()
	const path = keysDir + "/secret-certificates.json"
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && *update {
		issued, err := c.Certified()
		if err != nil {
			t.Fatal(err)
		}
		if text, err = issued.SecretJSON(); err != nil {
			t.Fatal(err)
		}
		same(t, path, append(text, '\n'))
	} else if err != nil {
		t.Fatal(err)
	}
	secret, err := channel.ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(secret.AlipayCert))
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	c.Certificates = &Certificates{Alipay: own}
	return secret
}

// judge takes an event to the channel, as the function does.
func judge(t *testing.T, ch *channel.Channel, r events.APIGatewayV2HTTPRequest) verdict {
	t.Helper()
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			t.Fatal(err)
		}
	}
	n, err := ch.VerifyNotice(payment.Delivery{Header: r.Headers, Body: body})
	if err == nil && n.State == payment.Paid {
		err = n.Proves(testOrder, "")
	}
	if err == nil {
		return paid(string(n.State))
	}
	var refused *payment.NoticeError
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	return no(map[error]string{
		payment.ErrMalformed: "malformed", payment.ErrBadSignature: "bad_signature", payment.ErrNotOurs: "not_ours",
		payment.ErrUnreadable: "unreadable", payment.ErrMismatch: "mismatch",
	}[refused.Class], refused.Reason)
}

// same compares a file with what it must be, or writes it.
func same(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s isn't what the table says (%v): go test ./infra/local/alipay -run TestEvents -update", path, err)
	}
}

func indented(t *testing.T, value any) []byte {
	t.Helper()
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Fatal(err)
	}
	noClient, err := json.Marshal(events.APIGatewayV2HTTPRequestContextAuthentication{})
	if err != nil {
		t.Fatal(err)
	}
	// HTTP API leaves it out where clients bring no certificate; the library's type can't.
	plain := bytes.Replace(text.Bytes(), append([]byte(`,"authentication":`), noClient...), nil, 1)
	var lines bytes.Buffer
	if err := json.Indent(&lines, plain, "", "  "); err != nil {
		t.Fatal(err)
	}
	return lines.Bytes()
}
