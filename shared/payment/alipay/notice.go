package alipay

import (
	"cmp"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
)

// VerifyNotice implements payment.Channel. The order of the checks is that of cost and trust: form, signature, whose it
// is, what it says. Binding it to our order is payment.Trade.Proves.
//
// It doesn't use the SDK's DecodeNotification, for four reasons. That one takes url.Values, so what came in was already
// repaired by net/url. It leaves alipay_cert_sn out of the signed text, and in production downloads a
// certificate for an unknown one before it has verified anything, under the client's lock: a forged notice would
// cost an outbound call. It knows one key, a rotation needs two. And it sorts "name=value" instead of names.
func (c *Channel) VerifyNotice(d payment.Delivery) (payment.Notice, error) {
	fields, err := c.authentic(d)
	if err != nil {
		return payment.Notice{}, err
	}
	signed := make(map[string]string, len(fields))
	for name, value := range fields {
		if name != "sign" && name != "sign_type" {
			signed[name] = value
		}
	}
	if err := c.ours(signed); err != nil {
		return payment.Notice{}, err
	}
	return read(signed)
}

// Reply implements payment.Channel: exactly seven characters end Alipay's repeats, anything else keeps them coming.
func (c *Channel) Reply(accepted bool) payment.Reply {
	body := "fail"
	if accepted {
		body = "success"
	}
	return payment.Reply{Status: 200, ContentType: "text/plain; charset=utf-8", Body: body}
}

// authentic returns the fields of a delivery that Alipay itself has signed.
func (c *Channel) authentic(d payment.Delivery) (map[string]string, error) {
	media, params, err := mime.ParseMediaType(d.Header["content-type"])
	if err != nil || media != "application/x-www-form-urlencoded" {
		return nil, malformed("content_type", "it is not a form")
	}
	if cs, given := params["charset"]; given && !strings.EqualFold(cs, "utf-8") {
		return nil, malformed("charset", "the transport's charset isn't UTF-8")
	}
	fields, reason := parseForm(d.Body)
	if reason != "" {
		return nil, malformed(reason, "the form can't be read beyond doubt")
	}
	if cs, given := fields["charset"]; given && !strings.EqualFold(cs, "utf-8") {
		return nil, malformed("charset", "the notice's charset isn't UTF-8")
	}
	if fields["sign_type"] != "RSA2" {
		return nil, unsigned("sign_type", "it isn't signed with RSA2")
	}
	if fields["sign"] == "" {
		return nil, unsigned("sign_missing", "it isn't signed")
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(fields["sign"])
	if err != nil || strings.ContainsAny(fields["sign"], "\r\n") {
		return nil, unsigned("sign_base64", "its signature isn't base64")
	}
	if reason := c.pins.Load().keys.signed(fields, signature, c.now()); reason != "" {
		return nil, unsigned(reason, "its signature isn't Alipay's")
	}
	return fields, nil
}

// signed tells whether one of the pinned keys made the signature (SHA256withRSA) of the fields, or, for the metric, why
// not. In certificate mode a notice may say by which certificate it was signed. One that isn't pinned ends it there: it
// costs no arithmetic, and no call. Whether that field is signed itself, Alipay's documents and SDKs don't agree on,
// so either is taken: it only names a key.
func (k keys) signed(fields map[string]string, signature []byte, now time.Time) (reason string) {
	usable := k.usable(now)
	if len(usable) == 0 {
		return "certificate_expired"
	}
	texts := []string{signedText(fields)}
	if by, named := fields[certificateField]; named && k.certified() {
		usable = slices.DeleteFunc(usable, func(p pinned) bool { return serial(p.certificate) != by })
		if len(usable) == 0 {
			return "certificate"
		}
		without := maps.Clone(fields)
		delete(without, certificateField)
		texts = append(texts, signedText(without))
	}
	for _, text := range texts {
		sum := sha256.Sum256([]byte(text))
		for _, p := range usable {
			if rsa.VerifyPKCS1v15(p.key, crypto.SHA256, sum[:], signature) == nil {
				return ""
			}
		}
	}
	return "signature"
}

const certificateField = "alipay_cert_sn"

// usable are the pinned keys of which the certificate, if there is one, is in time.
func (k keys) usable(now time.Time) []pinned {
	return slices.DeleteFunc(slices.Clone(k.alipay), func(p pinned) bool { return p.certificate != nil && checkTime(p.certificate, now) != nil })
}

// serials name the certificates that answers may be signed by; nil in public-key mode.
func (k keys) serials(now time.Time) []string {
	if !k.certified() {
		return nil
	}
	serials := []string{}
	for _, p := range k.usable(now) {
		serials = append(serials, serial(p.certificate))
	}
	return serials
}

// ours refuses genuine notices for somebody else. Alipay signs the notices of all apps with keys that may be shared, so one for a
// cheap app of another merchant can carry a good signature and a number of one of our orders.
func (c *Channel) ours(fields map[string]string) error {
	for _, rule := range []struct {
		field, want string
		optional    bool
	}{
		{"app_id", c.config.Secret.AppID, false},
		{"seller_id", c.config.Secret.SellerID, false},
		{"auth_app_id", c.config.Secret.AppID, true}, // differs when a third party acts for a merchant: we never do
	} {
		got, given := fields[rule.field]
		if got != rule.want && (given || !rule.optional) {
			return &payment.NoticeError{
				Class: payment.ErrNotOurs, Reason: rule.field, Fields: fields,
				Detail: fmt.Sprintf("%s is %.64q, not ours", rule.field, got),
			}
		}
	}
	return nil
}

// read turns signed fields into a Notice, or says which one can't be taken safely.
func read(fields map[string]string) (payment.Notice, error) {
	if name := ambiguous(fields); name != "" {
		return payment.Notice{}, unreadable(fields, "ambiguous", "%s contains the text of another field", name)
	}
	if kind := fields["notify_type"]; kind != "trade_status_sync" {
		return payment.Notice{}, unreadable(fields, "notify_type", "%.64q is not a notice about a trade", kind)
	}
	if !orderIDForm().MatchString(fields["out_trade_no"]) {
		return payment.Notice{}, unreadable(fields, "out_trade_no", "it names no order that we could have made")
	}
	if !tradeRefForm().MatchString(fields["trade_no"]) {
		return payment.Notice{}, unreadable(fields, "trade_no", "it has no usable trade number")
	}
	n := payment.Notice{ID: fields["notify_id"], Refund: fields["out_biz_no"], Fields: fields}
	n.Channel, n.OrderID, n.Ref = name, fields["out_trade_no"], fields["trade_no"]

	var errs [5]error
	n.Total, errs[0] = amount(fields, "total_amount", nil)
	n.Received, errs[1] = amount(fields, "receipt_amount", &n.Total)
	n.Refunded, errs[2] = amount(fields, "refund_fee", new(money.Zero(money.CNY)))
	n.SentAt, errs[3] = instant(fields, "notify_time")
	n.PaidAt, errs[4] = instant(fields, "gmt_payment")
	if err := cmp.Or(errs[:]...); err != nil {
		return payment.Notice{}, err
	}
	if !n.Total.IsPositive() {
		return payment.Notice{}, unreadable(fields, "total_amount", "it is about no money at all")
	}
	n.State = state(fields["trade_status"], sentBack{
		any:  n.Refunded.IsPositive() || fields["gmt_refund"] != "",
		paid: fields["gmt_payment"] != "",
	}, fields["credit_pay_mode"])
	return n, nil
}

// sentBack is what a trade's fields say about refunds.
type sentBack struct {
	any  bool // some money was sent back
	paid bool // there was a payment
}

// state puts Alipay's status into our words. A partial refund is told as TRADE_SUCCESS once more, a full one as TRADE_CLOSED, both
// at the payment's notify URL: neither may credit. "refund_fee=0.00" alone is no refund: Alipay's own sample of a paid
// notice has it. creditMode is set when the buyer promised to pay later; nobody has paid then.
func state(status string, back sentBack, creditMode string) payment.State {
	switch status {
	case "TRADE_SUCCESS", "TRADE_FINISHED":
		switch {
		case back.any:
			return payment.Refunded
		case creditMode != "":
			return payment.Unknown
		}
		return payment.Paid
	case "TRADE_CLOSED":
		if back.any || back.paid {
			return payment.Refunded
		}
		return payment.Closed
	case "WAIT_BUYER_PAY":
		return payment.Waiting
	}
	return payment.Unknown
}

// amount reads a decimal of yuan exactly. Without otherwise the field must be there.
func amount(fields map[string]string, field string, otherwise *money.Amount) (money.Amount, error) {
	text := fields[field]
	if text == "" && otherwise != nil {
		return *otherwise, nil
	}
	a, err := money.Parse("/"+field, text, money.CNY)
	if err != nil {
		return money.Amount{}, unreadable(fields, field, "%.64q is not an amount of yuan", text)
	}
	return a, nil
}

// instant reads a time of Alipay; a missing one is the zero time.
func instant(fields map[string]string, field string) (time.Time, error) {
	text := fields[field]
	if text == "" {
		return time.Time{}, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return time.Time{}, unreadable(fields, field, "%.64q is not a time", text)
	}
	return t, nil
}

func malformed(reason, detail string) error {
	return &payment.NoticeError{Class: payment.ErrMalformed, Reason: reason, Detail: detail}
}

func unsigned(reason, detail string) error {
	return &payment.NoticeError{Class: payment.ErrBadSignature, Reason: reason, Detail: detail}
}

func unreadable(fields map[string]string, reason, format string, args ...any) error {
	return &payment.NoticeError{Class: payment.ErrUnreadable, Reason: reason, Fields: fields, Detail: fmt.Sprintf(format, args...)}
}
