// Package alipay is the payment channel of Alipay: its SDK for what we ask (package smartwalle/alipay signs, posts and verifies), and
// a verifier of our own for what Alipay tells us unasked.
//
// What the code takes care of, since the protocol doesn't:
//
//   - A call proves something only when its answer is whole, signed by a pinned key, about our order, and says
//     10000. 10003 ("in process"), 20000, time-outs, error pages and unsigned errors are payment.ErrUnknownOutcome.
//   - Every call is idempotent by the order's id, so repeating it is always right. That is also how a change of keys
//     works, ours or Alipay's: there is one client for each pair of a key of ours and a pinned key of Alipay's, and what
//     one of them can't prove, or Alipay refuses to take from it, is asked for again through another.
//   - An app is in public-key mode or in certificate mode, as its Secret says. Certificates are pinned like keys: they
//     are checked against Alipay's roots when the Secret is read, their numbers (app_cert_sn, alipay_root_cert_sn,
//     alipay_cert_sn) go with requests and come with answers, and one that isn't pinned proves nothing. Nothing is ever
//     downloaded because of what came in.
//   - A trade exists at Alipay only after the payer has scanned the code. Before that Query says payment.ErrNoTrade, and the
//     code that was shown can still be paid until it dies.
//   - Alipay's times are GMT+8, wherever this runs: a fixed zone, without time-zone files.
//   - Amounts are decimals of yuan in text, compared as whole fen only.
package alipay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	sdk "github.com/smartwalle/alipay/v3"

	"billingcentre/shared/money"
	"billingcentre/shared/pattern"
	"billingcentre/shared/payment"
)

const (
	name = "alipay"

	codeLife    = 2 * time.Hour       // a QR code dies then, whatever was asked for
	leastExpiry = time.Minute         // the nearest and the farthest expiry that Alipay takes
	mostExpiry  = 15 * 24 * time.Hour //
	mostMinor   = 100_000_000_00      // fen: the largest total_amount
	mostSubject = 128                 // characters; Alipay takes 256, a payer's screen fewer
)

var (
	orderIDForm  = pattern.Of(`^[A-Za-z0-9_]{1,64}$`)
	tradeRefForm = pattern.Of(`^[0-9A-Za-z]{1,64}$`)

	// gmt8 is Alipay's time zone. It has had no daylight saving since 1991.
	gmt8 = time.FixedZone("CST", 8*60*60)
)

const timeForm = "2006-01-02 15:04:05"

// Channel is one app at Alipay. It is safe for concurrent use.
type Channel struct {
	config    Config // as it was made; the present Secret is with the pins
	notifyURL string
	mode      Mode
	now       func() time.Time
	gateway   string            // where the clients call
	timeout   time.Duration     // of a call
	transport http.RoundTripper // under the clients
	downloads *http.Client      // for bills
	pins      atomic.Pointer[pins]
}

var _ payment.Channel = (*Channel)(nil)

// New checks the configuration and makes the channel. It makes no call. Its errors contain no key.
func New(c Config) (*Channel, error) {
	gateway, pinned, err := c.check()
	if err != nil {
		return nil, err
	}
	ch := &Channel{config: c, notifyURL: c.NotifyURL, mode: c.Mode, now: c.now, gateway: gateway, timeout: c.Timeout, downloads: c.downloads()}
	if ch.timeout <= 0 {
		ch.timeout = defaultTimeout
	}
	ch.transport = c.transport(ch.timeout)
	p, err := ch.pin(c.Secret, pinned)
	if err != nil {
		return nil, err
	}
	ch.pins.Store(p)
	return ch, nil
}

// Renew takes the keys of a newer Secret; calls under way end with the old ones. A Secret that can't be used, or is another
// app's or seller's, is refused, and the old one stays. So keys are changed without a new start.
func (c *Channel) Renew(secret Secret) error {
	if secret == c.pins.Load().secret {
		return nil
	}
	if old := c.config.Secret; secret.AppID != old.AppID || secret.SellerID != old.SellerID {
		return errors.New("alipay: the secret is another app's or seller's now: that needs a new deployment")
	}
	k, err := secret.parse(c.mode, c.now())
	if err != nil {
		return err
	}
	p, err := c.pin(secret, k)
	if err == nil {
		c.pins.Store(p)
	}
	return err
}

// Name implements payment.Channel.
func (c *Channel) Name() string { return name }

// Currencies implements payment.Channel: Alipay collects renminbi.
func (c *Channel) Currencies() []money.Currency { return []money.Currency{money.CNY} }

// Create implements payment.Channel by a QR code (alipay.trade.precreate). The expiry is sent as an instant: a span would start
// anew with every repeat, and a repeat with other parameters is refused.
func (c *Channel) Create(ctx context.Context, order payment.Order) (payment.Checkout, error) {
	now := c.now()
	subject, err := checkOrder(order, now)
	if err != nil {
		return payment.Checkout{}, err
	}
	request := sdk.NewPayload("alipay.trade.precreate").
		AddParam("notify_url", c.notifyURL).
		AddBizField("out_trade_no", order.ID).
		AddBizField("total_amount", order.Amount.String()).
		AddBizField("subject", subject).
		AddBizField("product_code", "FACE_TO_FACE_PAYMENT").
		AddBizField("seller_id", c.config.Secret.SellerID).
		AddBizField("time_expire", order.ExpiresAt.In(gmt8).Format(timeForm))
	var answer struct {
		verdict
		OutTradeNo string `json:"out_trade_no"`
		QRCode     string `json:"qr_code"`
	}
	if err := c.call(ctx, request, &answer); err != nil {
		return payment.Checkout{}, err
	}
	if answer.OutTradeNo != order.ID || !c.payable(answer.QRCode) {
		return payment.Checkout{}, unknown("precreate", "the answer isn't about this order")
	}
	expires := order.ExpiresAt
	if dies := now.Add(codeLife); dies.Before(expires) {
		expires = dies
	}
	return payment.Checkout{Content: answer.QRCode, ExpiresAt: expires}, nil
}

// Query implements payment.Channel (alipay.trade.query). Alipay doesn't tell partial refunds here: a trade that was
// partly refunded before anybody credited it looks Paid. The refund's notice tells, and the daily proof does.
func (c *Channel) Query(ctx context.Context, orderID string) (payment.Trade, error) {
	if !orderIDForm().MatchString(orderID) {
		return payment.Trade{}, &payment.OrderError{Field: "id", Rule: idRule}
	}
	request := sdk.NewPayload("alipay.trade.query").AddBizField("out_trade_no", orderID)
	var answer tradeAnswer
	if err := c.call(ctx, request, &answer); err != nil {
		return payment.Trade{}, err
	}
	if answer.OutTradeNo != orderID {
		return payment.Trade{}, unknown("query", "the answer is about another order")
	}
	return answer.trade()
}

// payable tells whether a QR code's text is a place to pay at: a payer's phone will open it.
func (c *Channel) payable(code string) bool {
	u, err := url.Parse(code)
	return err == nil && len(code) <= 1024 && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http" && c.mode == Sandbox)
}

const idRule = "must be 1 to 64 letters, digits or underscores"

// checkOrder refuses what Alipay would refuse, and returns the subject as Alipay allows it.
func checkOrder(o payment.Order, now time.Time) (subject string, err error) {
	left := o.ExpiresAt.Sub(now)
	subject = cleanSubject(o.Subject)
	switch {
	case !orderIDForm().MatchString(o.ID):
		return "", &payment.OrderError{Field: "id", Rule: idRule}
	case o.Amount.Currency() != money.CNY:
		return "", &payment.OrderError{Field: "amount", Rule: "must be in CNY"}
	case o.Amount.Minor() < 1 || o.Amount.Minor() > mostMinor:
		return "", &payment.OrderError{Field: "amount", Rule: "must be from 0.01 to 100000000.00"}
	case left < leastExpiry || left > mostExpiry:
		return "", &payment.OrderError{Field: "expires_at", Rule: fmt.Sprintf("must be %v to %v ahead", leastExpiry, mostExpiry)}
	case subject == "":
		return "", &payment.OrderError{Field: "subject", Rule: "must have something that can be shown"}
	}
	return subject, nil
}

// cleanSubject takes out what Alipay refuses ('/', '=', '&') and what doesn't show (controls, direction marks), and shortens.
func cleanSubject(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '/' || r == '=' || r == '&' || unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r) || r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	runes := []rune(strings.Join(strings.Fields(s), " "))
	return strings.TrimSpace(string(runes[:min(len(runes), mostSubject)]))
}

// parseTime reads a time of Alipay.
func parseTime(text string) (time.Time, error) { return time.ParseInLocation(timeForm, text, gmt8) }
