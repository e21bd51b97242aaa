// Package alibaba meters at Alibaba Cloud Marketplace (云市场), by PushMeteringData of its API of version 2015-11-01.
//
// The customer is the marketplace's instance (InstanceId) that his purchase made; the dimension is the key of one of the
// product's metered items, such as "Unit". A record's quantity must be whole. A call takes up to 100 records of one
// product; of one instance there may be one call a minute. A product billed by the hour takes usage until the end of the
// next hour, so a record is at most 55 minutes old here.
//
// Nothing in the documentation says that the same usage pushed twice is charged once, and there is nothing to ask: so a
// record without an answer isn't sent again (Limits.Again).
//
// Sources: https://help.aliyun.com/zh/marketplace/api-pushmeteringdata (parameters, limits, time), and Alibaba Cloud's
// RPC signature of version 1.0, https://help.aliyun.com/document_detail/315526.html (HMAC-SHA1 over the sorted, percent
// encoded parameters). Error codes of the action itself aren't documented: those of all RPC actions are told apart, and
// what is left is a refusal when it comes with a status of 4xx.
package alibaba

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/metering"
)

// Gateway is the marketplace's endpoint on the mainland; the international one is
// https://market.ap-southeast-1.aliyuncs.com/.
const Gateway = "https://market.aliyuncs.com/"

const maxAnswer = 64 << 10

// Config is what a meter needs.
type Config struct {
	Gateway   string // "" is Gateway
	KeyID     string // of the seller's main account: RAM users aren't let in
	KeySecret string
	HTTP      *http.Client
	Now       func() time.Time
}

// Meter meters one product.
type Meter struct{ config Config }

// New is a meter.
func New(config Config) *Meter {
	if config.Gateway == "" {
		config.Gateway = Gateway
	}
	return &Meter{config}
}

// Limits implements metering.Meter.
func (m *Meter) Limits() metering.Limits {
	return metering.Limits{Records: 100, Quantity: 1<<31 - 1, Age: 55 * time.Minute, Again: false}
}

// Push implements metering.Meter.
func (m *Meter) Push(ctx context.Context, records []metering.Record) []metering.Result {
	return metering.Push(ctx, records, m.call)
}

// usage is one element of the parameter Metering.
type usage struct {
	InstanceID string   `json:"InstanceId"`
	StartTime  string   `json:"StartTime"` // seconds since 1970
	EndTime    string   `json:"EndTime"`
	Entities   []entity `json:"Entities"`
}

type entity struct {
	Key   string `json:"Key"`
	Value string `json:"Value"`
}

// answer is what the gateway says, well or ill.
type answer struct {
	Success bool   `json:"Success"`
	Code    string `json:"Code"`
	Message string `json:"Message"`
}

func (m *Meter) call(ctx context.Context, records []metering.Record) []metering.Result {
	pushed := make([]usage, len(records))
	for i, r := range records {
		pushed[i] = usage{
			InstanceID: r.Customer, StartTime: seconds(r.At.Add(-metering.Span)), EndTime: seconds(r.At),
			Entities: []entity{{r.Dimension, strconv.FormatInt(r.Quantity, 10)}},
		}
	}
	text, err := json.Marshal(pushed)
	if err != nil {
		return metering.All(records, metering.Result{Verdict: metering.Refused, Code: "unwritable", Detail: err.Error()})
	}
	form := url.Values{
		"Action": {"PushMeteringData"}, "Version": {"2015-11-01"}, "Format": {"JSON"}, "Metering": {string(text)},
		"AccessKeyId": {m.config.KeyID}, "SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"},
		"SignatureNonce": {rand.Text()}, "Timestamp": {m.config.Now().UTC().Format("2006-01-02T15:04:05Z")},
	}
	form.Set("Signature", Sign(http.MethodPost, form, m.config.KeySecret))
	return metering.All(records, m.post(ctx, form))
}

func (m *Meter) post(ctx context.Context, form url.Values) metering.Result {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.config.Gateway, strings.NewReader(form.Encode()))
	if err != nil {
		return metering.Result{Verdict: metering.Busy, Code: "gateway", Detail: "The gateway's address can't be used."}
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := m.config.HTTP.Do(request)
	if err != nil {
		return metering.Failed(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return metering.Failed(err)
	}
	var told answer
	if err := json.Unmarshal(body, &told); err != nil {
		return metering.Result{Verdict: metering.Unknown, Code: strconv.Itoa(response.StatusCode), Detail: "The answer isn't the gateway's JSON."}
	}
	return judge(response.StatusCode, told)
}

// ours are the beginnings of codes that tell of our keys, clocks or rate, not of a record. Nothing was done then.
var ours = []string{"Throttling", "InvalidAccessKeyId", "SignatureDoesNotMatch", "SignatureNonceUsed", "IllegalTimestamp", "InvalidTimeStamp", "Forbidden", "NoPermission", "InvalidSecurityToken"}

func judge(status int, told answer) metering.Result {
	result := metering.Result{Verdict: metering.Refused, Code: told.Code, Detail: told.Message}
	switch {
	case status == http.StatusOK && told.Success:
		return metering.Result{Verdict: metering.Accepted}
	case slices.ContainsFunc(ours, func(code string) bool { return strings.HasPrefix(told.Code, code) }):
		result.Verdict = metering.Busy
	case status < 400 || status >= 500 || told.Code == "":
		result.Verdict = metering.Unknown
	}
	return result
}

func seconds(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// Sign is the signature of an RPC request: of all its parameters but the signature.
func Sign(method string, form url.Values, secret string) string {
	var pairs []string
	for name := range form {
		if name != "Signature" {
			pairs = append(pairs, escape(name)+"="+escape(form.Get(name)))
		}
	}
	slices.Sort(pairs)
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&%2F&" + escape(strings.Join(pairs, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// escape is percent encoding by RFC 3986, which Go's differs from in three characters.
func escape(text string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(text))
}
