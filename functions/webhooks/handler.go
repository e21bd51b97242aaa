package main

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"billingcentre/shared/api"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
	"billingcentre/shared/webhook"
)

type handler struct {
	desk    *webhook.Desk
	cursors api.Cursors
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "POST /v1/accounts/{account}/webhooks", Handle: h.add},
		{Key: "GET /v1/accounts/{account}/webhooks", Handle: h.list},
		{Key: "GET /v1/accounts/{account}/webhooks/{webhook}", Handle: h.get},
		{Key: "PUT /v1/accounts/{account}/webhooks/{webhook}", Handle: h.change},
		{Key: "DELETE /v1/accounts/{account}/webhooks/{webhook}", Handle: h.remove},
		{Key: "POST /v1/accounts/{account}/webhooks/{webhook}/secret", Handle: h.rotate},
		{Key: "POST /v1/accounts/{account}/webhooks/{webhook}/tests", Handle: h.test},
		{Key: "GET /v1/accounts/{account}/webhooks/{webhook}/deliveries", Handle: h.deliveries},
		{Key: "GET /v1/accounts/{account}/webhooks/{webhook}/deliveries/{delivery}", Handle: h.delivery},
		{Key: "POST /v1/accounts/{account}/webhooks/{webhook}/deliveries/{delivery}/replay", Handle: h.replay},
	}
}

// endpoint is a webhook as its customer sees it.
type endpoint struct {
	ID        string   `json:"webhook_id"`
	URL       string   `json:"url"`
	Events    []string `json:"events"`
	Enabled   bool     `json:"enabled"`
	Disabled  string   `json:"disabled_reason,omitempty"`
	Failing   string   `json:"failing_since,omitempty"` // when a delivery died, after which none succeeded
	Note      string   `json:"note,omitempty"`
	CreatedAt string   `json:"created_at"`
	Secret    string   `json:"secret,omitempty"`     // when it is made, and never again
	Retiring  []string `json:"retiring_at,omitzero"` // when secrets that were replaced end to sign
}

func (h handler) endpointOf(e webhook.Endpoint) endpoint {
	out := endpoint{
		ID: e.ID, URL: e.URL, Events: e.Events, Enabled: e.Enabled, Disabled: e.Disabled, Failing: api.Instant(e.FailingSince),
		Note: e.Note, CreatedAt: api.Instant(e.CreatedAt),
	}
	for _, old := range e.Retiring {
		if h.desk.Now().Before(old.Until) {
			out.Retiring = append(out.Retiring, api.Instant(old.Until))
		}
	}
	return out
}

// account is the account of a path, if the caller may do this to it.
func account(r *api.Request, may func(wallet.AccountID) error) (wallet.AccountID, error) {
	id := wallet.AccountID(r.Path("account"))
	return id, may(id)
}

// wish reads what a customer says about a webhook.
func wish(r *api.Request) (webhook.Wish, error) {
	var body struct {
		URL     string   `json:"url"`
		Events  []string `json:"events"`
		Enabled *bool    `json:"enabled"`
		Note    string   `json:"note"`
	}
	if err := r.Decode(&body); err != nil {
		return webhook.Wish{}, err
	}
	return webhook.Wish{URL: body.URL, Events: body.Events, Enabled: body.Enabled == nil || *body.Enabled, Note: body.Note}, nil
}

func (h handler) add(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, r.Caller.MayWrite)
	if err != nil {
		return api.Response{}, err
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	wanted, err := wish(r)
	if err != nil {
		return api.Response{}, err
	}
	made, secret, repeated, err := h.desk.Add(ctx, id, once, wanted)
	if err != nil {
		return api.Response{}, err
	}
	told := h.endpointOf(made)
	told.Secret = secret
	return api.Done(told, repeated)
}

func (h handler) list(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, r.Caller.MayRead)
	if err = errors.Join(err, r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	found, err := h.desk.List(ctx, id)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(found, h.endpointOf, ""))
}

func (h handler) get(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, r.Caller.MayRead)
	if err != nil {
		return api.Response{}, err
	}
	found, err := h.desk.Find(ctx, id, r.Path("webhook"))
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(h.endpointOf(found))
}

func (h handler) change(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, r.Caller.MayWrite)
	if err != nil {
		return api.Response{}, err
	}
	wanted, err := wish(r)
	if err != nil {
		return api.Response{}, err
	}
	changed, err := h.desk.Change(ctx, id, r.Path("webhook"), wanted)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(h.endpointOf(changed))
}

func (h handler) remove(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, r.Caller.MayWrite)
	if err != nil {
		return api.Response{}, err
	}
	if err := h.desk.Remove(ctx, id, r.Path("webhook")); err != nil {
		return api.Response{}, err
	}
	return api.OK(struct {
		ID      string `json:"webhook_id"`
		Removed bool   `json:"removed"`
	}{r.Path("webhook"), true})
}

func (h handler) rotate(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, r.Caller.MayWrite)
	if err != nil {
		return api.Response{}, err
	}
	changed, secret, err := h.desk.Rotate(ctx, id, r.Path("webhook"))
	if err != nil {
		return api.Response{}, err
	}
	told := h.endpointOf(changed)
	told.Secret = secret
	return api.OK(told)
}

func (h handler) test(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, r.Caller.MayWrite)
	if err != nil {
		return api.Response{}, err
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	made, repeated, err := h.desk.Test(ctx, id, r.Path("webhook"), once)
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(deliveryOf(made), repeated)
}

// delivery is a delivery as its customer sees it.
type delivery struct {
	ID        string         `json:"delivery_id"`
	Webhook   string         `json:"webhook_id"`
	Event     string         `json:"event"`
	Key       string         `json:"event_key"`
	Status    webhook.Status `json:"status"`
	CreatedAt string         `json:"created_at"`
	NextAt    string         `json:"next_attempt_at,omitempty"`
	EndedAt   string         `json:"ended_at,omitempty"`
	Attempts  []attempt      `json:"attempts"`
}

type attempt struct {
	At     string `json:"at"`
	Status int    `json:"status_code,omitzero"`
	Error  string `json:"error,omitempty"`
	Took   int64  `json:"took_ms"`
}

func deliveryOf(d webhook.Delivery) delivery {
	out := delivery{
		ID: d.ID, Webhook: d.Endpoint, Event: d.Event, Key: d.Key, Status: d.Status, CreatedAt: api.Instant(d.CreatedAt),
		NextAt: api.Instant(d.NextAt), EndedAt: api.Instant(d.EndedAt), Attempts: make([]attempt, len(d.Attempts)),
	}
	for i, a := range d.Attempts {
		out.Attempts[i] = attempt{api.Instant(a.At), a.Status, a.Error, a.Took}
	}
	return out
}

func (h handler) deliveries(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, r.Caller.MayRead)
	status, failed := r.Query("status")
	if err = errors.Join(err, failed, r.OnlyQuery("cursor", "limit", "status")); err != nil {
		return api.Response{}, err
	}
	if status != "" && !slices.Contains(webhook.Statuses(), webhook.Status(status)) {
		return api.Response{}, refusal.At("/status", "must be one of %v", webhook.Statuses())
	}
	list := "webhook-deliveries#" + string(id) + "#" + r.Path("webhook") + "#" + status
	before, limit, err := r.Place(h.cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	found, next, err := h.desk.Deliveries(ctx, id, r.Path("webhook"), before, limit)
	if err != nil {
		return api.Response{}, err
	}
	found = slices.DeleteFunc(found, func(d webhook.Delivery) bool { return status != "" && d.Status != webhook.Status(status) })
	return api.OK(api.PageOf(found, deliveryOf, h.cursors.Encode(list, next)))
}

func (h handler) delivery(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := accountOfDelivery(r, r.Caller.MayRead)
	if err != nil {
		return api.Response{}, err
	}
	found, err := h.desk.Delivery(ctx, id, r.Path("webhook"), r.Path("delivery"))
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(deliveryOf(found))
}

func (h handler) replay(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := accountOfDelivery(r, r.Caller.MayWrite)
	if err != nil {
		return api.Response{}, err
	}
	found, err := h.desk.Replay(ctx, id, r.Path("webhook"), r.Path("delivery"))
	if err != nil {
		return api.Response{}, err
	}
	return api.Response{Status: http.StatusAccepted, Body: deliveryOf(found)}, nil
}

// accountOfDelivery is account for a path to a delivery. It refuses what can't be a delivery's id, before it is a key.
func accountOfDelivery(r *api.Request, may func(wallet.AccountID) error) (wallet.AccountID, error) {
	id, err := account(r, may)
	if err == nil && !api.ValidID(r.Path("delivery")) {
		err = refusal.Of(refusal.NotFound, "There is no such delivery.")
	}
	return id, err
}
