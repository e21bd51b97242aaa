package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"billingcentre/shared/batch"
	"billingcentre/shared/boot"
	"billingcentre/shared/boot/queue"
	"billingcentre/shared/directory"
	"billingcentre/shared/statement"
)

// slack is the time before the function's end at which no step is begun.
const slack = 10 * time.Second

type handler struct {
	planner *statement.Planner
	log     *slog.Logger
}

func newHandler(b *boot.Boot) handler {
	store := b.Store()
	sender := batch.Sender{Queue: queue.Client(b), QueueURL: b.Env("MONTHLY_BILL_QUEUE_URL")}
	return handler{
		planner: &statement.Planner{Store: store, Directory: &directory.Directory{Store: store, Now: boot.Now}, Send: sender.Send, Now: boot.Now},
		log:     b.Log,
	}
}

// duty is what the schedule sends. Which month is due is told by our own clock and the plan, never by an event.
type duty struct {
	Duty string `json:"duty"`
}

// handle goes on with the plan.
func (h handler) handle(ctx context.Context, event duty) (statement.Plan, error) {
	if event.Duty != "monthly-plan" {
		return statement.Plan{}, errors.New(`the event isn't the plan's schedule's: it must be {"duty":"monthly-plan"}`)
	}
	room := func() bool {
		deadline, limited := ctx.Deadline()
		return !limited || time.Until(deadline) > slack
	}
	plan, err := h.planner.Run(ctx, room)
	h.log.InfoContext(ctx, "monthly plan", "month", plan.Month, "round", plan.Round, "done", plan.Done, "accounts", plan.Accounts, "wished", plan.Wished)
	return plan, err
}
