package alipay

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// precreateOrder is what alipay.trade.precreate is given.
type precreateOrder struct {
	OutTradeNo     string     `json:"out_trade_no"`
	TotalAmount    amountText `json:"total_amount"`
	Subject        string     `json:"subject"`
	ProductCode    string     `json:"product_code"`
	SellerID       string     `json:"seller_id"`
	TimeoutExpress string     `json:"timeout_express"`
	TimeExpire     string     `json:"time_expire"`

	expire time.Time // TimeExpire, read
}

// tradeRef is how query and close name a trade.
type tradeRef struct {
	OutTradeNo string `json:"out_trade_no"`
	TradeNo    string `json:"trade_no"`
}

var (
	outTradeNoForm = regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`)
	amountForm     = regexp.MustCompile(`^(0|[1-9][0-9]{0,8})(\.[0-9]{1,2})?$`)
	timeoutForm    = regexp.MustCompile(`^([1-9][0-9]{0,4})([mhd])$`)
)

// The product codes of precreate and page.pay.
const (
	faceToFace  = "FACE_TO_FACE_PAYMENT"
	fastInstant = "FAST_INSTANT_TRADE_PAY"
)

const (
	mostSubject = 256
	mostTimeout = 15 * 24 * time.Hour
)

// readPrecreate applies the rules of the fields; the fault names the one that is broken.
func readPrecreate(product, biz, notifyURL, seller string, now time.Time) (precreateOrder, *fault) {
	var o precreateOrder
	bad := func(field string) (precreateOrder, *fault) {
		return o, business("ACQ.INVALID_PARAMETER", field+" breaks its rules")
	}
	if biz == "" {
		return o, missing("biz-content")
	}
	if err := json.Unmarshal([]byte(biz), &o); err != nil {
		return o, invalid("biz-content")
	}
	fen, counts := minor(string(o.TotalAmount))
	switch {
	case !outTradeNoForm.MatchString(o.OutTradeNo):
		return bad("out_trade_no")
	case !counts || fen < 1 || fen > 100_000_000_00:
		return bad("total_amount")
	case strings.TrimSpace(o.Subject) == "" || utf8.RuneCountInString(o.Subject) > mostSubject || strings.ContainsAny(o.Subject, "/=&"):
		return bad("subject")
	case o.ProductCode != "" && o.ProductCode != product, o.ProductCode == "" && product != faceToFace:
		return bad("product_code")
	case o.SellerID != "" && o.SellerID != seller:
		return bad("seller_id")
	case o.TimeoutExpress != "" && timeout(o.TimeoutExpress) == 0:
		return bad("timeout_express")
	case notifyURL != "" && !reachable(notifyURL):
		return bad("notify_url")
	}
	if o.TimeExpire != "" {
		var err error
		o.expire, err = time.ParseInLocation(timeForm, o.TimeExpire, gmt8)
		if err != nil || !o.expire.After(now) || o.expire.Sub(now) > mostTimeout {
			return bad("time_expire")
		}
	}
	return o, nil
}

// expires is when the trade may no longer be paid: time_expire wins over timeout_express.
func (o precreateOrder) expires(now time.Time) time.Time {
	switch {
	case !o.expire.IsZero():
		return o.expire
	case o.TimeoutExpress != "":
		return now.Add(timeout(o.TimeoutExpress))
	}
	return now.Add(tradeLife)
}

// timeout reads a timeout_express from 1m to 15d; 0 when it isn't one.
func timeout(text string) time.Duration {
	parts := timeoutForm.FindStringSubmatch(text)
	if parts == nil {
		return 0
	}
	number, err := strconv.Atoi(parts[1])
	if err != nil {
		return 0
	}
	d := time.Duration(number) * map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}[parts[2]]
	if d > mostTimeout {
		return 0
	}
	return d
}

// reachable tells whether a notify_url can be posted to. Alipay wants it without parameters of one's own.
func reachable(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= 256 && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && u.RawQuery == "" && u.Fragment == ""
}

func readRef(biz string) (tradeRef, *fault) {
	var r tradeRef
	if biz == "" {
		return r, missing("biz-content")
	}
	if err := json.Unmarshal([]byte(biz), &r); err != nil {
		return r, invalid("biz-content")
	}
	return r, nil
}

// minor is an amount of yuan in fen.
func minor(text string) (fen int64, ok bool) {
	if !amountForm.MatchString(text) {
		return 0, false
	}
	whole, fraction, _ := strings.Cut(text, ".")
	fen, err := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
	return fen, err == nil
}

// yuan writes an amount with two decimals, however it was given.
func yuan(text string) string {
	whole, fraction, _ := strings.Cut(text, ".")
	return whole + "." + (fraction + "00")[:2]
}
