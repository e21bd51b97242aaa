package counter

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

// RoundSource is where cases that the poller keeps come from.
const RoundSource = "payment-poller"

const reserve = 20 * time.Second // of the function's time, in which nothing new is begun: two calls may take 16

// Rounds is what the function payment-poller does each time the schedule fires.
type Rounds struct {
	Desk       *recharge.Desk
	Quarantine *quarantine.Quarantine
	Metrics    *metric.Metrics
	Log        *slog.Logger
}

// Duty is what the schedule sends. What is due is told by our own lists and clock, never by an event.
type Duty struct {
	Duty string `json:"duty"`
}

// Handle makes one round. What has no answer yet is no failure of the run: it is asked again, and counted.
func (h Rounds) Handle(ctx context.Context, event Duty) (recharge.Round, error) {
	if event.Duty != "payments" {
		return recharge.Round{}, errors.New(`the event isn't the payment schedule's: it must be {"duty":"payments"}`)
	}
	watchman := recharge.Watchman{Desk: h.Desk, Log: h.Log, Case: h.keep, Stuck: func(refund recharge.Refund) {
		h.Log.Error("a refund isn't through after a day", "refund", refund.ID, "recharge", refund.Order, "refusals", refund.Refusals, "answer", refund.Answer)
		h.Metrics.Count("RefundStuck", 1, "", "")
	}}
	round, err := watchman.Walk(ctx, reserve)
	h.Log.Info("payments", "asked", round.Asked, "credited", round.Credited, "over", round.Over, "refunds", round.Refunds,
		"cases", round.Cases, "failed", round.Failed)
	if round.Credited > 0 {
		h.Metrics.Count("TopUp", round.Credited, "Channel", h.Desk.Channel.Name())
		h.Metrics.Count("NoticeMissed", round.Credited, "Channel", h.Desk.Channel.Name())
	}
	if round.Failed > 0 {
		h.Metrics.Count("PaymentUnknown", round.Failed, "Channel", h.Desk.Channel.Name())
	}
	return round, err
}

// keep records for an operator what the provider said about an order. The same word again is the same case.
func (h Rounds) keep(ctx context.Context, order recharge.Order, trade payment.Trade, unfit *payment.NoticeError) error {
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
	return h.Quarantine.Keep(ctx, quarantine.Message{
		ID: fmt.Sprintf("%s:%s:%s:%s", RoundSource, order.ID, trade.Ref, unfit.Reason), Source: RoundSource, Kind: unfit.Reason, Detail: unfit.Detail,
		Attributes: map[string]string{"recharge_id": order.ID, "trade": trade.Ref}, Body: body,
	})
}
