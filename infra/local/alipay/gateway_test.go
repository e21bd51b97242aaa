package alipay

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestRequestsAreChecked: what the real gateway refuses is refused here, and only a request of a known app gets a signed answer.
func TestRequestsAreChecked(t *testing.T) {
	w := newTown(t)
	biz := func(change string) string {
		m := map[string]any{"out_trade_no": "rch_9", "total_amount": "1.00", "subject": "Top-up", "product_code": "FACE_TO_FACE_PAYMENT"}
		if name, value, found := strings.Cut(change, "="); found {
			m[name] = value
		}
		text, _ := json.Marshal(m)
		return string(text)
	}
	for _, row := range []struct{ name, field, value, want string }{
		{"a good one", "", "", "10000"},
		{"no app", "app_id", "", "isv.missing-app-id"},
		{"another app", "app_id", "9021000000000000", "isv.invalid-app-id"},
		{"no method", "method", "", "isv.missing-method"},
		{"unknown method", "method", "alipay.trade.create", "isv.invalid-method"},
		{"gbk", "charset", "gbk", "isv.invalid-charset"},
		{"RSA", "sign_type", "RSA", "isv.invalid-signature-type"},
		{"no version", "version", "", "isv.missing-version"},
		{"no stamp", "timestamp", "", "isv.missing-timestamp"},
		{"stamped in UTC", "timestamp", time.Now().UTC().Format(timeForm), "isv.invalid-timestamp"},
		{"no signature", "sign", "", "isv.missing-signature"},
		{"bad signature", "sign", "AAAA", "isv.invalid-signature"},
		{"no biz_content", "biz_content", "", "isv.missing-biz-content"},
		{"biz_content isn't JSON", "biz_content", "x", "isv.invalid-biz-content"},
		{"order's id with a dash", "biz_content", biz("out_trade_no=rch-9"), "ACQ.INVALID_PARAMETER"},
		{"order's id too long", "biz_content", biz("out_trade_no=" + strings.Repeat("r", 65)), "ACQ.INVALID_PARAMETER"},
		{"nothing to pay", "biz_content", biz("total_amount=0.00"), "ACQ.INVALID_PARAMETER"},
		{"too much", "biz_content", biz("total_amount=100000000.01"), "ACQ.INVALID_PARAMETER"},
		{"three decimals", "biz_content", biz("total_amount=1.001"), "ACQ.INVALID_PARAMETER"},
		{"exponent", "biz_content", biz("total_amount=1e2"), "ACQ.INVALID_PARAMETER"},
		{"subject with &", "biz_content", biz("subject=a&b"), "ACQ.INVALID_PARAMETER"},
		{"no subject", "biz_content", biz("subject="), "ACQ.INVALID_PARAMETER"},
		{"another seller", "biz_content", biz("seller_id=2088000000000000"), "ACQ.INVALID_PARAMETER"},
		{"time-out of 16 days", "biz_content", biz("timeout_express=16d"), "ACQ.INVALID_PARAMETER"},
		{"expired already", "biz_content", biz("time_expire=2020-01-01 00:00:00"), "ACQ.INVALID_PARAMETER"},
		{"notify_url with a query", "notify_url", "https://example.com/n?x=1", "ACQ.INVALID_PARAMETER"},
	} {
		t.Run(row.name, func(t *testing.T) {
			fields := map[string]string{
				"app_id": keys().AppID, "method": "alipay.trade.precreate", "charset": "utf-8", "sign_type": "RSA2",
				"version": "1.0", "format": "JSON", "timestamp": time.Now().In(gmt8).Format(timeForm), "biz_content": biz(""),
			}
			if row.field != "sign" {
				fields[row.field] = row.value
			}
			delete(fields, "")
			fields["sign"], _ = sign(keys().App, joined(fields, func(_, value string) bool { return value != "" }))
			if row.field == "sign" {
				fields["sign"] = row.value
			}
			body := w.post(fields)
			if !strings.Contains(body, `"`+row.want+`"`) {
				t.Errorf("answered %s, want %s", body, row.want)
			}
			if signed := strings.Contains(body, `"sign":`); signed == strings.HasSuffix(row.want, "app-id") {
				t.Errorf("signed: %v: %s", signed, body)
			}
		})
	}
}

func (w *town) post(fields map[string]string) string {
	w.Helper()
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	answer, err := http.PostForm(w.server.URL+"/gateway.do", form)
	if err != nil {
		w.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatal(err)
	}
	return string(body)
}

// TestClose: a trade that nobody opened doesn't exist, an open one is closed, a paid one is not.
func TestClose(t *testing.T) {
	w := newTown(t)
	closing := func(id string) string {
		fields := map[string]string{
			"app_id": keys().AppID, "method": "alipay.trade.close", "charset": "utf-8", "sign_type": "RSA2",
			"version": "1.0", "timestamp": time.Now().In(gmt8).Format(timeForm), "biz_content": `{"out_trade_no":"` + id + `"}`,
		}
		fields["sign"], _ = sign(keys().App, joined(fields, func(string, string) bool { return true }))
		return w.post(fields)
	}
	w.create("rch_1")
	w.create("rch_2")
	if got := closing("rch_1"); !strings.Contains(got, "ACQ.TRADE_NOT_EXIST") {
		t.Errorf("before the scan: %s", got)
	}
	if _, err := w.gateway.Scan("rch_1"); err != nil {
		t.Fatal(err)
	}
	if got := closing("rch_1"); !strings.Contains(got, `"10000"`) {
		t.Errorf("an open one: %s", got)
	}
	if _, err := w.gateway.Pay("rch_1"); !errors.Is(err, ErrClosed) {
		t.Errorf("paying a closed one: %v", err)
	}
	if _, err := w.gateway.Pay("rch_2"); err != nil {
		t.Fatal(err)
	}
	if got := closing("rch_2"); !strings.Contains(got, "ACQ.TRADE_STATUS_ERROR") {
		t.Errorf("a paid one: %s", got)
	}
}
