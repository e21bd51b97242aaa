package alipay

import (
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
)

//go:embed page.html
var pageText string

var pages = template.Must(template.New("").Parse(pageText))

// view is what a payer sees, as HTML or JSON.
type view struct {
	Merchant  string `json:"merchant"`
	Order     string `json:"out_trade_no"`
	TradeNo   string `json:"trade_no,omitempty"`
	Subject   string `json:"subject"`
	Amount    string `json:"total_amount"`
	Status    string `json:"trade_status"`
	ExpiresAt string `json:"expires_at"` // GMT+8
	Notices   int    `json:"notices_sent"`
	Accepted  bool   `json:"notice_accepted"`
	Problem   string `json:"problem,omitempty"`
	Pay       string `json:"pay"` // where to post
	Return    string `json:"return_url,omitempty"`
}

func (v view) Payable() bool { return v.Status == waiting && v.Problem == "" }
func (v view) Paid() bool    { return v.Status == success }

// index is the page of all payments, and the switchboard.
type index struct {
	Payments []view
	Planned  []Planned
}

// servePage shows the payment. Opening it is the scan, so the trade exists from here on.
func (g *Gateway) servePage(w http.ResponseWriter, r *http.Request) {
	g.serveTrade(w, r, g.scan)
}

// servePay pays. A browser is sent back to the page, a script gets JSON.
func (g *Gateway) servePay(w http.ResponseWriter, r *http.Request) {
	g.serveTrade(w, r, func(t *Trade) error { return g.payCode(t, r.PathValue("token")) })
}

// payCode pays by one code; those that were replaced by a newer one are dead. The caller holds the lock.
func (g *Gateway) payCode(t *Trade, token string) error {
	if t.Status == "" && token != t.Token() {
		return ErrDead
	}
	return g.pay(t)
}

// serveTrade does something to the trade of a code and shows it.
func (g *Gateway) serveTrade(w http.ResponseWriter, r *http.Request, do func(*Trade) error) {
	order, found := g.orderOf(r.PathValue("token"))
	if !found {
		g.show(w, r, http.StatusNotFound, "problem", view{Merchant: g.options.Merchant, Problem: "There is no such payment."})
		return
	}
	t, err := g.change(order, do)
	v := g.view(t)
	status := http.StatusOK
	switch {
	case err == nil && r.Method == http.MethodPost && !wantsJSON(r):
		http.Redirect(w, r, r.URL.Path, http.StatusSeeOther)
		return
	case errors.Is(err, ErrDead):
		status, v.Problem = http.StatusGone, "This code has expired."
	case errors.Is(err, ErrClosed):
		status, v.Problem = http.StatusConflict, "This payment is closed."
	case err != nil:
		status, v.Problem = http.StatusInternalServerError, "Something went wrong here."
	}
	g.show(w, r, status, "payment", v)
}

// serveIndex lists the payments, the newest first.
func (g *Gateway) serveIndex(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	list := make([]view, 0, len(g.trades))
	for _, t := range g.trades {
		g.age(t)
		list = append(list, g.view(*t))
	}
	g.mu.Unlock()
	slices.SortFunc(list, func(a, b view) int {
		return strings.Compare(b.ExpiresAt+b.Order, a.ExpiresAt+a.Order)
	})
	list = list[:min(len(list), 200)]
	if wantsJSON(r) {
		g.show(w, r, http.StatusOK, "", list)
		return
	}
	g.show(w, r, http.StatusOK, "index", index{list, g.plan.all()})
}

func (g *Gateway) show(w http.ResponseWriter, r *http.Request, status int, page string, data any) {
	w.Header().Set("Cache-Control", "no-store")
	if wantsJSON(r) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(data)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	w.WriteHeader(status)
	if err := pages.ExecuteTemplate(w, page, data); err != nil {
		g.options.Log.Error("alipay stand-in can't show its page", "error", err)
	}
}

func (g *Gateway) orderOf(token string) (string, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	t, found := g.codes[token]
	if !found {
		return "", false
	}
	return t.OutTradeNo, true
}

func (g *Gateway) view(t Trade) view {
	v := view{
		Merchant: g.options.Merchant, Order: t.OutTradeNo, TradeNo: t.TradeNo, Subject: t.Subject, Amount: yuan(t.TotalAmount),
		Status: t.Status, ExpiresAt: t.ExpiresAt.In(gmt8).Format(time.DateTime), Pay: "/pay/" + t.Token(), Return: t.ReturnURL,
	}
	for _, n := range t.Notices {
		v.Notices += len(n.Sends)
		v.Accepted = v.Accepted || n.Accepted()
	}
	return v
}

func wantsJSON(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/json")
}
