package webhook

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/api"
	"billingcentre/shared/crockford"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	deliveryKind = "webhook-delivery"
	// maxAttempts are kept of a delivery: those of two rounds.
	maxAttempts = 20
	// keptFor is how long a delivery can be seen and replayed, from when it was made or replayed last (chosen).
	keptFor = 30 * 24 * time.Hour
	// maxAsked is how many tests and replays a webhook takes a minute.
	maxAsked = 30
)

// Status is where a delivery stands.
type Status string

// The statuses. All but Pending are final until somebody replays the delivery.
const (
	Pending   Status = "pending"
	Delivered Status = "delivered"
	Dead      Status = "dead"      // given up after the last attempt
	Cancelled Status = "cancelled" // its endpoint was disabled or removed
)

// Statuses are all of them.
func Statuses() []Status { return []Status{Pending, Delivered, Dead, Cancelled} }

// pauses are those after each failed attempt, the last but one after the one before it: nine attempts in 24.6 hours.
var pauses = []time.Duration{
	5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 8 * time.Hour, 9 * time.Hour,
}

// Delivery is one event for one endpoint.
type Delivery struct {
	ID        string           `json:"delivery_id"` // the webhook-id of every attempt
	Account   wallet.AccountID `json:"account_id"`
	Endpoint  string           `json:"webhook_id"`
	Event     string           `json:"event"` // its name
	Key       string           `json:"event_key"`
	Status    Status           `json:"status"`
	CreatedAt time.Time        `json:"created_at"`
	BegunAt   time.Time        `json:"begun_at"`         // when it was made, or replayed last
	NextAt    time.Time        `json:"next_at,omitzero"` // of the next attempt, while pending
	EndedAt   time.Time        `json:"ended_at,omitzero"`
	Step      int              `json:"step"`  // how many attempts, waits and replays there were
	Tried     int              `json:"tried"` // attempts since it was made, or replayed
	Attempts  []Attempt        `json:"attempts,omitempty"`
}

// Attempt is one post and what came back.
type Attempt struct {
	At     time.Time `json:"at"`
	Status int       `json:"status,omitzero"` // of the answer; 0 for none
	Error  string    `json:"error,omitempty"` // why there was none: a word of ours
	Took   int64     `json:"took_ms"`
}

// rank is the delivery's place in its endpoint's list.
func (d Delivery) rank() string { return api.Instant(d.CreatedAt) + " " + d.ID }

// list is the list of an endpoint's deliveries.
func list(account wallet.AccountID, endpoint string) string {
	return "webhook-deliveries#" + string(account) + "#" + endpoint
}

// deliveryID is the same for the same event and endpoint, and tells nothing else.
func deliveryID(account wallet.AccountID, endpoint, key string) string {
	sum := sha256.Sum256([]byte(string(account) + "\x00" + endpoint + "\x00" + key))
	id := make([]byte, 26)
	for i := range id {
		id[i] = crockford.Alphabet[sum[i]%32]
	}
	return "msg_" + string(id)
}

func deliveryKey(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: deliveryKind, ID: id} }

func newDelivery(account wallet.AccountID, endpoint, name, key string, now time.Time) Delivery {
	return Delivery{
		ID: deliveryID(account, endpoint, key), Account: account, Endpoint: endpoint, Event: name, Key: key, Status: Pending,
		CreatedAt: now, BegunAt: now, NextAt: now,
	}
}

// document is the delivery in its document, which is forgotten when the delivery is over.
func (d Delivery) document(document ledger.Document) ledger.Document {
	return document.With(d).In(list(d.Account, d.Endpoint), d.rank()).Till(d.until())
}

// fresh is the document of a delivery that is stored for the first time.
func (d Delivery) fresh() ledger.Document { return d.document(ledger.Document{Key: deliveryKey(d.ID)}) }

// until is when nobody is told of the delivery any more. An attempt, a wait or an event that comes again is never that
// late: queues keep messages for two weeks.
func (d Delivery) until() time.Time { return d.BegunAt.Add(keptFor) }

// over tells whether its time is: the store may keep it for days beyond that.
func (d Delivery) over(now time.Time) bool { return !now.Before(d.until()) }

// message is the delivery's next step, as its message says it.
func (d Delivery) message() Step {
	return Step{Account: d.Account, Endpoint: d.Endpoint, Delivery: d.ID, Step: d.Step, Due: d.NextAt}
}

// after is the delivery after an attempt that didn't succeed. wait is what the receiver asks for.
func (d Delivery) after(failed Attempt, wait time.Duration, now time.Time) Delivery {
	d = d.noted(failed)
	if d.Tried > len(pauses) {
		return d.ended(Dead, now)
	}
	pause := max(pauses[d.Tried-1], wait)
	d.NextAt = now.Add(pause + spread(d.ID, pause/10))
	return d
}

// noted is the delivery with one more attempt.
func (d Delivery) noted(a Attempt) Delivery {
	d.Attempts = append(append([]Attempt(nil), d.Attempts...), a)
	if len(d.Attempts) > maxAttempts {
		d.Attempts = d.Attempts[len(d.Attempts)-maxAttempts:]
	}
	d.Step, d.Tried = d.Step+1, d.Tried+1
	return d
}

// ended is the delivery when nothing more is tried.
func (d Delivery) ended(as Status, now time.Time) Delivery {
	d.Status, d.NextAt, d.EndedAt = as, time.Time{}, now
	return d
}

// spread is a part of a time that differs from delivery to delivery, so that many don't come at once.
func spread(id string, within time.Duration) time.Duration {
	sum := sha256.Sum256([]byte(id))
	return (within * time.Duration(int(sum[0])<<8|int(sum[1])) / 65536).Truncate(time.Millisecond)
}

// body is what is posted: made from the journal, so the same for every attempt.
func (d Delivery) body(ctx context.Context, store ledger.Store) ([]byte, error) {
	e, err := d.event(ctx, store)
	if err != nil {
		return nil, err
	}
	return json.Marshal(struct {
		Type      string      `json:"type"`
		Timestamp string      `json:"timestamp"`
		Data      event.Event `json:"data"`
	}{d.Event, e.At, e}, json.Deterministic(true))
}

func (d Delivery) event(ctx context.Context, store ledger.Store) (event.Event, error) {
	const noticeKey = "notice:"
	gone := errors.New("webhook: the event of delivery " + d.ID + " is not in the journal")
	switch {
	case d.Event == TestName:
		return event.Event{Name: TestName, Version: event.Version, Key: d.Key, Account: d.Account, At: api.Instant(d.CreatedAt)}, nil
	case len(d.Key) > len(noticeKey) && d.Key[:len(noticeKey)] == noticeKey:
		told, _, err := ledger.Read[notice.Notice](ctx, store, ledger.DocumentKey{Kind: notice.DocumentKind, ID: d.Key[len(noticeKey):]})
		if err != nil || told.Account != d.Account {
			return event.Event{}, errors.Join(gone, err)
		}
		return event.OfNotice(told), nil
	}
	found, err := store.Entries(ctx, wallet.Key(d.Key))
	entry, there := found[wallet.Key(d.Key)]
	if err != nil || !there || entry.Account != d.Account {
		return event.Event{}, errors.Join(gone, err)
	}
	return event.OfEntry(entry), nil
}

// Deliveries lists an endpoint's deliveries, the latest first, from the one before a rank.
func (d *Desk) Deliveries(ctx context.Context, account wallet.AccountID, endpoint, before string, limit int) (found []Delivery, next string, err error) {
	if _, err := d.Find(ctx, account, endpoint); err != nil {
		return nil, "", err
	}
	found, next, err = ledger.PageOf[Delivery](ctx, d.Store, list(account, endpoint), before, limit)
	return slices.DeleteFunc(found, func(one Delivery) bool { return one.over(d.now()) }), next, err
}

// Delivery is one of an endpoint's deliveries.
func (d *Desk) Delivery(ctx context.Context, account wallet.AccountID, endpoint, id string) (Delivery, error) {
	if _, err := d.Find(ctx, account, endpoint); err != nil {
		return Delivery{}, err
	}
	found, _, err := d.delivery(ctx, account, endpoint, id)
	return found, err
}

func (d *Desk) delivery(ctx context.Context, account wallet.AccountID, endpoint, id string) (Delivery, ledger.Document, error) {
	found, document, err := ledger.Read[Delivery](ctx, d.Store, deliveryKey(id))
	if refusal.Is(err, refusal.NotFound) || err == nil && (found.Account != account || found.Endpoint != endpoint || found.over(d.now())) {
		return Delivery{}, document, refusal.Of(refusal.NotFound, "There is no such delivery.")
	}
	return found, document, err
}

// Replay delivers again, from the first attempt on, with the same webhook-id.
func (d *Desk) Replay(ctx context.Context, account wallet.AccountID, endpoint, id string) (Delivery, error) {
	if err := d.allow(ctx, account, endpoint); err != nil {
		return Delivery{}, err
	}
	for range tries {
		found, document, err := d.delivery(ctx, account, endpoint, id)
		if err != nil {
			return Delivery{}, err
		}
		found.Status, found.BegunAt, found.NextAt, found.EndedAt, found.Tried = Pending, d.now(), d.now(), time.Time{}, 0
		found.Step++
		if err := d.Queue.Send(ctx, found.message()); err != nil {
			return Delivery{}, err
		}
		if err = d.Store.Put(ctx, found.document(document)); !errors.Is(err, ledger.ErrStale) {
			return found, err
		}
	}
	return Delivery{}, ledger.ErrContended
}

// Test sends an endpoint an event that says nothing. The same key again is the same delivery.
func (d *Desk) Test(ctx context.Context, account wallet.AccountID, endpoint, once string) (found Delivery, repeated bool, err error) {
	made := newDelivery(account, endpoint, TestName, "test:"+once, d.now())
	found, document, err := d.delivery(ctx, account, endpoint, made.ID)
	switch {
	case err == nil && found.Step > 0:
		return found, true, nil
	case err == nil: // the first time may have died before its message was sent
		return found, true, d.Queue.Send(ctx, found.message())
	case !refusal.Is(err, refusal.NotFound):
		return Delivery{}, false, err
	}
	if err := d.allow(ctx, account, endpoint); err != nil {
		return Delivery{}, false, err
	}
	if err := d.Store.Put(ctx, made.document(document)); err != nil && !errors.Is(err, ledger.ErrStale) {
		return Delivery{}, false, err
	}
	return made, false, d.Queue.Send(ctx, made.message())
}

// allow counts what a customer asks us to post, beside what happens by itself: whoever owns an account mustn't be able
// to have us flood somebody else's system.
func (d *Desk) allow(ctx context.Context, account wallet.AccountID, endpoint string) error {
	return d.change(ctx, account, func(all *endpoints) error {
		at, err := all.find(endpoint)
		if err != nil {
			return err
		}
		e, now := &all.Endpoints[at], d.now()
		if !e.Enabled {
			return refusal.Of(refusal.Conflict, "The webhook is disabled.")
		}
		if now.Sub(e.AskedSince) >= time.Minute {
			e.AskedSince, e.Asked = now, 0
		}
		if e.Asked >= maxAsked {
			r := refusal.Of(refusal.TooMany, "A webhook takes %d tests and replays a minute.", maxAsked)
			r.RetryAfter = int(e.AskedSince.Add(time.Minute).Sub(now)/time.Second) + 1
			return r
		}
		e.Asked++
		return nil
	})
}
