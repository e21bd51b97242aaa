package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/shared/arrears"
	"billingcentre/shared/boot"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/event"
	"billingcentre/shared/metric"
	"billingcentre/shared/unlinking"
)

type handler struct {
	keeper *arrears.Keeper
	clouds *unlinking.Keeper
}

func newHandler(b *boot.Boot) handler {
	books := b.Ledger()
	accounts := &directory.Directory{Store: books.Store, Now: boot.Now}
	return handler{
		keeper: &arrears.Keeper{Ledger: books, Directory: accounts, Log: b.Log, Metrics: &metric.Metrics{}},
		clouds: &unlinking.Keeper{Desk: &cloudlink.Desk{Store: books.Store, Policy: books.Policy, Now: boot.Now}, Directory: accounts, Log: b.Log},
	}
}

// call is what the schedules send, or the bus: an entry that left nothing owed. What is due is told by the journals and our
// own clock, never by an event.
type call struct {
	Duty string `json:"duty"`
	events.EventBridgeEvent
}

func (h handler) handle(ctx context.Context, c call) (arrears.Outcome, error) {
	switch {
	case c.Duty == "arrears":
		out, err := h.keeper.Run(ctx)
		looked, failed := h.clouds.Run(ctx)
		out.Looked += looked
		return out, errors.Join(err, failed)
	case c.Duty == "arrears-patrol":
		return h.keeper.Patrol(ctx)
	case c.Duty == "" && c.Source != "":
		repaid, err := event.Read(c.EventBridgeEvent)
		if err != nil {
			return arrears.Outcome{}, err
		}
		return arrears.Outcome{Looked: 1}, h.keeper.Look(ctx, repaid.Account)
	}
	return arrears.Outcome{}, errors.New(`the event is neither a schedule's, {"duty":"arrears"} or {"duty":"arrears-patrol"}, nor the bus's`)
}
