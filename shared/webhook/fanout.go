package webhook

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/batch"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Step is the message by which a delivery comes to its next attempt.
type Step struct {
	Account  wallet.AccountID `json:"account_id"`
	Endpoint string           `json:"webhook_id"`
	Delivery string           `json:"delivery_id"`
	Step     int              `json:"step"` // the delivery's, when it may be taken
	Due      time.Time        `json:"due"`
}

// Queue takes steps. The courier reads it.
type Queue interface {
	Send(ctx context.Context, steps ...Step) error
}

// Steps is a queue of steps at SQS. A step that is due later than a queue can hold it back comes earlier: the courier lets
// it wait on.
type Steps struct {
	Sender batch.Sender
	Now    func() time.Time
}

// Send implements Queue.
func (q Steps) Send(ctx context.Context, steps ...Step) error {
	drafts := make([]batch.Draft, len(steps))
	for i, step := range steps {
		text, err := json.Marshal(step, json.Deterministic(true))
		if err != nil {
			return err
		}
		// Up to the next second: a step that came early would be sent once more.
		drafts[i] = batch.Draft{Body: string(text), Group: step.Endpoint, Delay: max(0, step.Due.Sub(q.Now())+time.Second-1)}
		if step.Due.Sub(q.Now()) <= 0 {
			drafts[i].Delay = 0
		}
	}
	return q.Sender.SendDrafts(ctx, drafts)
}

// Fanout turns events into deliveries.
type Fanout struct {
	Store ledger.Store
	Queue Queue
	Now   func() time.Time
}

// Work takes a batch of the queue that the bus sends to. Endpoints are read once for all events of an account.
func (f *Fanout) Work(ctx context.Context, b *batch.Batch) {
	told := make([]event.Event, len(b.Messages))
	var keys []ledger.DocumentKey
	for i, m := range b.Messages {
		e, err := event.ReadMessage([]byte(m.Body))
		if err != nil {
			m.Finish(refusal.At("", "must be an event of the centre: %s", err))
			continue
		}
		told[i], keys = e, append(keys, endpointsKey(e.Account))
	}
	found, err := f.Store.Documents(ctx, keys...)
	for i, m := range b.Messages {
		if told[i].Key == "" || !b.Room() {
			continue
		}
		if err == nil {
			m.Finish(f.one(ctx, told[i], found[endpointsKey(told[i].Account)]))
		} else {
			m.Finish(err)
		}
	}
}

// one makes the deliveries of an event. An event that comes again finds them made, and those that nobody has begun are
// sent once more, since whoever made them may have died before that.
func (f *Fanout) one(ctx context.Context, e event.Event, document ledger.Document) error {
	if document.Version == 0 {
		return nil
	}
	all, err := ledger.Body[endpoints](document)
	if err != nil {
		return err
	}
	var steps []Step
	for _, to := range all.Endpoints {
		if !to.wants(e.Name) {
			continue
		}
		d := newDelivery(e.Account, to.ID, e.Name, e.Key, f.Now().UTC().Truncate(time.Millisecond))
		err := f.Store.Put(ctx, d.fresh())
		if errors.Is(err, ledger.ErrStale) {
			d, _, err = ledger.Read[Delivery](ctx, f.Store, deliveryKey(d.ID))
		}
		if err != nil {
			return err
		}
		if d.Status == Pending && d.Step == 0 {
			steps = append(steps, d.message())
		}
	}
	if len(steps) == 0 {
		return nil
	}
	return f.Queue.Send(ctx, steps...)
}
