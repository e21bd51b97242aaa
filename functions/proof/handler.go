package main

import (
	"context"

	"billingcentre/shared/proof"
)

// handler proves what is due, when this function's schedule fires.
type handler struct{ proof.Mornings }

func (h handler) handle(ctx context.Context, event proof.Duty) (proof.Outcome, error) {
	return h.Handle(ctx, event)
}
