package alipay

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"time"
)

// Statuses of a trade. Empty means that the code was made but nobody has opened it.
const (
	waiting = "WAIT_BUYER_PAY"
	success = "TRADE_SUCCESS"
	closed  = "TRADE_CLOSED"

	finished = "TRADE_FINISHED" // in notices only: the refund window is over
)

const (
	codeLife  = 2 * time.Hour
	tradeLife = 3 * time.Hour // when neither time_expire nor timeout_express is given
)

// Trade is a payment as the stand-in keeps it.
type Trade struct {
	OutTradeNo  string    `json:"out_trade_no"`
	TradeNo     string    `json:"trade_no,omitempty"` // from the scan on
	Tokens      []string  `json:"tokens"`             // of the codes made so far; the last is the one that counts
	CodeDies    time.Time `json:"code_dies"`
	Asked       string    `json:"asked"` // the parameters of precreate, to compare a repeat with
	Subject     string    `json:"subject"`
	TotalAmount string    `json:"total_amount"`
	NotifyURL   string    `json:"notify_url,omitempty"`
	Status      string    `json:"status,omitempty"`
	CreatedAt   time.Time `json:"created_at"` // of the trade, not of the code
	ExpiresAt   time.Time `json:"expires_at"`
	PaidAt      time.Time `json:"paid_at"`
	ClosedAt    time.Time `json:"closed_at"`
	BuyerID     string    `json:"buyer_id,omitempty"`
	Notices     []Notice  `json:"notices,omitempty"`
	Refunds     []Refund  `json:"refunds,omitempty"`
	ReturnURL   string    `json:"return_url,omitempty"` // of page.pay
	Twin        int       `json:"twin,omitempty"`       // 2 for the second payment of an order
}

// key is the trade's place among all: an order may have been paid twice.
func (t *Trade) key() string {
	if t.Twin == 0 {
		return t.OutTradeNo
	}
	return fmt.Sprintf("%s#%d", t.OutTradeNo, t.Twin)
}

// Token is the one in the code that can be paid.
func (t *Trade) Token() string { return t.Tokens[len(t.Tokens)-1] }

func (t *Trade) copy() Trade {
	c := *t
	c.Tokens = slices.Clone(t.Tokens)
	c.Notices = slices.Clone(t.Notices)
	c.Refunds = slices.Clone(t.Refunds)
	for i := range c.Notices {
		c.Notices[i].Sends = slices.Clone(c.Notices[i].Sends)
	}
	return c
}

// age closes a trade whose time is over. The caller holds the lock.
func (g *Gateway) age(t *Trade) {
	if t.Status == waiting && !g.options.Now().Before(t.ExpiresAt) {
		g.shut(t, t.ExpiresAt)
	}
}

// shut closes an unpaid trade and has it told. The caller holds the lock.
func (g *Gateway) shut(t *Trade, at time.Time) {
	t.Status, t.ClosedAt = closed, at
	g.tell(t, Notice{Status: closed})
}

// tell owes the app a notice, from now on.
func (g *Gateway) tell(t *Trade, n Notice) {
	if t.NotifyURL == "" {
		return
	}
	n.NextAt = g.options.Now()
	n.ID = n.NextAt.In(gmt8).Format("20060102") + digits(24)
	t.Notices = append(t.Notices, n)
	g.nudge()
}

// scan makes the trade exist. The caller holds the lock.
func (g *Gateway) scan(t *Trade) error {
	now := g.options.Now()
	switch {
	case t.Status == closed:
		return ErrClosed
	case t.Status != "":
		return nil
	case !now.Before(t.CodeDies) || !now.Before(t.ExpiresAt):
		return ErrDead
	}
	t.Status, t.CreatedAt = waiting, now
	t.TradeNo = now.In(gmt8).Format("20060102") + "2200" + digits(16)
	t.BuyerID = "2088" + digits(12)
	return nil
}

// pay takes the money and has it told. The caller holds the lock.
func (g *Gateway) pay(t *Trade) error {
	if t.Status == success {
		return nil
	}
	if err := g.scan(t); err != nil {
		return err
	}
	t.Status, t.PaidAt = success, g.options.Now()
	g.tell(t, Notice{Status: success})
	return nil
}

// precreate makes a code for an order, or gives the same one again. It returns the fault that Alipay would.
func (g *Gateway) precreate(order precreateOrder, asked, notifyURL, returnURL string) (Trade, *fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.options.Now()
	t, found := g.trades[order.OutTradeNo]
	switch {
	case !found:
		t = &Trade{
			OutTradeNo: order.OutTradeNo, Asked: asked, Subject: order.Subject, TotalAmount: string(order.TotalAmount),
			NotifyURL: notifyURL, ReturnURL: returnURL, ExpiresAt: order.expires(now),
		}
	case t.Asked != asked:
		return Trade{}, business("ACQ.CONTEXT_INCONSISTENT", "out_trade_no was used with other parameters")
	}
	g.age(t)
	switch {
	case t.Status == success:
		return Trade{}, business("ACQ.TRADE_HAS_SUCCESS", "the trade is already paid")
	case t.Status == closed:
		return Trade{}, business("ACQ.TRADE_HAS_CLOSE", "the trade is closed")
	}
	if !found || !now.Before(t.CodeDies) {
		t.Tokens = append(t.Tokens, "bax"+token())
		t.CodeDies = now.Add(codeLife)
		if t.ExpiresAt.Before(t.CodeDies) {
			t.CodeDies = t.ExpiresAt
		}
	}
	if err := g.journal.Write(t); err != nil {
		return Trade{}, &fault{Code: "20000", SubCode: "isp.unknow-error", SubMsg: "system busy"}
	}
	g.keep(t)
	return t.copy(), nil
}

// find returns the trade that a query or close names, if the payer has made it exist. The caller
// holds the lock.
func (g *Gateway) find(ref tradeRef) (*Trade, *fault) {
	if ref.OutTradeNo == "" && ref.TradeNo == "" {
		return nil, business("ACQ.INVALID_PARAMETER", "out_trade_no or trade_no is needed")
	}
	t := g.trades[ref.OutTradeNo]
	if ref.TradeNo != "" { // it wins when both are given
		t = nil
		for _, other := range g.trades {
			if other.TradeNo == ref.TradeNo {
				t = other
			}
		}
	}
	if t != nil && t.Status != "" {
		g.age(t)
		return t, nil
	}
	return nil, business("ACQ.TRADE_NOT_EXIST", "the trade doesn't exist")
}

// digits makes a random number of n digits.
func digits(n int) string {
	most := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
	number, err := rand.Int(rand.Reader, most)
	if err != nil {
		panic(err) // crypto/rand doesn't fail on the systems that Go supports
	}
	return fmt.Sprintf("%0*d", n, number)
}

// token makes the unguessable part of a code.
func token() string { return rand.Text() }

// amountText is an amount as a JSON string or number, kept as it was written.
type amountText string

// UnmarshalJSON implements json.Unmarshaler.
func (a *amountText) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, (*string)(a))
	}
	*a = amountText(text)
	return nil
}
