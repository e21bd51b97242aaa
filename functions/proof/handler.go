package main

import (
	"context"
	"errors"
	"log/slog"

	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/proof"
)

type handler struct {
	auditor *proof.Auditor
	log     *slog.Logger
	metrics *metric.Metrics
}

// duty is what the schedule sends. Which days are due is told by our own clock and proofs, never by an event.
type duty struct {
	Duty string `json:"duty"`
}

// outcome is what one run found, over all days that it looked at.
type outcome struct {
	Proofs int `json:"proofs"` // that are there now
	New    int `json:"new"`    // of them, from this run
	Cases  int `json:"cases"`  // that this run opened
}

// handle proves what is due. A run that fails is reported as failed, and the next one makes up for it.
func (h handler) handle(ctx context.Context, event duty) (outcome, error) {
	if event.Duty != "proof" {
		return outcome{}, errors.New(`the event isn't the proof schedule's: it must be {"duty":"proof"}`)
	}
	var out outcome
	auditor := *h.auditor
	auditor.Found = func(p proof.Proof) {
		out.New++
		out.Cases += len(p.Cases)
		h.log.Info("proof", "source", p.Source, "day", p.Day, "balanced", p.Balanced(), "cases", len(p.Cases),
			"theirs", amount(p, p.Theirs.Net()), "ours", amount(p, p.Ours.Net()))
		if len(p.Cases) > 0 {
			h.metrics.Count("ProofCases", len(p.Cases), "Source", p.Source)
		}
	}
	proofs, err := auditor.Run(ctx)
	out.Proofs = len(proofs)
	return out, err
}

// amount is a signed sum as the log tells it.
func amount(p proof.Proof, minor int64) string {
	if minor < 0 {
		return "-" + money.Of(p.Currency, -minor).String()
	}
	return money.Of(p.Currency, minor).String()
}
