package main

import (
	"context"

	"billingcentre/shared/counter"
	"billingcentre/shared/recharge"
)

// handler is the counter's round, when this function's schedule fires.
type handler struct{ counter.Rounds }

func (h handler) handle(ctx context.Context, event counter.Duty) (recharge.Round, error) {
	return h.Handle(ctx, event)
}
