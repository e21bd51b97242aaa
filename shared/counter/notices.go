package counter

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"

	"billingcentre/shared/api"
	"billingcentre/shared/metric"
	"billingcentre/shared/payment"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
	"billingcentre/shared/refusal"
)

// NoticeSource is where quarantined notices come from.
const NoticeSource = "alipay-notices"

// Notices is what the function payment-callback does with a provider's notices.
type Notices struct {
	Channel    payment.Channel
	Desk       *recharge.Desk
	Quarantine *quarantine.Quarantine
	Metrics    *metric.Metrics
	Log        *slog.Logger
}

// Notice proves first, with no call and no read, and acts then. It tells the provider "accepted" only when the effect,
// or the record for an operator, is durable; anything else makes the provider send it again.
func (h Notices) Notice(ctx context.Context, r *api.Request) (api.Response, error) {
	notice, err := h.Channel.VerifyNotice(payment.Delivery{Header: r.Header, Body: r.Body})
	if err == nil {
		err = h.act(ctx, notice)
	}
	var unfit *payment.NoticeError
	switch {
	case err == nil:
		return h.reply(true), nil
	case payment.Quarantined(err) && errors.As(err, &unfit):
		fields := unfit.Fields
		if fields == nil {
			fields = notice.Fields
		}
		return h.keep(ctx, unfit.Reason, unfit.Detail, r.Body, fields)
	case errors.As(err, &unfit):
		h.Metrics.Count("NoticeRefused", 1, "Reason", unfit.Reason)
		return h.reply(false), nil
	case refusal.Is(err, refusal.NotFound):
		return h.keep(ctx, "unknown_order", "It is genuine, but names no recharge order of ours.", r.Body, notice.Fields)
	case retryable(err):
		h.Log.Warn("notice not booked yet", "error", err.Error())
		return h.reply(false), nil
	case refusal.As(err) != nil:
		return h.keep(ctx, "not_bookable", refusal.As(err).Detail, r.Body, notice.Fields)
	}
	h.Log.Error("notice", "error", err.Error())
	return h.reply(false), nil
}

// act does what a proven notice means for its order, and counts what it credited.
func (h Notices) act(ctx context.Context, notice payment.Notice) error {
	credited, err := h.Desk.Heed(ctx, notice)
	if credited {
		h.Metrics.Count("TopUp", 1, "Channel", h.Channel.Name())
	}
	return err
}

// keep records what is genuine but can't be booked, and accepts it only then.
func (h Notices) keep(ctx context.Context, reason, detail string, body []byte, fields map[string]string) (api.Response, error) {
	err := h.Quarantine.Keep(ctx, quarantine.Message{
		ID: fmt.Sprintf("%s:%x", NoticeSource, sha256.Sum256(body)), Source: NoticeSource, Kind: reason, Detail: detail, Attributes: fields, Body: body,
	})
	if err != nil {
		h.Log.Error("notice not kept", "reason", reason, "error", err.Error())
		return h.reply(false), nil
	}
	return h.reply(true), nil
}

func (h Notices) reply(accepted bool) api.Response {
	reply := h.Channel.Reply(accepted)
	return api.Response{Status: reply.Status, Body: api.Raw{ContentType: reply.ContentType, Bytes: []byte(reply.Body)}}
}

// retryable tells the refusals that the same notice may not meet again.
func retryable(err error) bool {
	return refusal.Is(err, refusal.Contended) || refusal.Is(err, refusal.Throttled) || refusal.Is(err, refusal.Unavailable)
}
