package proof

import (
	"context"
	"errors"
	"log/slog"

	"billingcentre/shared/metric"
	"billingcentre/shared/money"
)

// Mornings is what the function proof does each time the schedule fires.
type Mornings struct {
	Auditor *Auditor
	Log     *slog.Logger
	Metrics *metric.Metrics
}

// Duty is what the schedule sends. Which days are due is told by our own clock and proofs, never by an event.
type Duty struct {
	Duty string `json:"duty"`
}

// Outcome is what one run found, over all days that it looked at.
type Outcome struct {
	Proofs int `json:"proofs"` // that are there now
	New    int `json:"new"`    // of them, from this run
	Cases  int `json:"cases"`  // that this run opened
}

// Handle proves what is due. A run that fails is reported as failed, and the next one makes up for it.
func (h Mornings) Handle(ctx context.Context, event Duty) (Outcome, error) {
	if event.Duty != "proof" {
		return Outcome{}, errors.New(`the event isn't the proof schedule's: it must be {"duty":"proof"}`)
	}
	var out Outcome
	auditor := *h.Auditor
	auditor.Found = func(p Proof) {
		out.New++
		out.Cases += len(p.Cases)
		h.Log.Info("proof", "source", p.Source, "day", p.Day, "balanced", p.Balanced(), "cases", len(p.Cases),
			"theirs", amount(p, p.Theirs.Net()), "ours", amount(p, p.Ours.Net()))
		if len(p.Cases) > 0 {
			h.Metrics.Count("ProofCases", len(p.Cases), "Source", p.Source)
		}
	}
	proofs, err := auditor.Run(ctx)
	out.Proofs = len(proofs)
	if err == nil {
		h.Metrics.Count("ProofRan", 1, "", "") // an alarm rings when it doesn't come
	}
	return out, err
}

// amount is a signed sum as the log tells it.
func amount(p Proof, minor int64) string {
	if minor < 0 {
		return "-" + money.Of(p.Currency, -minor).String()
	}
	return money.Of(p.Currency, minor).String()
}
