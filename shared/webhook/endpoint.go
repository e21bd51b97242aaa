// Package webhook tells customers' own systems what happened in their account: the events of the bus, posted to a URL of
// theirs, signed as the Standard Webhooks specification says.
//
//	endpoint.go  Endpoint: where an account wants its events, and which; Desk: the customer's hand on it
//	address.go   which URLs may be posted to
//	guard.go     the HTTP client that reaches the public internet only
//	sign.go      secrets, derived and never stored, and signatures
//	delivery.go  Delivery: one event for one endpoint, with its attempts
//	fanout.go    from the bus's queue: an event becomes a delivery to each endpoint that wants it
//	courier.go   from the queue of deliveries: one attempt, and what follows from it
//	post.go      the attempt itself
//	breaker.go   endpoints that are resting
//
// All endpoints of an account are one document, so that an event costs one read, whether or not anybody wants it. A
// delivery is a document, put once by endpoint and event: its id is the webhook-id, the same on every attempt. What is
// posted isn't stored: entries and notices never change, so it is made again from the journal for every attempt.
//
// Each step of a delivery is one message of a queue, and is taken when document and message agree on its number: the
// next message is sent first, then the step is recorded, then the old message acknowledged. A worker that dies in
// between leaves a message that is too early (its step comes when the old one has been taken again) or too late (it
// is dropped), never none. So an event is posted at least once, and its outcome recorded once.
package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/crockford"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	documentKind = "webhooks" // all endpoints of an account; the id is the account's
	// maxEndpoints of an account.
	maxEndpoints = 10
	// maxFilters of an endpoint's events.
	maxFilters = 64
	// TestName is the name of the event that tries an endpoint.
	TestName = "webhook.test"
)

// Endpoint is one URL of an account's.
type Endpoint struct {
	ID         string      `json:"webhook_id"`
	URL        string      `json:"url"`
	Events     []string    `json:"events"` // names, or "entry.*", "notice.*", "*"
	Enabled    bool        `json:"enabled"`
	Disabled   string      `json:"disabled_reason,omitempty"` // why we disabled it
	Note       string      `json:"note,omitempty"`
	CreatedAt  time.Time   `json:"created_at"`
	Once       string      `json:"once"`               // the key of the request that made it
	Intent     string      `json:"intent"`             // what that request asked for: its Wish.digest
	Generation int         `json:"generation"`         // of its secret
	Retiring   []OldSecret `json:"retiring,omitempty"` // secrets that still sign, too
	// FailingSince is when a delivery died after which none succeeded.
	FailingSince time.Time `json:"failing_since,omitzero"`
	Asked        int       `json:"asked,omitzero"` // tests and replays since AskedSince
	AskedSince   time.Time `json:"asked_since,omitzero"`
}

// OldSecret is a secret that was replaced.
type OldSecret struct {
	Generation int       `json:"generation"`
	Until      time.Time `json:"until"`
}

// wants tells whether an event goes to the endpoint.
func (e Endpoint) wants(name string) bool {
	return e.Enabled && event.ForCustomers(name) && event.Matches(name, e.Events)
}

// endpoints are all of an account's, as they are stored.
type endpoints struct {
	Endpoints []Endpoint `json:"endpoints"`
}

func (e endpoints) find(id string) (int, error) {
	at := slices.IndexFunc(e.Endpoints, func(one Endpoint) bool { return one.ID == id })
	if at < 0 {
		return 0, refusal.Of(refusal.NotFound, "There is no such webhook.")
	}
	return at, nil
}

// Wish is what a customer says about an endpoint.
type Wish struct {
	URL     string
	Events  []string
	Enabled bool
	Note    string
}

// digest is the same for checked wishes that ask for the same: they may be changed later, but a key stands for the first.
func (w Wish) digest() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %t %q", w.URL, w.Events, w.Enabled, w.Note))
	return hex.EncodeToString(sum[:16])
}

// Desk is the customer's hand on endpoints.
type Desk struct {
	Store     ledger.Store
	Signer    Signer
	Addresses Addresses
	Queue     Queue // of deliveries: for tests of an endpoint, and replays
	Now       func() time.Time
	Chance    io.Reader // nil: crypto/rand
}

// Add makes an endpoint. Its secret is in the answer of the first time only: the same key again is answered without.
func (d *Desk) Add(ctx context.Context, account wallet.AccountID, once string, wish Wish) (e Endpoint, secret string, repeated bool, err error) {
	if wish, err = d.check(wish); err != nil {
		return Endpoint{}, "", false, err
	}
	head, err := d.Store.Head(ctx, account)
	if err != nil {
		return Endpoint{}, "", false, err
	}
	if head.Version == 0 {
		return Endpoint{}, "", false, refusal.Of(refusal.NotFound, "There is no such account.")
	}
	id := "wh_" + crockford.Random(d.Chance, 20)
	err = d.change(ctx, account, func(all *endpoints) error {
		if at := slices.IndexFunc(all.Endpoints, func(one Endpoint) bool { return one.Once == once }); at >= 0 {
			if e, repeated = all.Endpoints[at], true; e.Intent != wish.digest() {
				return refusal.Of(refusal.KeyReused, "The key made another webhook before.")
			}
			return errUnchanged
		}
		if len(all.Endpoints) >= maxEndpoints {
			return refusal.Of(refusal.Conflict, "An account has at most %d webhooks: remove one first.", maxEndpoints)
		}
		e = Endpoint{
			ID: id, URL: wish.URL, Events: wish.Events, Enabled: wish.Enabled, Note: wish.Note, Once: once, Intent: wish.digest(), Generation: 1, CreatedAt: d.now(),
		}
		repeated = false
		all.Endpoints = append(all.Endpoints, e)
		return nil
	})
	if err == nil && !repeated {
		secret = d.Signer.Secret(account, e.ID, e.Generation)
	}
	return e, secret, repeated, err
}

// List is all endpoints of an account, in the order in which they were made.
func (d *Desk) List(ctx context.Context, account wallet.AccountID) ([]Endpoint, error) {
	all, _, err := load(ctx, d.Store, account)
	return all.Endpoints, err
}

// Find is one endpoint.
func (d *Desk) Find(ctx context.Context, account wallet.AccountID, id string) (Endpoint, error) {
	all, _, err := load(ctx, d.Store, account)
	if err != nil {
		return Endpoint{}, err
	}
	at, err := all.find(id)
	if err != nil {
		return Endpoint{}, err
	}
	return all.Endpoints[at], nil
}

// Change replaces what a customer says about an endpoint.
func (d *Desk) Change(ctx context.Context, account wallet.AccountID, id string, wish Wish) (e Endpoint, err error) {
	if wish, err = d.check(wish); err != nil {
		return Endpoint{}, err
	}
	err = d.change(ctx, account, func(all *endpoints) error {
		at, err := all.find(id)
		if err != nil {
			return err
		}
		one := &all.Endpoints[at]
		one.URL, one.Events, one.Note, one.Enabled = wish.URL, wish.Events, wish.Note, wish.Enabled
		if wish.Enabled {
			one.Disabled, one.FailingSince = "", time.Time{}
		}
		e = *one
		return nil
	})
	return e, err
}

// Remove forgets an endpoint. What is on its way to it is cancelled. Removing it again is no error.
func (d *Desk) Remove(ctx context.Context, account wallet.AccountID, id string) error {
	err := d.change(ctx, account, func(all *endpoints) error {
		at, err := all.find(id)
		if err != nil {
			return errUnchanged
		}
		all.Endpoints = slices.Delete(all.Endpoints, at, at+1)
		return nil
	})
	return err
}

// Rotate gives an endpoint a new secret. The old one goes on signing beside it for a day.
func (d *Desk) Rotate(ctx context.Context, account wallet.AccountID, id string) (e Endpoint, secret string, err error) {
	err = d.change(ctx, account, func(all *endpoints) error {
		at, err := all.find(id)
		if err != nil {
			return err
		}
		one := &all.Endpoints[at]
		one.Retiring = slices.DeleteFunc(one.Retiring, func(old OldSecret) bool { return !d.now().Before(old.Until) })
		if len(one.Retiring) >= maxRetiring {
			return refusal.Of(refusal.Conflict, "%d older secrets still sign: wait until one has retired.", maxRetiring)
		}
		one.Retiring = append(one.Retiring, OldSecret{one.Generation, d.now().Add(retirement)})
		one.Generation++
		e = *one
		return nil
	})
	if err == nil {
		secret = d.Signer.Secret(account, id, e.Generation)
	}
	return e, secret, err
}

func (d *Desk) now() time.Time { return d.Now().UTC().Truncate(time.Millisecond) }

// check refuses a wish that can't be fulfilled; the answer's texts are normal.
func (d *Desk) check(wish Wish) (Wish, error) {
	var check api.Check
	check.Note(d.Addresses.Check("/url", wish.URL))
	wish.Note = check.OptionalText("/note", wish.Note)
	check.That(len(wish.Events) > 0 && len(wish.Events) <= maxFilters, "/events", fmt.Sprintf("must name 1 to %d events", maxFilters))
	if len(wish.Events) <= maxFilters {
		for i, name := range wish.Events {
			check.That(knownFilter(name), fmt.Sprintf("/events/%d", i), `must be an event's name, "entry.*", "notice.*" or "*"`)
			check.That(!slices.Contains(wish.Events[:i], name), fmt.Sprintf("/events/%d", i), "must be given once")
		}
	}
	wish.Events = slices.Sorted(slices.Values(wish.Events))
	return wish, check.Err()
}

func knownFilter(name string) bool {
	return slices.Contains([]string{"*", "entry.*", "notice.*"}, name) || event.ForCustomers(name) && slices.Contains(event.Names(), name)
}

// errUnchanged ends a change that found nothing to do.
var errUnchanged = errors.New("webhook: nothing changes")

// tries bounds how often a change is decided anew.
const tries = 8

// change decides on an account's endpoints, and again when somebody else was faster.
func (d *Desk) change(ctx context.Context, account wallet.AccountID, decide func(*endpoints) error) error {
	return change(ctx, d.Store, account, decide)
}

func change(ctx context.Context, store ledger.Store, account wallet.AccountID, decide func(*endpoints) error) error {
	for range tries {
		all, document, err := load(ctx, store, account)
		if err != nil {
			return err
		}
		if err = decide(&all); err == nil {
			err = store.Put(ctx, document.With(all))
		}
		if !errors.Is(err, ledger.ErrStale) {
			if errors.Is(err, errUnchanged) {
				return nil
			}
			return err
		}
	}
	return ledger.ErrContended
}

func endpointsKey(account wallet.AccountID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: documentKind, ID: string(account)}
}

// load reads an account's endpoints. Having none is no error.
func load(ctx context.Context, store ledger.Store, account wallet.AccountID) (endpoints, ledger.Document, error) {
	all, document, err := ledger.Read[endpoints](ctx, store, endpointsKey(account))
	if refusal.Is(err, refusal.NotFound) {
		err = nil
	}
	return all, document, err
}
