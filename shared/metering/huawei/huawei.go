// Package huawei meters at Huawei Cloud KooGallery (云商店), by "usage push (new)".
//
// The customer is the instance that the pay-per-use purchase made (instance_id); what is metered follows from the
// instance, so a record's dimension isn't sent. Each record bears our own id (metering_sn), "the unique identification of
// a usage record": that is what makes sending the same record again safe. A call takes 1,000 records, none of which may
// begin more than 21 days ago.
//
// The signature is base64(HMAC-SHA256(key, "ts={ts}&nonce={nonce}&body={body}")), the body "sorted naturally": our bodies
// have their members in alphabetical order, so that what is signed is what is sent, whichever way that is read.
//
// Sources: https://support.huaweicloud.com/accessg-marketplace/zh-cn_topic_0070649410.html (request, signature) and
// https://support.huaweicloud.com/accessg-marketplace/zh-cn_topic_0070649186.html (codes of answers).
package huawei

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/metering"
)

// Gateway is the mainland's; the international one is https://mkt-intl.myhuaweicloud.com.
const Gateway = "https://mkt.myhuaweicloud.com"

// Path is the interface's.
const Path = "/api/mkp-openapi-public/global/v1/isv/usage-data"

const (
	instant   = "20060102T150405Z"
	maxAnswer = 64 << 10
)

// Config is what a meter needs.
type Config struct {
	Gateway string // "" is Gateway
	Key     string // the seller's interconnection key
	HTTP    *http.Client
	Now     func() time.Time
}

// Meter meters the products of one seller.
type Meter struct{ config Config }

// New is a meter.
func New(config Config) *Meter {
	if config.Gateway == "" {
		config.Gateway = Gateway
	}
	return &Meter{config}
}

// Limits implements metering.Meter. A day is left for clocks and zones.
func (m *Meter) Limits() metering.Limits {
	return metering.Limits{Records: 1000, Quantity: 99_999_999, Age: 20 * 24 * time.Hour, Again: true}
}

// Push implements metering.Meter.
func (m *Meter) Push(ctx context.Context, records []metering.Record) []metering.Result {
	return metering.Push(ctx, records, m.call)
}

// usage is one record, its members in alphabetical order.
type usage struct {
	Begin    string `json:"begin_time"`
	End      string `json:"end_time"`
	Instance string `json:"instance_id"`
	ID       string `json:"metering_sn"`
	Made     string `json:"record_time"`
	Value    string `json:"usage_value"` // Double(12,4): eight digits before the point
}

func (m *Meter) call(ctx context.Context, records []metering.Record) []metering.Result {
	var body struct {
		Records []usage `json:"usage_records"`
	}
	for _, r := range records {
		at := r.At.UTC().Format(instant)
		body.Records = append(body.Records, usage{
			Begin: r.At.UTC().Add(-metering.Span).Format(instant), End: at, Instance: r.Customer, ID: r.ID, Made: at,
			Value: strconv.FormatInt(r.Quantity, 10),
		})
	}
	text, err := json.Marshal(body)
	if err != nil {
		return metering.All(records, metering.Result{Verdict: metering.Refused, Code: "unwritable", Detail: err.Error()})
	}
	return metering.All(records, m.post(ctx, text))
}

// answer is what the marketplace says.
type answer struct {
	Code    string `json:"error_code"`
	Message string `json:"error_msg"`
}

func (m *Meter) post(ctx context.Context, body []byte) metering.Result {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.config.Gateway+Path, bytes.NewReader(body))
	if err != nil {
		return metering.Result{Verdict: metering.Busy, Code: "gateway", Detail: "The gateway's address can't be used."}
	}
	ts, nonce := strconv.FormatInt(m.config.Now().UnixMilli(), 10), rand.Text()
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("ts", ts)
	request.Header.Set("nonce", nonce)
	request.Header.Set("signature", Sign(m.config.Key, ts, nonce, body))
	response, err := m.config.HTTP.Do(request)
	if err != nil {
		return metering.Failed(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return metering.Failed(err)
	}
	var told answer
	if err := json.Unmarshal(text, &told); err != nil {
		return metering.Result{Verdict: metering.Unknown, Code: strconv.Itoa(response.StatusCode), Detail: "The answer isn't the marketplace's JSON."}
	}
	return judge(told)
}

// verdicts are those of the documented codes. Refused ones come with HTTP 500, too: only the code tells.
var verdicts = map[string]metering.Verdict{
	"MKT.0000": metering.Accepted,
	"MKT.0100": metering.Refused,       // failure of input parameter
	"MKT.0101": metering.Refused,       // invalid parameter
	"MKT.0199": metering.Refused,       // request parameter error
	"MKT.0150": metering.Refused,       // the instance's product isn't this seller's
	"MKT.9001": metering.NotSubscribed, // instance not found
	"MKT.9002": metering.Refused,       // invalid usage entities
	"MKT.9003": metering.Refused,       // too many records
	"MKT.9004": metering.Refused,       // begins too long ago
	"MKT.0102": metering.Busy,          // signature: our key, not the record
	"MKT.0151": metering.Busy,          // no authority
	"MKT.0154": metering.Busy,          // illegal token
}

func judge(told answer) metering.Result {
	verdict, known := verdicts[told.Code]
	switch {
	case verdict == metering.Accepted:
		return metering.Result{Verdict: metering.Accepted}
	case strings.HasPrefix(told.Code, "APIGW.03"):
		verdict = metering.Busy // throttled or not let in: nothing came through its API gateway
	case !known:
		verdict = metering.Unknown // MKT.0999, an internal error, among them
	}
	return metering.Result{Verdict: verdict, Code: told.Code, Detail: told.Message}
}

// Sign is the signature of a request.
func Sign(key, ts, nonce string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("ts=" + ts + "&nonce=" + nonce + "&body="))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
