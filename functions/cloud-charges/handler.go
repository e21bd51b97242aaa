package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"billingcentre/shared/charge"
	"billingcentre/shared/metric"
)

// reserve is the function's time in which nothing new is begun: one call may take eight seconds, and its outcome must
// still be written down.
const reserve = 20 * time.Second

const hands = 8 // customers whose charges are gathered at once, and outcomes that are written down

type handler struct {
	desk    *charge.Desk
	metrics *metric.Metrics
	log     *slog.Logger
}

// duty is what the schedule sends. What is due is told by our own lists and clock, never by an event.
type duty struct {
	Duty string `json:"duty"`
}

// handle makes one round. What has no answer yet is no failure of the run: the same is sent again.
func (h handler) handle(ctx context.Context, event duty) (charge.Round, error) {
	if event.Duty != "cloud-charges" {
		return charge.Round{}, errors.New(`the event isn't the schedule's: it must be {"duty":"cloud-charges"}`)
	}
	round, err := h.desk.Run(ctx, reserve)
	h.log.InfoContext(ctx, "cloud charges", "gathered", round.Gathered, "sent", round.Sent, "accepted", round.Accepted, "cases", round.Cases,
		"waiting", round.Waiting, "released", round.Released, "failed", round.Failed, "aside", round.Aside)
	for name, n := range map[string]int{
		"CloudRecordsAccepted": round.Accepted, "CloudChargeCases": round.Cases, "CloudRecordsWaiting": round.Waiting,
		"CloudChargesUnreadable": round.Aside,
	} {
		if n > 0 {
			h.metrics.Count(name, n, "", "")
		}
	}
	return round, err
}
