package alipay

import (
	"cmp"
	"context"
	"errors"

	sdk "github.com/smartwalle/alipay/v3"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
)

var (
	_ payment.Closer   = (*Channel)(nil)
	_ payment.Cashier  = (*Channel)(nil)
	_ payment.Finder   = (*Channel)(nil)
	_ payment.Refunder = (*Channel)(nil)
)

// Close implements payment.Closer (alipay.trade.close).
func (c *Channel) Close(ctx context.Context, orderID string) error {
	if !orderIDForm().MatchString(orderID) {
		return &payment.OrderError{Field: "id", Rule: idRule}
	}
	var answer struct {
		verdict
		OutTradeNo string `json:"out_trade_no"`
	}
	err := c.call(ctx, sdk.NewPayload("alipay.trade.close").AddBizField("out_trade_no", orderID), &answer)
	if err == nil && answer.OutTradeNo != orderID {
		return unknown("close", "the answer is about another order")
	}
	return err
}

// Page implements payment.Cashier (alipay.trade.page.pay): a signed address, which the payer's browser opens. The trade
// exists once the payer has logged in there. It makes a call only while our own key is being changed.
func (c *Channel) Page(ctx context.Context, order payment.Order, returnURL string) (payment.Checkout, error) {
	subject, err := checkOrder(order, c.now())
	if err != nil {
		return payment.Checkout{}, err
	}
	request := sdk.NewPayload("alipay.trade.page.pay").
		AddParam("notify_url", c.notifyURL).
		AddParam("return_url", returnURL).
		AddBizField("out_trade_no", order.ID).
		AddBizField("total_amount", order.Amount.String()).
		AddBizField("subject", subject).
		AddBizField("product_code", "FAST_INSTANT_TRADE_PAY").
		AddBizField("time_expire", order.ExpiresAt.In(gmt8).Format(timeForm))
	p := c.pins.Load()
	if len(p.keys.apps) > 1 {
		// While our key changes, some call has to find out which one is taken: the payer's browser can't try the other.
		if _, err := c.Query(ctx, order.ID); errors.Is(err, payment.ErrUnknownOutcome) {
			return payment.Checkout{}, err
		}
	}
	page, err := p.clients[p.trusted.Load()].BuildURL(request) // signed with the key that Alipay took last
	if err != nil {
		return payment.Checkout{}, errors.New("alipay: the page's address can't be signed")
	}
	return payment.Checkout{Content: page.String(), ExpiresAt: order.ExpiresAt}, nil
}

// Find implements payment.Finder (alipay.trade.query by trade_no).
func (c *Channel) Find(ctx context.Context, ref string) (payment.Trade, error) {
	if !tradeRefForm().MatchString(ref) {
		return payment.Trade{}, &payment.Refused{Channel: name, Code: "not asked", Message: "it isn't a trade number", Meaning: payment.ErrNoTrade}
	}
	var answer tradeAnswer
	if err := c.call(ctx, sdk.NewPayload("alipay.trade.query").AddBizField("trade_no", ref), &answer); err != nil {
		return payment.Trade{}, err
	}
	if answer.TradeNo != ref || !orderIDForm().MatchString(answer.OutTradeNo) {
		return payment.Trade{}, unknown("query", "the answer is about another trade")
	}
	return answer.trade()
}

// Refund implements payment.Refunder (alipay.trade.refund). A 10000 says that Alipay took it; only fund_change=Y says that
// the money moved, and a repeat of a refund that is through says N: QueryRefund tells then.
func (c *Channel) Refund(ctx context.Context, refund payment.Refund) (payment.RefundState, error) {
	if err := checkRefund(refund); err != nil {
		return "", err
	}
	request := sdk.NewPayload("alipay.trade.refund").
		AddBizField("trade_no", refund.Ref).
		AddBizField("refund_amount", refund.Amount.String()).
		AddBizField("out_request_no", refund.ID).
		AddBizField("refund_reason", cmp.Or(cleanSubject(refund.Reason), "refund"))
	var answer struct {
		verdict
		TradeNo    string `json:"trade_no"`
		FundChange string `json:"fund_change"`
	}
	if err := c.call(ctx, request, &answer); err != nil {
		return "", err
	}
	switch {
	case answer.TradeNo != refund.Ref:
		return "", unknown("refund", "the answer is about another trade")
	case answer.FundChange == "Y":
		return payment.RefundDone, nil
	}
	return payment.RefundWaiting, nil
}

// QueryRefund implements payment.Refunder (alipay.trade.fastpay.refund.query). Alipay answers with 10000 and no status
// for a refund that it doesn't know, or that failed.
func (c *Channel) QueryRefund(ctx context.Context, refund payment.Refund) (payment.RefundState, error) {
	if err := checkRefund(refund); err != nil {
		return "", err
	}
	request := sdk.NewPayload("alipay.trade.fastpay.refund.query").
		AddBizField("trade_no", refund.Ref).
		AddBizField("out_request_no", refund.ID)
	var answer struct {
		verdict
		TradeNo      string `json:"trade_no"`
		OutRequestNo string `json:"out_request_no"`
		RefundAmount string `json:"refund_amount"`
		RefundStatus string `json:"refund_status"`
	}
	if err := c.call(ctx, request, &answer); err != nil {
		return "", err
	}
	switch {
	case answer.RefundStatus == "" && answer.RefundAmount == "":
		return payment.RefundNone, nil
	case answer.TradeNo != refund.Ref || answer.OutRequestNo != refund.ID:
		return "", unknown("refund query", "the answer is about another refund")
	case answer.RefundStatus != "" && answer.RefundStatus != "REFUND_SUCCESS":
		return payment.RefundWaiting, nil
	}
	sent, err := money.Parse("/refund_amount", answer.RefundAmount, money.CNY)
	if err != nil || sent != refund.Amount {
		return "", unknown("refund query", "it says %.32q, %s was asked for", answer.RefundAmount, refund.Amount)
	}
	if answer.RefundStatus == "" {
		return payment.RefundWaiting, nil
	}
	return payment.RefundDone, nil
}

func checkRefund(r payment.Refund) error {
	switch {
	case !orderIDForm().MatchString(r.ID):
		return &payment.OrderError{Field: "id", Rule: idRule}
	case !tradeRefForm().MatchString(r.Ref):
		return &payment.OrderError{Field: "trade", Rule: "must be a trade number"}
	case r.Amount.Currency() != money.CNY || !r.Amount.IsPositive():
		return &payment.OrderError{Field: "amount", Rule: "must be above 0.00 CNY"}
	}
	return nil
}
