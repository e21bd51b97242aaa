package alipay

import (
	"bytes"
	"context"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	sdk "github.com/smartwalle/alipay/v3"

	"billingcentre/shared/money"
	"billingcentre/shared/pattern"
	"billingcentre/shared/payment"
)

const (
	defaultTimeout = 8 * time.Second
	mostAnswer     = 256 << 10 // bytes of an answer
)

// transport is the way to the gateway, unless the configuration has another.
func (c Config) transport(timeout time.Duration) http.RoundTripper {
	if c.Transport != nil {
		return c.Transport
	}
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		TLSHandshakeTimeout:   3 * time.Second,
		ResponseHeaderTimeout: timeout,
		MaxIdleConnsPerHost:   4,
		IdleConnTimeout:       30 * time.Second,
	}
}

// client is the SDK's, for one of our keys and one of Alipay's; in certificate mode for all of Alipay's, since there an
// answer says whose it is.
type client struct {
	*sdk.Client
	app int // which of our keys
}

// pins are the keys of the present Secret, and what calls with them.
type pins struct {
	secret  Secret
	keys    keys
	clients []client
	trusted atomic.Int32 // the client whose keys proved the last answer
}

// pin makes the clients of a secret's keys, all over one guarded HTTP client.
func (c *Channel) pin(secret Secret, k keys) (*pins, error) {
	over := &http.Client{
		Transport:     guard{c.transport, k, c.now},
		Timeout:       c.timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	p := &pins{secret: secret, keys: k}
	for i, app := range k.apps {
		for j := range k.alipay {
			theirs := k.alipay[j : j+1]
			if k.certified() {
				if theirs = k.alipay; j > 0 {
					break
				}
			}
			one, err := c.client(secret, app, theirs, over)
			if err != nil {
				return nil, err
			}
			p.clients = append(p.clients, client{one, i})
		}
	}
	return p, nil
}

func (c *Channel) client(secret Secret, own app, theirs []pinned, over *http.Client) (*sdk.Client, error) {
	one, err := sdk.New(secret.AppID, own.private, c.mode == Production,
		sdk.WithHTTPClient(over),
		sdk.WithTimeLocation(gmt8), // else requests are stamped in the machine's zone: UTC on Lambda, eight hours late
		sdk.WithProductionGateway(c.gateway),
		sdk.WithSandboxGateway(c.gateway))
	if err != nil {
		return nil, errors.New("alipay: the SDK doesn't take the private key")
	}
	if own.certificate == nil {
		err = one.LoadAliPayPublicKey(theirs[0].text)
	} else {
		err = errors.Join(one.LoadAppCertPublicKey(inPEM(own.certificate)), one.LoadAliPayRootCert(secret.RootCert))
		for _, pinned := range theirs {
			err = errors.Join(err, one.LoadAlipayCertPublicKey(pinned.text))
		}
	}
	if err != nil {
		return nil, errors.New("alipay: the SDK doesn't take Alipay's key or a certificate")
	}
	return one, nil
}

// verdict is what every answer begins with.
type verdict struct {
	Code    string `json:"code"`
	Msg     string `json:"msg"`
	SubCode string `json:"sub_code"`
	SubMsg  string `json:"sub_msg"`
}

func (v *verdict) said() *verdict { return v }

// call makes a request and fills in the answer. It returns nil only for a verified 10000. While a change of keys lasts, it
// tries until both sides agree on theirs: every call is the same however often it is made.
func (c *Channel) call(ctx context.Context, request *sdk.Payload, answer interface{ said() *verdict }) error {
	p := c.pins.Load()
	first, refusedKey := int(p.trusted.Load()), -1
	var err, no error
	for i := range p.clients {
		at := (first + i) % len(p.clients)
		if p.clients[at].app == refusedKey {
			continue
		}
		*answer.said() = verdict{}
		err = p.clients[at].Request(ctx, request, answer)
		var hint *unsignedError
		switch {
		case errors.Is(err, rsa.ErrVerification):
			continue // signed by the other key, or by nobody that we trust
		case err == nil && answer.said().keyRefused():
			no, refusedKey = answer.said().judge(request.APIName()), p.clients[at].app
			continue // Alipay doesn't take this key of ours (any more, or yet)
		case errors.As(err, &hint) && hint.keyRefused():
			no, refusedKey = unknown(request.APIName(), "%w", err), p.clients[at].app
			continue // nobody vouches for that, but asking with the other key does no harm
		case err == nil:
			p.trusted.Store(int32(at))
			return answer.said().judge(request.APIName())
		}
		break
	}
	if no != nil && (err == nil || errors.As(err, new(*unsignedError))) {
		return no
	}
	return unknown(request.APIName(), "%w", err)
}

// keyRefused tells whether Alipay refused the key or the certificate of a request, and not the request.
func (v *verdict) keyRefused() bool {
	switch v.SubCode {
	case "isv.invalid-signature", "isv.app-cert-not-exist", "isv.app-cert-expired":
		return true
	}
	return false
}

// judge tells success, a definite no and everything else apart. The SDK's own IsSuccess takes 10003, "in process", for success.
func (v *verdict) judge(method string) error {
	meaning := map[string]error{
		"ACQ.TRADE_NOT_EXIST":   payment.ErrNoTrade,
		"ACQ.TRADE_HAS_SUCCESS": payment.ErrAlreadyPaid,
		"ACQ.TRADE_HAS_CLOSE":   payment.ErrTradeClosed,
	}
	switch {
	case v.Code == "10000" && v.SubCode == "":
		return nil
	case strings.HasSuffix(v.SubCode, "SYSTEM_ERROR"), v.Code == "40005": // "ask again", and "not so fast"
	case v.Code == "20001", v.Code == "40001", v.Code == "40002", v.Code == "40003", v.Code == "40004", v.Code == "40006":
		return &payment.Refused{Channel: name, Code: strings.TrimSpace(v.Code + " " + v.SubCode), Message: v.SubMsg, Meaning: meaning[v.SubCode]}
	}
	return unknown(method, "code %.16q, sub-code %.64q", v.Code, v.SubCode)
}

func unknown(method, format string, args ...any) error {
	return fmt.Errorf("%w: alipay %s: %w", payment.ErrUnknownOutcome, method, fmt.Errorf(format, args...))
}

// tradeAnswer is the answer of alipay.trade.query, with the members that the SDK's type doesn't have.
type tradeAnswer struct {
	verdict
	OutTradeNo       string `json:"out_trade_no"`
	TradeNo          string `json:"trade_no"`
	TradeStatus      string `json:"trade_status"`
	AdditionalStatus string `json:"additional_status"`
	CreditPayMode    string `json:"credit_pay_mode"`
	TotalAmount      string `json:"total_amount"`
	ReceiptAmount    string `json:"receipt_amount"`
	TransCurrency    string `json:"trans_currency"`
	SendPayDate      string `json:"send_pay_date"`
}

// trade reads the answer with the same care as a notice. What can't be read proves nothing: the outcome is unknown.
func (a tradeAnswer) trade() (payment.Trade, error) {
	if a.TransCurrency != "" && a.TransCurrency != string(money.CNY) || !tradeRefForm().MatchString(a.TradeNo) {
		return payment.Trade{}, unknown("query", "currency %.8q, trade %.64q", a.TransCurrency, a.TradeNo)
	}
	fields := map[string]string{"total_amount": a.TotalAmount, "receipt_amount": a.ReceiptAmount, "send_pay_date": a.SendPayDate}
	t := payment.Trade{Channel: name, OrderID: a.OutTradeNo, Ref: a.TradeNo, Refunded: money.Zero(money.CNY)}
	var errs [3]error
	t.Total, errs[0] = amount(fields, "total_amount", nil)
	t.Received, errs[1] = amount(fields, "receipt_amount", &t.Total)
	t.PaidAt, errs[2] = instant(fields, "send_pay_date")
	if err := errors.Join(errs[:]...); err != nil {
		return payment.Trade{}, unknown("query", "%v", err)
	}
	t.State = state(a.TradeStatus, sentBack{paid: a.SendPayDate != ""}, a.CreditPayMode)
	if t.State == payment.Paid && a.AdditionalStatus == "SELLER_NOT_RECEIVED" {
		t.State = payment.Waiting // the payer has paid, but the money hasn't reached us
	}
	return t, nil
}

// guard stands between the SDK and the network. It lets answers through that are fit to be verified, and takes out
// what would make the SDK do more than that.
type guard struct {
	base http.RoundTripper
	keys keys
	now  func() time.Time
}

// RoundTrip implements http.RoundTripper.
func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := g.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the gateway answered %d", answer.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, mostAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > mostAnswer {
		return nil, errors.New("the gateway's answer is too large")
	}
	envelope, err := reseal(body, g.keys.serials(g.now()))
	if err != nil {
		return nil, err
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(envelope)), int64(len(envelope))
	return answer, nil
}

var answerName = pattern.Of(`^[a-z_.]+_response$`)

// reseal reads an answer's envelope strictly and writes it anew with the signed part, byte for byte, and its signature
// only. Left to itself the SDK believes an error that nobody signed, takes the last of two members with one name, and goes and
// downloads a certificate for an alipay_cert_sn that it doesn't know. In certificate mode the answer must name one of
// those that are pinned (serials); in public-key mode, where serials is nil, what it names is left out.
func reseal(body []byte, serials []string) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errors.New("the gateway's answer isn't a JSON object")
	}
	members := make(map[string]json.RawMessage)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, errors.New("the gateway's answer isn't JSON")
		}
		member := token.(string) // a member's name is always a string, or Token has failed
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, errors.New("the gateway's answer isn't JSON")
		}
		if _, twice := members[member]; twice {
			return nil, errors.New("the gateway's answer has a member twice")
		}
		members[member] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("the gateway's answer is cut off")
	}
	return rewrite(members, serials)
}

// unsignedError is an answer that nobody vouches for, and what it says.
type unsignedError struct{ verdict }

func (e *unsignedError) Error() string {
	return fmt.Sprintf("the gateway's answer isn't signed; it says %.16q %.64q", e.Code, e.SubCode)
}

func rewrite(members map[string]json.RawMessage, serials []string) ([]byte, error) {
	var signature, signed, by string
	_ = json.Unmarshal(members["sign"], &signature) // what isn't a string stays empty
	for member := range members {
		if !answerName().MatchString(member) {
			continue
		}
		if signed != "" {
			return nil, errors.New("the gateway's answer has two answers")
		}
		signed = member
	}
	if signature == "" || signed == "" {
		var unsigned unsignedError
		_ = json.Unmarshal(members[signed], &unsigned.verdict) // what can't be read says nothing
		return nil, &unsigned
	}
	_ = json.Unmarshal(members["alipay_cert_sn"], &by)
	if serials != nil && !slices.Contains(serials, by) {
		return nil, fmt.Errorf("the gateway's answer is signed by the certificate %.64q, which isn't pinned", by)
	}
	quoted, err := json.Marshal(signature)
	if err != nil {
		return nil, err
	}
	if serials != nil {
		return fmt.Appendf(nil, `{%q:%s,"alipay_cert_sn":%q,"sign":%s}`, signed, members[signed], by, quoted), nil
	}
	return fmt.Appendf(nil, `{%q:%s,"sign":%s}`, signed, members[signed], quoted), nil
}
