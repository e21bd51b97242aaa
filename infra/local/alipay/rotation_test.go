package alipay

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/payment"
	channel "billingcentre/shared/payment/alipay"
)

// freshApp and freshAlipay are the keys that follow.
var (
	freshApp    = sync.OnceValue(freshKey)
	freshAlipay = sync.OnceValue(freshKey)
)

func freshKey() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

// TestChangesOfKeysMidTraffic is T-51: in both modes either side changes its key or certificate while orders are made, paid and
// asked about; old and new are good side by side for 24 hours, afterwards the old one proves nothing.
func TestChangesOfKeysMidTraffic(t *testing.T) {
	for mode, before := range modes() {
		for what, change := range map[string]func(*Credentials){
			"Alipay's key":            func(c *Credentials) { c.Alipay = freshAlipay() },
			"the app's key":           func(c *Credentials) { c.App = freshApp() },
			"both keys":               func(c *Credentials) { c.App, c.Alipay = freshApp(), freshAlipay() },
			"certificates, same keys": func(*Credentials) {},
		} {
			t.Run(mode+", "+what, func(t *testing.T) {
				after := before
				change(&after)
				after, err := after.Issued()
				if err != nil {
					t.Fatal(err)
				}
				changeKeys(t, before, after)
			})
		}
	}
}

func changeKeys(t *testing.T, before, after Credentials) {
	w := newTownOf(t, before)
	now, next := secretOf(t, before), secretOf(t, after)
	while := now
	while.NextPrivateKey, while.NextKey, while.NextAppCert, while.NextAlipayCert = next.PrivateKey, next.PublicKey, next.AppCert, next.AlipayCert
	var late []string // notices that were signed with the old key, and come when the new one is used
	count := 0
	traffic := func(when string) {
		t.Helper()
		count++
		id := "rch_" + string(rune('a'+count))
		page, err := w.channel.Page(w.ctx(), w.order(id+"_page"), "https://console.example.com")
		if err != nil || !strings.Contains(w.browse(http.MethodGet, page.Content, ""), id+"_page") {
			t.Errorf("%s: page: %v", when, err)
		}
		if _, err := w.channel.Create(w.ctx(), w.order(id)); err != nil {
			t.Fatalf("%s: create: %v", when, err)
		}
		trade, err := w.gateway.Pay(id)
		if err != nil {
			t.Fatal(err)
		}
		form, err := w.gateway.Credentials().SignNotice(w.gateway.Credentials().NoticeFields(trade, trade.Notices[0], w.clock.now()))
		if err != nil {
			t.Fatal(err)
		}
		late = append(late, form)
		w.gateway.Deliver(w.ctx())
		if last := len(w.errs) - 1; last < 0 || w.errs[last] != nil || w.notices[last].OrderID != id {
			t.Errorf("%s: notice: %v", when, w.errs)
		}
		if trade, err := w.channel.Query(w.ctx(), id); err != nil || trade.State != payment.Paid {
			t.Errorf("%s: query: %+v, %v", when, trade, err)
		}
	}
	verify := func(form string) error {
		_, err := w.channel.VerifyNotice(payment.Delivery{Header: map[string]string{"content-type": "application/x-www-form-urlencoded"}, Body: []byte(form)})
		return err
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	traffic("before")
	must(w.channel.Renew(while))
	traffic("with the next one pinned")
	must(w.gateway.Change(after, true))
	traffic("changed at Alipay, the old one still taken there")
	must(w.gateway.Change(after, false))
	traffic("changed at Alipay for good")
	for _, form := range late {
		must(verify(form))
	}
	w.clock.move(24 * time.Hour)
	traffic("a day later")
	must(w.channel.Renew(next))
	traffic("with the old one gone")
	if old := verify(late[0]); before.Alipay != after.Alipay && !errors.Is(old, payment.ErrBadSignature) {
		t.Errorf("a notice by the key that was given up: %v", old)
	}
	if err := w.channel.Renew(channel.Secret{AppID: now.AppID, SellerID: now.SellerID}); err == nil {
		t.Error("an empty secret is taken")
	}
	traffic("after a secret that can't be used")
}

// TestAKeyThatNobodyTakes: when Alipay refuses both of our keys the answer is its refusal, and each was tried once.
func TestAKeyThatNobodyTakes(t *testing.T) {
	w := newTown(t)
	secret := secretOf(t, keys())
	other := Credentials{AppID: keys().AppID, SellerID: keys().SellerID, App: freshApp(), Alipay: keys().Alipay}
	secret.PrivateKey, secret.NextPrivateKey = secretOf(t, other).PrivateKey, pemKey(freshAlipay())
	c := newChannel(t, w.server.URL+"/gateway.do", func(c *channel.Config) { c.Secret = secret })
	var refused *payment.Refused
	if _, err := c.Query(w.ctx(), "rch_1"); !errors.As(err, &refused) || refused.Code != "40002 isv.invalid-signature" {
		t.Errorf("%v", err)
	}
	if serials := []string{certSN(certified().Certificates.App), certSN(certified().Certificates.Alipay)}; slices.Contains(serials, "") || serials[0] == serials[1] {
		t.Errorf("certificates are called %v", serials)
	}
}
