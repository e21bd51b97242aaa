package alipay

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
)

func TestPaidNotice(t *testing.T) {
	got, err := testChannel(t).VerifyNotice(deliver(form(alipayKey(), paidFields())))
	if err != nil {
		t.Fatal(err)
	}
	want := payment.Notice{
		Trade: payment.Trade{
			Channel: "alipay", OrderID: "rch_1", Ref: "2026110122001401234567890123", State: payment.Paid,
			Total: money.Of(money.CNY, 10000), Received: money.Of(money.CNY, 10000), Refunded: money.Zero(money.CNY),
			PaidAt: time.Date(2026, 11, 1, 2, 0, 4, 0, time.UTC),
		},
		ID: "2026110101222101234001234567890123", SentAt: time.Date(2026, 11, 1, 2, 0, 5, 0, time.UTC), Fields: paidFields(),
	}
	amounts := cmp.Comparer(func(a, b money.Amount) bool { return a == b })
	times := cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })
	if diff := cmp.Diff(want, got, amounts, times); diff != "" {
		t.Errorf("notice (-want +got):\n%s", diff)
	}
}

// refusing counts the calls that a channel tries to make: verifying must make none.
type refusing struct{ t *testing.T }

func (r refusing) RoundTrip(*http.Request) (*http.Response, error) {
	r.t.Error("an outbound call was made")
	return nil, errors.New("no calls")
}

// TestTransport is N1 to N19: what isn't a form beyond doubt isn't looked at any further.
func TestTransport(t *testing.T) {
	good := form(alipayKey(), paidFields())
	many := good + strings.Repeat("&x=1", 500)
	distinct := good
	for i := range 120 {
		distinct += "&x" + strings.Repeat("y", i) + "=1"
	}
	for _, row := range []struct {
		name, contentType, body, reason string
	}{
		{"N1 GET: no body", "", "", "content_type"},
		{"N3 empty", "application/x-www-form-urlencoded", "", "empty"},
		{"N4 text/plain", "text/plain", good, "content_type"},
		{"N4 multipart", "multipart/form-data; boundary=x", good, "content_type"},
		{"N6 still base64", "application/x-www-form-urlencoded", "bm90aWZ5X3R5cGU9dHJhZGVfc3RhdHVzX3N5bmM", "field_name"},
		{"N7 10 MB", "application/x-www-form-urlencoded", good + "&pad=" + strings.Repeat("x", 10<<20), "too_large"},
		{"N9 trade_status twice", "application/x-www-form-urlencoded", good + "&trade_status=TRADE_SUCCESS", "duplicate_key"},
		{"N9 twice, once escaped", "application/x-www-form-urlencoded", good + "&trade%5Fstatus=TRADE_CLOSED", "duplicate_key"},
		{"N10 sign twice", "application/x-www-form-urlencoded", good + "&sign=AAAA", "duplicate_key"},
		{"N12 %zz", "application/x-www-form-urlencoded", good + "&body=%zz", "escape"},
		{"N12 cut escape", "application/x-www-form-urlencoded", good + "&body=%4", "escape"},
		{"N15 charset=evil in the form", "application/x-www-form-urlencoded", form(alipayKey(), with("charset", "evil")), "charset"},
		{"N15 charset=gbk in the header", "application/x-www-form-urlencoded; charset=gbk", good, "charset"},
		{"N16 bad UTF-8", "application/x-www-form-urlencoded", good + "&body=%ff%fe", "utf8"},
		{"N16 bad UTF-8, raw", "application/x-www-form-urlencoded", good + "&body=\xc3\x28", "utf8"},
		{"N18 500 params", "application/x-www-form-urlencoded", many, "too_many_fields"},
		{"N18 140 distinct params", "application/x-www-form-urlencoded", distinct, "too_many_fields"},
		{"no name", "application/x-www-form-urlencoded", good + "&=1", "field_name"},
		{"no value", "application/x-www-form-urlencoded", good + "&flag", "field_name"},
		{"empty segment", "application/x-www-form-urlencoded", good + "&&a=1", "field_name"},
		{"separator in a name", "application/x-www-form-urlencoded", good + "&a%3Db=1", "field_name"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := testChannel(t, func(c *Config) { c.Transport = refusing{t} })
			_, err := c.VerifyNotice(payment.Delivery{Header: map[string]string{"content-type": row.contentType}, Body: []byte(row.body)})
			expect(t, err, payment.ErrMalformed, row.reason)
		})
	}
}

// TestSignature is N21 to N37: what Alipay didn't sign, as it came, is nobody's word.
func TestSignature(t *testing.T) {
	good := paidFields()
	signed := signature(alipayKey(), good)
	after := func(pairs ...string) string { // signed first, changed later
		fields := with(pairs...)
		if fields["sign"] == "" {
			fields["sign"] = signed
		}
		return form(alipayKey(), fields)
	}
	flipped := "B" + signed[1:]
	if signed[0] == 'B' {
		flipped = "C" + signed[1:]
	}
	withEmpty := form(alipayKey(), with("body", ""))
	for _, row := range []struct{ name, body, reason string }{
		{"N13 raw + in sign", rawPlus(t), "sign_base64"},
		{"N21 no sign", drop(form(alipayKey(), good), "sign"), "sign_missing"},
		{"N22 empty sign", form(alipayKey(), with("sign", "")), "sign_missing"},
		{"N24 MD5", form(alipayKey(), with("sign_type", "MD5")), "sign_type"},
		{"N24 none", drop(form(alipayKey(), good), "sign_type"), "sign_type"},
		{"N25 rsa2", form(alipayKey(), with("sign_type", "rsa2")), "sign_type"},
		{"N25 RSA", form(alipayKey(), with("sign_type", "RSA")), "sign_type"},
		{"N27 another environment's key", form(oldKey(), good), "signature"},
		{"N27 the app's own key", form(appKey(), good), "signature"},
		{"N28 one bit of the signature", after("sign", flipped), "signature"},
		{"N28 one character of a value", after("total_amount", "900.00"), "signature"},
		{"N30 extra param with value @x", after("extra", "@x"), "signature"},
		{"N31 one param removed", after("gmt_payment", "-"), "signature"},
		{"N33 empty param added", after("refund_fee", ""), "signature"},
		{"N33 empty param removed", drop(withEmpty, "body"), "signature"},
		{"N33 space added to a value", after("subject", good["subject"]+" "), "signature"},
		{"N34 unknown alipay_cert_sn", after("alipay_cert_sn", "0123456789abcdef0123456789abcdef"), "signature"},
		{"N34 ../ alipay_cert_sn", after("alipay_cert_sn", "../../etc/passwd"), "signature"},
		{"N36 a retired key", form(oldKey(), good), "signature"},
		{"N37 cut base64", after("sign", signed[:len(signed)-3]), "sign_base64"},
		{"N37 cut signature", after("sign", signed[:len(signed)-4]), "signature"},
		{"line break in sign", after("sign", signed[:64]+"\n"+signed[64:]), "sign_base64"},
		{"URL-safe base64", after("sign", "-_"+signed[2:]), "sign_base64"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := testChannel(t, func(c *Config) { c.Transport = refusing{t} })
			_, err := c.VerifyNotice(deliver(row.body))
			expect(t, err, payment.ErrBadSignature, row.reason)
		})
	}
	t.Run("N34 1 MB alipay_cert_sn", func(t *testing.T) {
		c := testChannel(t, func(c *Config) { c.Transport = refusing{t} })
		_, err := c.VerifyNotice(deliver(after("alipay_cert_sn", strings.Repeat("f", 1<<20))))
		expect(t, err, payment.ErrMalformed, "too_large")
	})
	t.Run("N33 empty param as signed", func(t *testing.T) {
		if _, err := testChannel(t).VerifyNotice(deliver(withEmpty)); err != nil {
			t.Errorf("refused: %v", err)
		}
	})
}

// TestBinding is N40 to N57 as far as no order is needed: truly Alipay's word, but not one that we can take.
func TestBinding(t *testing.T) {
	for _, row := range []struct {
		name   string
		fields map[string]string
		class  error
		reason string
	}{
		{"N42 # in the order's id", with("out_trade_no", "rch#1"), payment.ErrUnreadable, "out_trade_no"},
		{"N42 SQL in the order's id", with("out_trade_no", "1' OR '1'='1"), payment.ErrUnreadable, "out_trade_no"},
		{"N42 no order's id", with("out_trade_no", "-"), payment.ErrUnreadable, "out_trade_no"},
		{"N43 another app's", with("app_id", "9021000999999999"), payment.ErrNotOurs, "app_id"},
		{"N43 no app's", with("app_id", "-"), payment.ErrNotOurs, "app_id"},
		{"N45 another auth_app_id", with("auth_app_id", "9021000999999999"), payment.ErrNotOurs, "auth_app_id"},
		{"N45 empty auth_app_id", with("auth_app_id", ""), payment.ErrNotOurs, "auth_app_id"},
		{"N46 another seller's", with("seller_id", "2088999999999999"), payment.ErrNotOurs, "seller_id"},
		{"N51 1e2", with("total_amount", "1e2"), payment.ErrUnreadable, "total_amount"},
		{"N51 space", with("total_amount", " 100.00"), payment.ErrUnreadable, "total_amount"},
		{"N51 three decimals", with("total_amount", "100.001"), payment.ErrUnreadable, "total_amount"},
		{"N51 negative", with("total_amount", "-100"), payment.ErrUnreadable, "total_amount"},
		{"N51 empty", with("total_amount", ""), payment.ErrUnreadable, "total_amount"},
		{"N51 missing", with("total_amount", "-"), payment.ErrUnreadable, "total_amount"},
		{"N51 NaN", with("total_amount", "NaN"), payment.ErrUnreadable, "total_amount"},
		{"N51 full-width digits", with("total_amount", "１００"), payment.ErrUnreadable, "total_amount"},
		{"N51 nothing", with("total_amount", "0.00"), payment.ErrUnreadable, "total_amount"},
		{"N51 received 1e2", with("receipt_amount", "1e2"), payment.ErrUnreadable, "receipt_amount"},
		{"N51 refunded -1", with("refund_fee", "-1"), payment.ErrUnreadable, "refund_fee"},
		{"no trade number", with("trade_no", "-"), payment.ErrUnreadable, "trade_no"},
		{"no time", with("gmt_payment", "yesterday"), payment.ErrUnreadable, "gmt_payment"},
		{"another kind of notice", with("notify_type", "dut_user_sign"), payment.ErrUnreadable, "notify_type"},
		{"a refund hidden in a value", with("point_amount", "0.00&refund_fee=100.00"), payment.ErrUnreadable, "ambiguous"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := testChannel(t).VerifyNotice(deliver(form(alipayKey(), row.fields)))
			expect(t, err, row.class, row.reason)
			if !payment.Quarantined(err) {
				t.Error("it isn't for the quarantine")
			}
			var refused *payment.NoticeError
			if errors.As(err, &refused) && refused.Fields["notify_id"] == "" {
				t.Error("the quarantine would not know what was signed")
			}
		})
	}
	t.Run("N57 a subject full of ?", func(t *testing.T) {
		if _, err := testChannel(t).VerifyNotice(deliver(form(alipayKey(), with("subject", "????????")))); err != nil {
			t.Errorf("refused: %v", err)
		}
	})
}

// TestState: only TRADE_SUCCESS and TRADE_FINISHED without a refund are paid.
func TestState(t *testing.T) {
	for _, row := range []struct {
		name   string
		fields map[string]string
		want   payment.State
	}{
		{"N58 waiting", with("trade_status", "WAIT_BUYER_PAY", "gmt_payment", "-"), payment.Waiting},
		{"success", with(), payment.Paid},
		{"N63 finished", with("trade_status", "TRADE_FINISHED"), payment.Paid},
		{"N64 closed unpaid", with("trade_status", "TRADE_CLOSED", "gmt_payment", "-", "gmt_close", "2026-11-01 10:30:00"), payment.Closed},
		{"closed unpaid, refund_fee 0.00 as in Alipay's practice", with("trade_status", "TRADE_CLOSED", "gmt_payment", "-", "refund_fee", "0.00"), payment.Closed},
		{"success, refund_fee 0.00 as in Alipay's sample", with("refund_fee", "0.00"), payment.Paid},
		{"N66 success with refund_fee", with("refund_fee", "30.00"), payment.Refunded},
		{"N66 success with gmt_refund", with("gmt_refund", "2026-11-02 11:00:00.123"), payment.Refunded},
		{"N66 finished with refund_fee", with("trade_status", "TRADE_FINISHED", "refund_fee", "0.01"), payment.Refunded},
		{"fully refunded", with("trade_status", "TRADE_CLOSED", "refund_fee", "100.00", "gmt_refund", "2026-11-02 11:00:00.123"), payment.Refunded},
		{"closed after a payment", with("trade_status", "TRADE_CLOSED"), payment.Refunded},
		{"N67 pending", with("trade_status", "TRADE_PENDING"), payment.Unknown},
		{"lower case", with("trade_status", "trade_success"), payment.Unknown},
		{"no status", with("trade_status", "-"), payment.Unknown},
		{"promised, not paid", with("credit_pay_mode", "creditAdvanceV2"), payment.Unknown},
	} {
		t.Run(row.name, func(t *testing.T) {
			n, err := testChannel(t).VerifyNotice(deliver(form(alipayKey(), row.fields)))
			if err != nil || n.State != row.want {
				t.Errorf("state %q, error %v; want %q", n.State, err, row.want)
			}
		})
	}
}

// TestRotation: while Alipay changes its key both are good; afterwards only the new one is (N36, T-51).
func TestRotation(t *testing.T) {
	during := testChannel(t, func(c *Config) { c.Secret.NextKey = publicPEM(nextKey()) })
	after := testChannel(t, func(c *Config) { c.Secret.PublicKey = publicPEM(nextKey()) })
	byOld, byNew := deliver(form(alipayKey(), paidFields())), deliver(form(nextKey(), paidFields()))
	for _, row := range []struct {
		name     string
		channel  *Channel
		delivery payment.Delivery
		good     bool
	}{
		{"during, old key", during, byOld, true},
		{"during, new key", during, byNew, true},
		{"after, old key", after, byOld, false},
		{"after, new key", after, byNew, true},
	} {
		if _, err := row.channel.VerifyNotice(row.delivery); (err == nil) != row.good {
			t.Errorf("%s: %v", row.name, err)
		}
	}
}

func TestReply(t *testing.T) {
	c := testChannel(t)
	for accepted, want := range map[bool]string{true: "success", false: "fail"} {
		if got := c.Reply(accepted); got.Status != 200 || got.Body != want {
			t.Errorf("Reply(%v) = %+v", accepted, got)
		}
	}
}

// TestErrorsTellNoSecrets: nothing that came in unproven is repeated.
func TestErrorsTellNoSecrets(t *testing.T) {
	_, err := testChannel(t).VerifyNotice(deliver(form(oldKey(), with("buyer_logon_id", "someone@example.com"))))
	if err == nil || strings.Contains(err.Error(), "someone") || strings.Contains(err.Error(), "100.00") {
		t.Errorf("error %v", err)
	}
}

func expect(t *testing.T, err error, class error, reason string) {
	t.Helper()
	var refused *payment.NoticeError
	if !errors.As(err, &refused) || !errors.Is(err, class) || refused.Reason != reason {
		t.Errorf("got %v, want %v: %s", err, class, reason)
	}
}

// drop takes a field out of an encoded form.
func drop(body, field string) string {
	var kept []string
	for segment := range strings.SplitSeq(body, "&") {
		if !strings.HasPrefix(segment, field+"=") {
			kept = append(kept, segment)
		}
	}
	return strings.Join(kept, "&")
}

// rawPlus is a good notice whose signature's '+' wasn't escaped, so that it arrives as a space.
func rawPlus(t *testing.T) string {
	t.Helper()
	for i := range 200 {
		fields := with("notify_id", strings.Repeat("1", i+1))
		if s := signature(alipayKey(), fields); strings.Contains(s, "+") {
			return drop(form(alipayKey(), fields), "sign") + "&sign=" + strings.ReplaceAll(url.QueryEscape(s), "%2B", "+")
		}
	}
	t.Fatal("no signature with a '+'")
	return ""
}
