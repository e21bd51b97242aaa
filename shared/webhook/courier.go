package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"billingcentre/shared/api"
	"billingcentre/shared/batch"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	// posters is how many endpoints are posted to at once; each gets one post at a time.
	posters = 10
	// catchUp is how soon a step that is ahead of its delivery is looked at again, and staleAfter how long it is: then
	// whoever sent it has died, and the step before it has been taken again.
	catchUp    = 15 * time.Second
	staleAfter = 15 * time.Minute
	// longestFailing is how long deliveries may die, one after the other, before their endpoint is disabled.
	longestFailing = 5 * 24 * time.Hour
)

// Courier takes deliveries to their endpoints, one attempt a message.
type Courier struct {
	Store   ledger.Store
	Queue   Queue
	Client  *http.Client
	Signer  Signer
	Metrics *metric.Metrics
	Log     *slog.Logger
	Now     func() time.Time

	breaker breaker
}

func (c *Courier) now() time.Time { return c.Now().UTC().Truncate(time.Millisecond) }

// Work takes a batch of steps. Endpoints are served side by side, each one's steps one after the other, so that one
// that is slow takes one place of ten, and rests when it doesn't answer.
func (c *Courier) Work(ctx context.Context, b *batch.Batch) {
	var order []string
	byEndpoint := map[string][]func(){}
	for _, m := range b.Messages {
		var step Step
		if err := api.Strict([]byte(m.Body), &step); err != nil {
			m.Finish(err)
			continue
		}
		if byEndpoint[step.Endpoint] == nil {
			order = append(order, step.Endpoint)
		}
		byEndpoint[step.Endpoint] = append(byEndpoint[step.Endpoint], func() {
			if b.Room() {
				m.Finish(c.one(ctx, step, m.SentAt))
			}
		})
	}
	var group errgroup.Group
	group.SetLimit(posters)
	for _, endpoint := range order {
		group.Go(func() error {
			for _, work := range byEndpoint[endpoint] {
				work()
			}
			return nil
		})
	}
	group.Wait() //nolint:errcheck // each message has its own outcome
}

// one takes a step, or finds that it isn't to be taken (now, or any more).
func (c *Courier) one(ctx context.Context, step Step, sent time.Time) error {
	now, keys := c.now(), []ledger.DocumentKey{deliveryKey(step.Delivery)}
	early := c.Now().Before(step.Due)
	if !early {
		keys = append(keys, endpointsKey(step.Account))
	}
	found, err := c.Store.Documents(ctx, keys...)
	if err != nil {
		return err
	}
	document, there := found[deliveryKey(step.Delivery)]
	if !there {
		return refusal.Of(refusal.NotFound, "There is no delivery %s.", step.Delivery)
	}
	d, err := ledger.Body[Delivery](document)
	switch {
	case err != nil:
		return err
	case d.Step > step.Step: // taken before
		return nil
	case d.Step < step.Step && now.Sub(sent) < staleAfter:
		return &refusal.Refusal{Kind: refusal.TooEarly, Detail: "The step before isn't recorded yet.", RetryAfter: int(catchUp / time.Second)}
	case d.Step < step.Step || d.Status != Pending:
		return nil
	case early:
		return c.wait(ctx, document, d)
	}
	to, enabled, err := endpointOf(found[endpointsKey(step.Account)], d.Endpoint)
	if err != nil {
		return err
	}
	if !enabled {
		return c.record(ctx, document, d.skipped(now))
	}
	return c.attempt(ctx, document, d, to)
}

// wait lets a delivery wait on, since a queue holds no message back for longer than a quarter of an hour. It is a step
// as any other: were it none, each wait whose message comes twice would make two messages of one, and those four.
func (c *Courier) wait(ctx context.Context, document ledger.Document, d Delivery) error {
	d.Step++
	if err := c.Queue.Send(ctx, d.message()); err != nil {
		return err
	}
	return c.record(ctx, document, d)
}

// endpointOf is a delivery's endpoint; enabled is false when nothing may go there (any more).
func endpointOf(document ledger.Document, id string) (to Endpoint, enabled bool, err error) {
	if document.Version == 0 {
		return Endpoint{}, false, nil
	}
	all, err := ledger.Body[endpoints](document)
	if err != nil {
		return Endpoint{}, false, err
	}
	at, err := all.find(id)
	if err != nil {
		return Endpoint{}, false, nil //nolint:nilerr // removed
	}
	return all.Endpoints[at], all.Endpoints[at].Enabled, nil
}

// skipped is the delivery that is cancelled without an attempt.
func (d Delivery) skipped(now time.Time) Delivery {
	d.Step++
	return d.ended(Cancelled, now)
}

// attempt posts once, unless the endpoint rests: then the delivery is put off, or given up at last.
func (c *Courier) attempt(ctx context.Context, document ledger.Document, d Delivery, to Endpoint) error {
	if now := c.now(); c.breaker.rests(to.ID, now) {
		if now.Sub(d.BegunAt) >= putOffFor {
			return c.conclude(ctx, document, d, to, answer{attempt: Attempt{At: now, Error: resting}})
		}
		d.NextAt = now.Add(rest + spread(fmt.Sprint(d.ID, d.Step), putOff))
		return c.wait(ctx, document, d)
	}
	body, err := d.body(ctx, c.Store)
	if err != nil {
		return err
	}
	a, finished := c.post(ctx, to, d, body)
	if !finished {
		return refusal.Of(refusal.Unavailable, "The attempt was cut off.")
	}
	c.breaker.heard(to.ID, a.attempt.Error == timedOut, c.now())
	return c.conclude(ctx, document, d, to, a)
}

// conclude sends the next step, if there is one, and then records the attempt.
func (c *Courier) conclude(ctx context.Context, document ledger.Document, d Delivery, to Endpoint, a answer) (err error) {
	now := c.now()
	switch {
	case a.ok():
		d = d.noted(a.attempt).ended(Delivered, now)
	case a.attempt.Status == http.StatusGone, a.attempt.Error == resting:
		d = d.noted(a.attempt).ended(Dead, now)
	default:
		d = d.after(a.attempt, a.wait, now)
	}
	if d.Status == Pending {
		err = c.Queue.Send(ctx, d.message())
	} else {
		err = c.judge(ctx, d.Account, to, a, now)
	}
	if err != nil {
		return err
	}
	c.Log.InfoContext(ctx, "webhook", "account", d.Account, "webhook_id", d.Endpoint, "delivery", d.ID, "event", d.Event,
		"status", a.attempt.Status, "error", a.attempt.Error, "took_ms", a.attempt.Took, "outcome", d.Status)
	return c.record(ctx, document, d)
}

// record writes an outcome down. Where somebody else has taken the step meanwhile, that one's outcome stands.
func (c *Courier) record(ctx context.Context, document ledger.Document, d Delivery) error {
	err := c.Store.Put(ctx, d.document(document))
	if errors.Is(err, ledger.ErrStale) {
		return nil
	}
	if err == nil && d.Status == Dead {
		c.Metrics.Count("WebhooksDead", 1, "", "")
	}
	return err
}

// judge draws conclusions from a delivery's end: an endpoint that says of itself that it is gone for good (410) is
// disabled, and so is one for which deliveries have died for days without one success. Most ends write nothing.
func (c *Courier) judge(ctx context.Context, account wallet.AccountID, to Endpoint, a answer, now time.Time) error {
	if a.ok() && to.FailingSince.IsZero() {
		return nil
	}
	return change(ctx, c.Store, account, func(all *endpoints) error {
		at, err := all.find(to.ID)
		if err != nil || !all.Endpoints[at].Enabled {
			return errUnchanged
		}
		e := &all.Endpoints[at]
		switch {
		case a.ok() && e.FailingSince.IsZero(), !a.ok() && !e.FailingSince.IsZero() && now.Sub(e.FailingSince) < longestFailing && a.attempt.Status != http.StatusGone:
			return errUnchanged
		case a.ok():
			e.FailingSince = time.Time{}
		case a.attempt.Status == http.StatusGone:
			e.Enabled, e.Disabled = false, "gone"
		case e.FailingSince.IsZero():
			e.FailingSince = now
		default:
			e.Enabled, e.Disabled = false, "failing"
		}
		return nil
	})
}
