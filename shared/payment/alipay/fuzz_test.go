package alipay

import (
	"errors"
	"testing"

	"billingcentre/shared/payment"
)

// FuzzVerifyNotice: whatever comes in, there is a typed answer and no panic, and what is accepted is what Alipay signed:
// signing the accepted fields again gives the very signature that came.
func FuzzVerifyNotice(f *testing.F) {
	good := form(alipayKey(), paidFields())
	f.Add("application/x-www-form-urlencoded", []byte(good))
	f.Add("application/x-www-form-urlencoded; charset=utf-8", []byte(good+"&sign=x"))
	f.Add("application/x-www-form-urlencoded", []byte("sign_type=RSA2&sign=AAAA&a=%zz"))
	f.Add("text/plain", []byte("\xff\xfe"))
	c := testChannel(f)
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		n, err := c.VerifyNotice(payment.Delivery{Header: map[string]string{"content-type": contentType}, Body: body})
		if err != nil {
			var refused *payment.NoticeError
			if !errors.As(err, &refused) || refused.Reason == "" {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		fields, reason := parseForm(body)
		if reason != "" || signature(alipayKey(), n.Fields) != fields["sign"] {
			t.Fatalf("accepted what wasn't signed: %v", n.Fields)
		}
	})
}

// FuzzReseal: the gateway's answer, whatever it is, becomes an error or an envelope that says the same when resealed.
func FuzzReseal(f *testing.F) {
	f.Add([]byte(`{"alipay_trade_query_response":{"code":"10000"},"sign":"AAAA"}`))
	f.Add([]byte(`{"alipay_trade_query_response":{"code":"10000"},"alipay_cert_sn":"x","sign":"AAAA"}`))
	f.Add([]byte(`{"error_response":{"code":"40002"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		once, err := reseal(body, nil)
		if err != nil {
			return
		}
		twice, err := reseal(once, nil)
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%q became %q, then %q (%v)", body, once, twice, err)
		}
	})
}
