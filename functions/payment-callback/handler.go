package main

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

const source = "alipay-notices"

type handler struct {
	channel    payment.Channel
	desk       *recharge.Desk
	quarantine *quarantine.Quarantine
	metrics    *metric.Metrics
	log        *slog.Logger
}

func (h handler) routes() []api.Route {
	return []api.Route{{Key: "POST /v1/payments/alipay/notices", Handle: h.notice}}
}

// notice proves first, with no call and no read, and acts then. It tells the provider "accepted" only when the effect,
// or the record for an operator, is durable; anything else makes the provider send it again.
func (h handler) notice(ctx context.Context, r *api.Request) (api.Response, error) {
	notice, err := h.channel.VerifyNotice(payment.Delivery{Header: r.Header, Body: r.Body})
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
		h.metrics.Count("NoticeRefused", 1, "Reason", unfit.Reason)
		return h.reply(false), nil
	case refusal.Is(err, refusal.NotFound):
		return h.keep(ctx, "unknown_order", "It is genuine, but names no recharge order of ours.", r.Body, notice.Fields)
	case retryable(err):
		h.log.Warn("notice not booked yet", "error", err.Error())
		return h.reply(false), nil
	case refusal.As(err) != nil:
		return h.keep(ctx, "not_bookable", refusal.As(err).Detail, r.Body, notice.Fields)
	}
	h.log.Error("notice", "error", err.Error())
	return h.reply(false), nil
}

// act does what a proven notice means for its order, and counts what it credited.
func (h handler) act(ctx context.Context, notice payment.Notice) error {
	credited, err := h.desk.Heed(ctx, notice)
	if credited {
		h.metrics.Count("TopUp", 1, "Channel", h.channel.Name())
	}
	return err
}

// keep records what is genuine but can't be booked, and accepts it only then.
func (h handler) keep(ctx context.Context, reason, detail string, body []byte, fields map[string]string) (api.Response, error) {
	err := h.quarantine.Keep(ctx, quarantine.Message{
		ID: fmt.Sprintf("%s:%x", source, sha256.Sum256(body)), Source: source, Kind: reason, Detail: detail, Attributes: fields, Body: body,
	})
	if err != nil {
		h.log.Error("notice not kept", "reason", reason, "error", err.Error())
		return h.reply(false), nil
	}
	return h.reply(true), nil
}

func (h handler) reply(accepted bool) api.Response {
	reply := h.channel.Reply(accepted)
	return api.Response{Status: reply.Status, Body: api.Raw{ContentType: reply.ContentType, Bytes: []byte(reply.Body)}}
}

// retryable tells the refusals that the same notice may not meet again.
func retryable(err error) bool {
	return refusal.Is(err, refusal.Contended) || refusal.Is(err, refusal.Throttled) || refusal.Is(err, refusal.Unavailable)
}
