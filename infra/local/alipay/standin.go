// Package alipay stands in for Alipay on a developer's machine: the gateway that the functions call, the page that a
// payer opens, and the notices that follow a payment. It has key pairs of its own, so everything is signed and verified as
// with the real one (plain keys, or certificates), and it refuses what the real one refuses: code that pleases it by less than the protocol would
// fail the first time real money is at stake.
//
// What it keeps of Alipay's ways:
//
//   - Requests are checked in full: the app's signature over every parameter, the stamp in GMT+8, the rules of each field.
//     Answers are signed over their exact bytes; a request that isn't even from a known app gets an unsigned error.
//   - A trade exists only once the payer has opened the code (the scan): before that query and close say
//     ACQ.TRADE_NOT_EXIST. The code dies with the order's expiry, and after two hours at the latest.
//   - The same out_trade_no with other parameters is refused; with the same ones it is answered again.
//   - A notice is sent up to eight times over 24 hours 22 minutes, until the answer is exactly "success".
//
// Trades and notices are kept in a journal of JSON lines, one whole trade a line, so that a restart goes on where the
// last run stopped. The switchboard is for faults: Options.Spoil for tests, POST /switchboard and the page of all payments for people.
package alipay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"billingcentre/infra/local/journal"
)

// Options are what a Gateway may be told. The zero Options keep nothing on disk and run at the speed of life.
type Options struct {
	Journal  string           // file to keep trades in; nowhere when empty
	URL      string           // where payers reach this server; taken from each request's Host when empty
	Merchant string           // the name on the payer's page
	Speed    int              // divides the waits between notices; 1 when zero
	Now      func() time.Time // time.Now when nil; requests' stamps are always compared with the wall clock
	Client   *http.Client     // sends the notices; one with a time-out when nil
	Log      *slog.Logger     // nothing is logged when nil
	Spoil    Spoil            // what goes wrong; nothing when nil
}

// schedule is the wait before each repeat of a notice.
var schedule = []time.Duration{
	4 * time.Minute, 10 * time.Minute, 10 * time.Minute, time.Hour, 2 * time.Hour, 6 * time.Hour, 15 * time.Hour,
}

// Gateway is the stand-in. It is an http.Handler for gateway.do and the payer's pages. Run sends the notices.
type Gateway struct {
	options Options
	mux     *http.ServeMux
	wake    chan struct{} // tells Run that a notice is due

	mu          sync.Mutex
	credentials Credentials
	before      *Credentials      // those of the app that are taken, too
	trades      map[string]*Trade // by key
	codes       map[string]*Trade // by the QR code's token, dead ones included
	journal     *journal.Journal
	bills       bills
	plan        plan // of faults
}

// New opens the journal and makes the gateway. Close it when done.
func New(credentials Credentials, o Options) (*Gateway, error) {
	if err := credentials.check(); err != nil {
		return nil, err
	}
	o.Speed = max(o.Speed, 1)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Merchant == "" {
		o.Merchant = "Billing centre (local)"
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	client := *o.Client // a redirect is not "success": it is never followed
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	o.Client = &client

	g := &Gateway{
		credentials: credentials, options: o, wake: make(chan struct{}, 1),
		trades: make(map[string]*Trade), codes: make(map[string]*Trade),
	}
	if err := g.open(); err != nil {
		return nil, err
	}
	g.mux = http.NewServeMux()
	g.mux.HandleFunc("/gateway.do", g.serveGateway)
	g.mux.HandleFunc("GET /pay/{token}", g.servePage)
	g.mux.HandleFunc("POST /pay/{token}", g.servePay)
	g.mux.HandleFunc("GET /bill/{token}", g.serveBill)
	g.mux.HandleFunc("POST /switchboard", g.serveSwitchboard)
	g.mux.HandleFunc("GET /{$}", g.serveIndex)
	return g, nil
}

// open goes on with the trades that were kept: the last line of each counts.
func (g *Gateway) open() error {
	lines, err := journal.Read[*Trade](g.options.Journal)
	if err != nil {
		return fmt.Errorf("alipay stand-in: %w", err)
	}
	for number, t := range lines {
		if t == nil || t.OutTradeNo == "" || len(t.Tokens) == 0 {
			return fmt.Errorf("alipay stand-in: %s, line %d isn't a trade", g.options.Journal, number+1)
		}
		g.keep(t)
	}
	g.journal, err = journal.Open(g.options.Journal, slices.Collect(maps.Values(g.trades)))
	return err
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) { g.mux.ServeHTTP(w, r) }

// Close ends the journal. Calls after it fail.
func (g *Gateway) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.journal.Close()
}

// Run sends notices when they are due, until the context ends.
func (g *Gateway) Run(ctx context.Context) {
	for ctx.Err() == nil {
		g.Deliver(ctx)
		timer := time.NewTimer(g.untilNext())
		select {
		case <-ctx.Done():
		case <-g.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// The refusals of Scan and Pay.
var (
	ErrNoCode = errors.New("alipay stand-in: there is no such code or order")
	ErrDead   = errors.New("alipay stand-in: the code has expired")
	ErrClosed = errors.New("alipay stand-in: the trade is closed")
)

// Trade returns a copy of what is kept for an order, its notices included; false when precreate never made it.
func (g *Gateway) Trade(outTradeNo string) (Trade, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, found := g.trades[outTradeNo]
	if !found {
		return Trade{}, false
	}
	g.age(t)
	return t.copy(), true
}

// Notices returns what was sent for an order, and what was answered.
func (g *Gateway) Notices(outTradeNo string) []Notice {
	t, _ := g.Trade(outTradeNo)
	return t.Notices
}

// Scan does what a payer's phone does when it reads the code: from now on the trade exists.
func (g *Gateway) Scan(outTradeNo string) (Trade, error) {
	return g.change(outTradeNo, g.scan)
}

// Pay lets the payer pay an order. Its notice is due at once: Run sends it, or Deliver. Paying again changes nothing.
func (g *Gateway) Pay(outTradeNo string) (Trade, error) {
	return g.change(outTradeNo, g.pay)
}

// change does something to a trade and keeps it.
func (g *Gateway) change(outTradeNo string, do func(*Trade) error) (Trade, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, found := g.trades[outTradeNo]
	if !found {
		return Trade{}, ErrNoCode
	}
	g.age(t)
	if err := do(t); err != nil {
		return t.copy(), err
	}
	return t.copy(), g.journal.Write(t)
}

// keep puts a trade in its places.
func (g *Gateway) keep(t *Trade) {
	g.trades[t.key()] = t
	for _, token := range t.Tokens {
		g.codes[token] = t
	}
}

// drain lets a connection be used again after an answer that was read in part.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
