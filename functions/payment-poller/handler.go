package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/metric"
	"billingcentre/shared/payment"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
)

const (
	source  = "payment-poller"
	reserve = 20 * time.Second // of the function's time, in which nothing new is begun: two calls may take 16
)

type handler struct {
	desk       *recharge.Desk
	quarantine *quarantine.Quarantine
	metrics    *metric.Metrics
	log        *slog.Logger
}

// duty is what the schedule sends. What is due is told by our own lists and clock, never by an event.
type duty struct {
	Duty string `json:"duty"`
}

// handle makes one round. What has no answer yet is no failure of the run: it is asked again, and counted.
func (h handler) handle(ctx context.Context, event duty) (recharge.Round, error) {
	if event.Duty != "payments" {
		return recharge.Round{}, errors.New(`the event isn't the payment schedule's: it must be {"duty":"payments"}`)
	}
	watchman := recharge.Watchman{Desk: h.desk, Log: h.log, Case: h.keep, Stuck: func(refund recharge.Refund) {
		h.log.Error("a refund isn't through after a day", "refund", refund.ID, "recharge", refund.Order, "refusals", refund.Refusals, "answer", refund.Answer)
		h.metrics.Count("RefundStuck", 1, "", "")
	}}
	round, err := watchman.Walk(ctx, reserve)
	h.log.Info("payments", "asked", round.Asked, "credited", round.Credited, "over", round.Over, "refunds", round.Refunds,
		"cases", round.Cases, "failed", round.Failed)
	if round.Credited > 0 {
		h.metrics.Count("TopUp", round.Credited, "Channel", h.desk.Channel.Name())
		h.metrics.Count("NoticeMissed", round.Credited, "Channel", h.desk.Channel.Name())
	}
	if round.Failed > 0 {
		h.metrics.Count("PaymentUnknown", round.Failed, "Channel", h.desk.Channel.Name())
	}
	return round, err
}

// keep records for an operator what the provider said about an order. The same word again is the same case.
func (h handler) keep(ctx context.Context, order recharge.Order, trade payment.Trade, unfit *payment.NoticeError) error {
	body, err := json.Marshal(struct {
		Order    string `json:"recharge_id"`
		Trade    string `json:"trade"`
		State    string `json:"state"`
		Total    string `json:"total"`
		Received string `json:"received"`
	}{order.ID, trade.Ref, string(trade.State), trade.Total.String(), trade.Received.String()})
	if err != nil {
		return err
	}
	return h.quarantine.Keep(ctx, quarantine.Message{
		ID: fmt.Sprintf("%s:%s:%s:%s", source, order.ID, trade.Ref, unfit.Reason), Source: source, Kind: unfit.Reason, Detail: unfit.Detail,
		Attributes: map[string]string{"recharge_id": order.ID, "trade": trade.Ref}, Body: body,
	})
}
