package alipay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"
)

// Refund is money of a trade that was sent back.
type Refund struct {
	RequestNo string    `json:"out_request_no"`
	Amount    string    `json:"refund_amount"`
	At        time.Time `json:"at"`
}

// refundPause is how long Alipay wants two refunds of a trade apart.
const refundPause = 3 * time.Second

// refundOrder is what alipay.trade.refund and its query are given.
type refundOrder struct {
	tradeRef
	Amount    amountText `json:"refund_amount"`
	RequestNo string     `json:"out_request_no"`
	Reason    string     `json:"refund_reason"`
}

func readRefund(biz string) (o refundOrder, fen int64, problem *fault) {
	if biz == "" {
		return o, 0, missing("biz-content")
	}
	if err := json.Unmarshal([]byte(biz), &o); err != nil {
		return o, 0, invalid("biz-content")
	}
	fen, counts := minor(string(o.Amount))
	switch {
	case o.Amount != "" && (!counts || fen < 1):
		return o, 0, business("ACQ.INVALID_PARAMETER", "refund_amount breaks its rules")
	case o.RequestNo == "" || len(o.RequestNo) > 64:
		return o, 0, business("ACQ.INVALID_PARAMETER", "out_request_no breaks its rules")
	case utf8.RuneCountInString(o.Reason) > 256:
		return o, 0, business("ACQ.INVALID_PARAMETER", "refund_reason breaks its rules")
	}
	return o, fen, nil
}

// callRefund sends money back: once for each out_request_no, whatever repeats.
func (g *Gateway) callRefund(r request) (map[string]string, *fault) {
	o, fen, problem := readRefund(r.params["biz_content"])
	if problem == nil && o.Amount == "" {
		problem = business("ACQ.INVALID_PARAMETER", "refund_amount is missing")
	}
	if problem != nil {
		return nil, problem
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t, problem := g.find(o.tradeRef)
	if problem != nil {
		return nil, problem
	}
	for _, before := range t.Refunds {
		if before.RequestNo != o.RequestNo {
			continue
		}
		if sent, _ := minor(before.Amount); sent != fen {
			return nil, business("ACQ.INVALID_PARAMETER", "out_request_no was used for another amount")
		}
		return t.refunded("N"), nil
	}
	total, _ := minor(t.TotalAmount)
	now := g.options.Now()
	switch {
	case t.Status != success:
		return nil, business("ACQ.TRADE_STATUS_ERROR", "the trade's status doesn't allow this")
	case t.sentBack()+fen > total:
		return nil, business("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "more than is left")
	case len(t.Refunds) > 0 && now.Sub(t.Refunds[len(t.Refunds)-1].At) < refundPause:
		return nil, business("ACQ.SYSTEM_ERROR", "too soon after the last refund")
	}
	t.Refunds = append(t.Refunds, Refund{RequestNo: o.RequestNo, Amount: yuan(string(o.Amount)), At: now})
	if t.sentBack() == total {
		t.Status, t.ClosedAt = closed, now
	}
	g.tell(t, Notice{Status: t.Status, RefundNo: o.RequestNo, RefundFee: fenText(t.sentBack()), RefundAt: now})
	if err := g.journal.Write(t); err != nil {
		return nil, &fault{Code: "20000", Msg: "Service Currently Unavailable", SubCode: "isp.unknow-error", SubMsg: "system busy"}
	}
	return t.refunded("Y"), nil
}

func (t *Trade) refunded(moved string) map[string]string {
	return map[string]string{
		"out_trade_no": t.OutTradeNo, "trade_no": t.TradeNo, "buyer_user_id": t.BuyerID, "refund_fee": fenText(t.sentBack()), "fund_change": moved,
	}
}

// sentBack is all that was refunded, in fen.
func (t *Trade) sentBack() (fen int64) {
	for _, r := range t.Refunds {
		sent, _ := minor(r.Amount)
		fen += sent
	}
	return fen
}

func fenText(fen int64) string { return fmt.Sprintf("%d.%02d", fen/100, fen%100) }

// callRefundQuery tells of one refund; of one that isn't there it says 10000, and nothing else.
func (g *Gateway) callRefundQuery(r request) (map[string]string, *fault) {
	o, _, problem := readRefund(r.params["biz_content"])
	if problem != nil {
		return nil, problem
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	t, problem := g.find(o.tradeRef)
	if problem != nil {
		return nil, problem
	}
	for _, sent := range t.Refunds {
		if sent.RequestNo == o.RequestNo {
			return map[string]string{
				"out_trade_no": t.OutTradeNo, "trade_no": t.TradeNo, "out_request_no": o.RequestNo, "refund_amount": sent.Amount,
				"total_amount": yuan(t.TotalAmount), "refund_status": "REFUND_SUCCESS",
			}, nil
		}
	}
	return map[string]string{}, nil
}

const pagePay = "alipay.trade.page.pay"

// servePagePay takes a payer's browser to the page of its order.
func (g *Gateway) servePagePay(w http.ResponseWriter, r *http.Request, params map[string]string) *fault {
	order, problem := readPrecreate(fastInstant, params["biz_content"], params["notify_url"], g.Credentials().SellerID, g.options.Now())
	if problem == nil && params["return_url"] != "" && !strings.HasPrefix(params["return_url"], "http") {
		problem = business("ACQ.INVALID_PARAMETER", "return_url breaks its rules")
	}
	if problem != nil {
		return problem
	}
	t, problem := g.precreate(order, params["biz_content"]+"\n"+params["notify_url"], params["notify_url"], params["return_url"])
	if problem != nil {
		return problem
	}
	http.Redirect(w, r, "/pay/"+t.Token(), http.StatusFound)
	return nil
}

// PayTwice lets somebody pay a paid order a second time, by another trade: it shouldn't be possible, and has happened.
func (g *Gateway) PayTwice(outTradeNo string) (Trade, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	first, found := g.trades[outTradeNo]
	if !found || first.PaidAt.IsZero() {
		return Trade{}, ErrNoCode
	}
	now := g.options.Now()
	second := &Trade{
		OutTradeNo: outTradeNo, Twin: 2, TradeNo: now.In(gmt8).Format("20060102") + "2200" + digits(16), Tokens: []string{"bax" + token()},
		Subject: first.Subject, TotalAmount: first.TotalAmount, NotifyURL: first.NotifyURL, Status: success, CreatedAt: now, ExpiresAt: first.ExpiresAt,
		PaidAt: now, BuyerID: first.BuyerID,
	}
	g.tell(second, Notice{Status: success})
	g.keep(second)
	return second.copy(), g.journal.Write(second)
}

// Trades are copies of all trades, second payments among them.
func (g *Gateway) Trades() []Trade {
	g.mu.Lock()
	defer g.mu.Unlock()
	var all []Trade
	for _, t := range g.trades {
		all = append(all, t.copy())
	}
	return all
}
