package alipay

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	channel "billingcentre/shared/payment/alipay"
)

// keys are made once for the whole run.
var keys = sync.OnceValue(func() Credentials {
	c, err := NewCredentials()
	if err != nil {
		panic(err)
	}
	return c
})

// certified are the same app's, in certificate mode.
var certified = sync.OnceValue(func() Credentials {
	c, err := keys().Certified()
	if err != nil {
		panic(err)
	}
	return c
})

// clock is a time that moves when told to.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// town is a stand-in, a channel that uses it, and a shop that takes its notices.
type town struct {
	*testing.T
	clock   *clock
	gateway *Gateway
	server  *httptest.Server
	channel *channel.Channel
	keys    Credentials

	mu      sync.Mutex
	replies []string // what the shop answers next; "success" or "fail" by the channel's word when there is none
	notices []payment.Notice
	errs    []error
}

func newTown(t *testing.T) *town {
	t.Helper()
	return newTownOf(t, keys())
}

// newTownOf is a town where the app has these credentials.
func newTownOf(t *testing.T, c Credentials) *town {
	t.Helper()
	w := &town{T: t, clock: &clock{at: time.Now()}, keys: c}
	w.open(Options{Journal: filepath.Join(t.TempDir(), "trades.jsonl")})
	return w
}

// open starts the gateway and a channel that calls it.
func (w *town) open(o Options) {
	w.Helper()
	if o.Now == nil {
		o.Now = w.clock.now
	}
	var err error
	if w.gateway, err = New(w.keys, o); err != nil {
		w.Fatal(err)
	}
	w.server = httptest.NewServer(w.gateway)
	shop := httptest.NewServer(http.HandlerFunc(w.shop))
	w.Cleanup(func() { w.server.Close(); shop.Close(); _ = w.gateway.Close() })
	w.channel = newChannel(w.T, w.server.URL+"/gateway.do", func(c *channel.Config) {
		c.NotifyURL, c.Now, c.Secret = shop.URL+"/notices", w.clock.now, secretOf(w.T, w.keys)
	})
}

func secretOf(t *testing.T, c Credentials) channel.Secret {
	t.Helper()
	secret, err := c.Secret()
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// shop is what stands at the notify URL: it verifies with the channel and answers as told.
func (w *town) shop(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.Error(err)
	}
	n, err := w.channel.VerifyNotice(payment.Delivery{Header: map[string]string{"content-type": r.Header.Get("Content-Type")}, Body: body})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notices, w.errs = append(w.notices, n), append(w.errs, err)
	if len(w.replies) == 0 {
		reply := w.channel.Reply(err == nil)
		rw.WriteHeader(reply.Status)
		_, _ = io.WriteString(rw, reply.Body)
		return
	}
	reply := w.replies[0]
	w.replies = w.replies[1:]
	if reply == "redirect" {
		http.Redirect(rw, r, "/elsewhere", http.StatusFound)
		return
	}
	_, _ = io.WriteString(rw, reply)
}

func (w *town) create(id string) payment.Checkout {
	w.Helper()
	checkout, err := w.channel.Create(w.ctx(), w.order(id))
	if err != nil {
		w.Fatal(err)
	}
	return checkout
}

func (w *town) order(id string) payment.Order {
	return payment.Order{ID: id, Amount: money.Of(money.CNY, 8888), Subject: "Top-up of a/b & c=d", ExpiresAt: w.clock.now().Add(30 * time.Minute)}
}

func (w *town) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	w.Cleanup(cancel)
	return ctx
}

func newChannel(t *testing.T, gateway string, change ...func(*channel.Config)) *channel.Channel {
	t.Helper()
	secret, err := keys().Secret()
	if err != nil {
		t.Fatal(err)
	}
	c := channel.Config{Mode: channel.Sandbox, Secret: secret, Gateway: gateway, NotifyURL: "http://127.0.0.1/notices"}
	for _, f := range change {
		f(&c)
	}
	ch, err := channel.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}
