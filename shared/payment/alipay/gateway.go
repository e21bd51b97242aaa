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
	"regexp"
	"strings"
	"time"

	sdk "github.com/smartwalle/alipay/v3"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
)

const (
	defaultTimeout = 8 * time.Second
	mostAnswer     = 256 << 10 // bytes of an answer
)

// clients makes an SDK client for each pinned key, all over one guarded HTTP client.
func (c Config) clients(gateway string) ([]*sdk.Client, error) {
	timeout, base := c.Timeout, c.Transport
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	if base == nil {
		base = &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			TLSHandshakeTimeout:   3 * time.Second,
			ResponseHeaderTimeout: timeout,
			MaxIdleConnsPerHost:   4,
			IdleConnTimeout:       30 * time.Second,
		}
	}
	over := &http.Client{
		Transport:     guard{base},
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	var clients []*sdk.Client
	for _, key := range []string{c.Secret.PublicKey, c.Secret.NextKey} {
		if key == "" {
			continue
		}
		client, err := sdk.New(c.Secret.AppID, strings.TrimSpace(c.Secret.PrivateKey), c.Mode == Production,
			sdk.WithHTTPClient(over),
			sdk.WithTimeLocation(gmt8), // else requests are stamped in the machine's zone: UTC on Lambda, eight hours late
			sdk.WithProductionGateway(gateway),
			sdk.WithSandboxGateway(gateway))
		if err != nil {
			return nil, errors.New("alipay: the SDK doesn't take the private key")
		}
		if err := client.LoadAliPayPublicKey(strings.TrimSpace(key)); err != nil {
			return nil, errors.New("alipay: the SDK doesn't take Alipay's public key")
		}
		clients = append(clients, client)
	}
	return clients, nil
}

// verdict is what every answer begins with.
type verdict struct {
	Code    string `json:"code"`
	Msg     string `json:"msg"`
	SubCode string `json:"sub_code"`
	SubMsg  string `json:"sub_msg"`
}

func (v *verdict) said() *verdict { return v }

// call makes a request and fills in the answer. It returns nil only for a verified 10000.
func (c *Channel) call(ctx context.Context, request *sdk.Payload, answer interface{ said() *verdict }) error {
	first := int(c.trusted.Load())
	var err error
	for i := range c.clients {
		at := (first + i) % len(c.clients)
		err = c.clients[at].Request(ctx, request, answer)
		if errors.Is(err, rsa.ErrVerification) {
			continue // signed by the other key, or by nobody that we trust
		}
		if err == nil {
			c.trusted.Store(int32(at))
			return answer.said().judge(request.APIName())
		}
		break
	}
	return unknown(request.APIName(), "%w", err)
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
	if a.TransCurrency != "" && a.TransCurrency != string(money.CNY) || !tradeRefForm.MatchString(a.TradeNo) {
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
type guard struct{ base http.RoundTripper }

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
	envelope, err := reseal(body)
	if err != nil {
		return nil, err
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(envelope)), int64(len(envelope))
	return answer, nil
}

var answerName = regexp.MustCompile(`^[a-z_.]+_response$`)

// reseal reads an answer's envelope strictly and writes it anew with the signed part, byte for byte, and its signature
// only. Left to itself the SDK believes an error that nobody signed, takes the last of two members with one name, and goes and
// downloads a certificate for an alipay_cert_sn that it doesn't know.
func reseal(body []byte) ([]byte, error) {
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
	return rewrite(members)
}

func rewrite(members map[string]json.RawMessage) ([]byte, error) {
	var signature, signed string
	_ = json.Unmarshal(members["sign"], &signature) // what isn't a string stays empty
	for member := range members {
		if !answerName.MatchString(member) {
			continue
		}
		if signed != "" {
			return nil, errors.New("the gateway's answer has two answers")
		}
		signed = member
	}
	if signature == "" || signed == "" {
		var said verdict
		_ = json.Unmarshal(members[signed], &said) // for the log: nobody vouches for it
		return nil, fmt.Errorf("the gateway's answer isn't signed; it says %.16q %.64q", said.Code, said.SubCode)
	}
	quoted, err := json.Marshal(signature)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{%q:%s,"sign":%s}`, signed, members[signed], quoted), nil
}
