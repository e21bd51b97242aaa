package alipay

import (
	"crypto/rsa"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	channel "billingcentre/shared/payment/alipay"
)

// both modes, by name.
func modes() map[string]Credentials {
	return map[string]Credentials{"public keys": keys(), "certificates": certified()}
}

// TestBothModes: every call, the page, the notice and the bill, in each mode.
func TestBothModes(t *testing.T) {
	for name, credentials := range modes() {
		t.Run(name, func(t *testing.T) {
			w := newTownOf(t, credentials)
			w.create("rch_1")
			page, err := w.channel.Page(w.ctx(), w.order("rch_2"), "https://console.example.com")
			if err != nil || !strings.Contains(w.browse(http.MethodGet, page.Content, ""), "rch_2") {
				t.Errorf("the page %s, %v", page.Content, err)
			}
			paid, err := w.gateway.Pay("rch_1")
			if err != nil || w.gateway.Deliver(w.ctx()) != 1 || w.errs[0] != nil || w.notices[0].State != payment.Paid {
				t.Fatalf("%v, notices %+v, errors %v", err, w.notices, w.errs)
			}
			if trade, err := w.channel.Query(w.ctx(), "rch_1"); err != nil || trade.State != payment.Paid {
				t.Errorf("query: %+v, %v", trade, err)
			}
			if trade, err := w.channel.Find(w.ctx(), paid.TradeNo); err != nil || trade.OrderID != "rch_1" {
				t.Errorf("find: %+v, %v", trade, err)
			}
			if err := w.channel.Close(w.ctx(), "rch_2"); err != nil {
				t.Errorf("close: %v", err)
			}
			refund := payment.Refund{ID: "back_1", OrderID: "rch_1", Ref: paid.TradeNo, Amount: money.Of(money.CNY, 88), Reason: "test"}
			if state, err := w.channel.Refund(w.ctx(), refund); err != nil || state != payment.RefundDone {
				t.Errorf("refund: %s, %v", state, err)
			}
			if rows, err := w.channel.Bill(w.ctx(), w.billed()); err != nil || len(rows) != 2 {
				t.Errorf("bill: %v, %v", rows, err)
			}
		})
	}
}

// TestCertificatesOfRequests: what the gateway refuses of an app in certificate mode, and of one that isn't.
func TestCertificatesOfRequests(t *testing.T) {
	own := certified().Certificates
	for _, row := range []struct {
		name        string
		credentials Credentials
		app, root   string
		signer      *rsa.PrivateKey
		want        string
	}{
		{"as it must be", certified(), certSN(own.App), certSN(own.Root), keys().App, "10000"},
		{"no certificate named", certified(), "", certSN(own.Root), keys().App, "isv.missing-app-cert-sn"},
		{"no root named", certified(), certSN(own.App), "", keys().App, "isv.missing-alipay-root-cert-sn"},
		{"another's certificate", certified(), strings.Repeat("0", 32), certSN(own.Root), keys().App, "isv.app-cert-not-exist"},
		{"Alipay's certificate for the app's", certified(), certSN(own.Alipay), certSN(own.Root), keys().App, "isv.app-cert-not-exist"},
		{"another root", certified(), certSN(own.App), certSN(own.App), keys().App, "isv.invalid-alipay-root-cert-sn"},
		{"another key", certified(), certSN(own.App), certSN(own.Root), keys().Alipay, "isv.invalid-signature"},
		{"certificates in public-key mode", keys(), certSN(own.App), certSN(own.Root), keys().App, "isv.app-cert-not-exist"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newTownOf(t, row.credentials)
			fields := map[string]string{
				"app_id": keys().AppID, "method": "alipay.trade.precreate", "charset": "utf-8", "sign_type": "RSA2", "version": "1.0", "format": "JSON",
				"timestamp": time.Now().In(gmt8).Format(timeForm), "app_cert_sn": row.app, "alipay_root_cert_sn": row.root,
				"biz_content": `{"out_trade_no":"rch_9","total_amount":"1.00","subject":"Top-up","product_code":"FACE_TO_FACE_PAYMENT"}`,
			}
			fields["sign"], _ = sign(row.signer, joined(fields, func(_, value string) bool { return value != "" }))
			if body := w.post(fields); !strings.Contains(body, `"`+row.want+`"`) {
				t.Errorf("answered %s, want %s", body, row.want)
			}
		})
	}
}

// TestModesOfTheTwoSidesMustAgree: an app that isn't in the mode in which Alipay has it gets nowhere.
func TestModesOfTheTwoSidesMustAgree(t *testing.T) {
	for name, row := range map[string]struct {
		alipay, app Credentials
		code        string
	}{
		"keys here, certificates there": {certified(), keys(), "isv.missing-app-cert-sn"},
		"certificates here, keys there": {keys(), certified(), "isn't pinned"},
	} {
		w := newTownOf(t, row.alipay)
		c := newChannel(t, w.server.URL+"/gateway.do", func(c *channel.Config) { c.Secret = secretOf(t, row.app) })
		if _, err := c.Create(w.ctx(), w.order("rch_1")); err == nil || !strings.Contains(err.Error(), row.code) {
			t.Errorf("%s: %v, want %s", name, err, row.code)
		}
	}
}

// TestCertificatesOfAnswersAndNotices: what is signed by a certificate that isn't pinned proves nothing, however good, and nothing
// is ever fetched because of it (N34). One whose time is over isn't taken either.
func TestCertificatesOfAnswersAndNotices(t *testing.T) {
	stranger, err := certified().Issued() // the same key, another certificate
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, serial string
		ages         time.Duration
		answer       bool // is taken
		notice       string
	}{
		{"the pinned one", certSN(certified().Certificates.Alipay), 0, true, ""},
		{"none", "", 0, false, ""}, // notices are as in public-key mode
		{"unknown", strings.Repeat("ab", 16), 0, false, "certificate"},
		{"a truly issued one that isn't pinned", certSN(stranger.Certificates.Alipay), 0, false, "certificate"},
		{"the app's own", certSN(certified().Certificates.App), 0, false, "certificate"},
		{"a path", "../../etc/passwd", 0, false, "certificate"},
		{"quotes", `","x":"`, 0, false, "certificate"},
		{"a megabyte", strings.Repeat("f", 1<<20), 0, false, "too_large"},
		{"the pinned one, decades later", certSN(certified().Certificates.Alipay), 2 * certificateLife, false, "certificate_expired"},
	} {
		t.Run(row.name, func(t *testing.T) {
			calls := 0
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				calls++
				body := signed(t, keys().Alipay, queryAnswer, answerOf(""))
				if row.serial != "" {
					body = strings.Replace(body, `,"sign"`, `,"alipay_cert_sn":`+quoted(row.serial)+`,"sign"`, 1)
				}
				_, _ = io.WriteString(w, body)
			}))
			defer gateway.Close()
			at := &clock{at: time.Now()}
			c := newChannel(t, gateway.URL, func(c *channel.Config) { c.Secret, c.Now = secretOf(t, certified()), at.now })
			at.move(row.ages)
			if trade, err := c.Query(t.Context(), "rch_1"); (err == nil) != row.answer || err != nil && !errors.Is(err, payment.ErrUnknownOutcome) || calls != 1 {
				t.Errorf("the answer: %+v, %v, %d calls", trade, err, calls)
			}
			calls = 0
			for way, fields := range noticeWith(row.serial) {
				form, err := keys().SignNotice(fields)
				if err != nil {
					t.Fatal(err)
				}
				if way == "beside" && row.serial != "" {
					form += "&alipay_cert_sn=" + row.serial
				}
				_, err = c.VerifyNotice(payment.Delivery{Header: map[string]string{"content-type": "application/x-www-form-urlencoded"}, Body: []byte(form)})
				var refused *payment.NoticeError
				if row.notice == "" && err != nil || row.notice != "" && (!errors.As(err, &refused) || refused.Reason != row.notice) || calls > 0 {
					t.Errorf("the notice, its certificate %s: %v, want %q; %d calls", way, err, row.notice, calls)
				}
			}
		})
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }

// noticeWith is a paid notice that names a certificate, as signed, and as an addition that isn't.
func noticeWith(serial string) map[string]map[string]string {
	trade := Trade{OutTradeNo: "rch_1", TradeNo: "2026110122001", TotalAmount: "1.00", CreatedAt: noticed, PaidAt: noticed, BuyerID: "2088000011112222"}
	ways := map[string]map[string]string{}
	for _, way := range []string{"signed", "beside"} {
		ways[way] = keys().NoticeFields(trade, Notice{ID: "1", Status: success}, noticed)
	}
	if serial != "" && !strings.ContainsAny(serial, `"`) {
		ways["signed"]["alipay_cert_sn"] = serial
	} else if serial != "" {
		delete(ways, "signed")
		delete(ways, "beside")
	}
	return ways
}

// TestCertificatesAreChecked: a secret whose certificates don't fit each other, their keys or their roots stops a function at its start.
func TestCertificatesAreChecked(t *testing.T) {
	production := func(c *channel.Config) {
		c.Mode, c.Gateway, c.NotifyURL = channel.Production, "", "https://example.com/n"
		c.Secret.AppID = "2021003123456789"
	}
	elsewhere, err := keys().Certified() // by other authorities
	if err != nil {
		t.Fatal(err)
	}
	theirs, own := secretOf(t, elsewhere), secretOf(t, certified())
	for _, row := range []struct {
		name   string
		change func(*channel.Config)
		says   string
	}{
		{"sandbox", func(*channel.Config) {}, ""},
		{"production", production, ""},
		{"both modes at once", func(c *channel.Config) { c.Secret.PublicKey = secretOf(t, keys()).PublicKey }, "one mode"},
		{"no app certificate", func(c *channel.Config) { c.Secret.AppCert = "" }, "app_certificate"},
		{"no certificate of Alipay's", func(c *channel.Config) { c.Secret.AlipayCert = "" }, "alipay_certificate"},
		{"no root", func(c *channel.Config) { c.Secret.RootCert = "" }, "alipay_root_certificate"},
		{"a public key where the certificate belongs", func(c *channel.Config) { c.Secret.AlipayCert = secretOf(t, keys()).PublicKey }, "public key is not a certificate"},
		{"a certificate where the public key belongs", func(c *channel.Config) {
			c.Secret = secretOf(t, keys())
			c.Secret.PublicKey = own.AlipayCert
		}, "alipay_public_key"},
		{"another key's app certificate", func(c *channel.Config) { c.Secret.AppCert = own.AlipayCert }, "private key"},
		{"the app's own certificate for Alipay's", func(c *channel.Config) { c.Secret.AlipayCert = own.AppCert }, "own public key"},
		{"production, other authorities", func(c *channel.Config) { production(c); c.Secret.AlipayCert = theirs.AlipayCert }, "root"},
		{"production, no authority between", func(c *channel.Config) {
			production(c)
			c.Secret.AlipayCert = own.AlipayCert[:strings.LastIndex(own.AlipayCert, "-----BEGIN")]
		}, "root"},
		{"years later", func(c *channel.Config) { c.Now = func() time.Time { return time.Now().Add(2 * certificateLife) } }, "valid from"},
		{"a next key without its certificate", func(c *channel.Config) { c.Secret.NextPrivateKey = c.Secret.PrivateKey }, "private_key_next"},
		{"a next certificate of the same key", func(c *channel.Config) { c.Secret.NextAppCert, c.Secret.NextAlipayCert = own.AppCert, own.AlipayCert }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := channel.Config{Mode: channel.Sandbox, Secret: own, NotifyURL: "http://127.0.0.1/notices"}
			row.change(&c)
			_, err := channel.New(c)
			if (err == nil) != (row.says == "") || err != nil && (!strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "MII")) {
				t.Errorf("%v, want %q", err, row.says)
			}
		})
	}
}

// TestAlipaysOwnSamples: certificates of Alipay's sandbox, which the SDK's source comes with, are read, and the bundle of roots
// has the number that is known of it.
func TestAlipaysOwnSamples(t *testing.T) {
	folder, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/smartwalle/alipay/v3").Output()
	if err != nil {
		t.Skip("the SDK's source isn't here")
	}
	file := func(name string) string {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), name))
		if err != nil {
			t.Skip("the SDK's source has no samples")
		}
		return string(text)
	}
	secret := secretOf(t, keys())
	secret.PublicKey, secret.AlipayCert, secret.RootCert, secret.AppCert = "", file("alipayPublicCert.crt"), file("alipayRootCert.crt"), file("appPublicCert.crt")
	c := channel.Config{Mode: channel.Sandbox, Secret: secret, NotifyURL: "http://127.0.0.1/n", Now: func() time.Time { return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC) }}
	if _, err := channel.New(c); err == nil || !strings.Contains(err.Error(), "private key") { // which the sample doesn't have
		t.Errorf("the samples: %v", err)
	}
	// The same bundle with our own app: its number goes out with a request.
	mixed := secretOf(t, certified())
	mixed.RootCert = secret.RootCert
	var root string
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { root = r.FormValue("alipay_root_cert_sn") }))
	defer gateway.Close()
	if _, err := newChannel(t, gateway.URL, func(c *channel.Config) { c.Secret = mixed }).Query(t.Context(), "rch_1"); err == nil {
		t.Error("an empty answer is taken")
	}
	if want := "687b59193f3f462dd5336e5abf83c5d8_02941eef3187dddf3d3b83462e1dfcf6"; root != want {
		t.Errorf("the roots are called %s, want %s", root, want)
	}
}
