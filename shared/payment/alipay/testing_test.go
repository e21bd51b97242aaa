package alipay

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"billingcentre/shared/payment"
)

const (
	testApp    = "9021000123456789"
	testSeller = "2088123412341234"
)

// The keys of one test run: the app's, Alipay's present and next one, and one that Alipay has given up.
var (
	appKey    = sync.OnceValue(newKey)
	alipayKey = sync.OnceValue(newKey)
	nextKey   = sync.OnceValue(newKey)
	oldKey    = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func privatePEM(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

func publicPEM(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func testSecret() Secret {
	return Secret{AppID: testApp, SellerID: testSeller, PrivateKey: privatePEM(appKey()), PublicKey: publicPEM(alipayKey())}
}

func testConfig() Config {
	return Config{Mode: Sandbox, Secret: testSecret(), NotifyURL: "https://billing.example.com/v1/payments/alipay/notices"}
}

func testChannel(t testing.TB, change ...func(*Config)) *Channel {
	t.Helper()
	config := testConfig()
	for _, c := range change {
		c(&config)
	}
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// paidFields are a notice that pays 100.00 for order rch_1, in all its length.
func paidFields() map[string]string {
	return map[string]string{
		"notify_type": "trade_status_sync", "notify_id": "2026110101222101234001234567890123", "notify_time": "2026-11-01 10:00:05",
		"version": "1.0", "charset": "utf-8", "app_id": testApp, "auth_app_id": testApp, "seller_id": testSeller,
		"trade_no": "2026110122001401234567890123", "out_trade_no": "rch_1", "trade_status": "TRADE_SUCCESS",
		"subject": "账户充值 Top-up", "total_amount": "100.00", "receipt_amount": "100.00", "buyer_pay_amount": "100.00",
		"invoice_amount": "100.00", "point_amount": "0.00", "fund_bill_list": `[{"amount":"100.00","fundChannel":"ALIPAYACCOUNT"}]`,
		"buyer_id": "2088000011112222", "buyer_logon_id": "pay***@example.com",
		"gmt_create": "2026-11-01 09:59:58", "gmt_payment": "2026-11-01 10:00:04",
	}
}

// signature is what a key makes of fields: the test's own reading of Alipay's rule, not the code's.
func signature(key *rsa.PrivateKey, fields map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if name != "sign" && name != "sign_type" {
			parts = append(parts, name+"="+fields[name])
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "&")))
	raw, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// form encodes fields with a signature and RSA2, where they don't say otherwise.
func form(key *rsa.PrivateKey, fields map[string]string) string {
	values := url.Values{"sign_type": {"RSA2"}, "sign": {signature(key, fields)}}
	for name, value := range fields {
		values.Set(name, value)
	}
	return values.Encode()
}

// with is the paid notice with fields changed; a value of "-" takes the field away.
func with(pairs ...string) map[string]string {
	fields := paidFields()
	for i := 0; i < len(pairs); i += 2 {
		if fields[pairs[i]] = pairs[i+1]; pairs[i+1] == "-" {
			delete(fields, pairs[i])
		}
	}
	return fields
}

func deliver(body string) payment.Delivery {
	return payment.Delivery{Header: map[string]string{"content-type": "application/x-www-form-urlencoded; charset=utf-8"}, Body: []byte(body)}
}
