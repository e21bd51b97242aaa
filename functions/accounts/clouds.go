package main

import (
	"context"
	"errors"

	"billingcentre/shared/api"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// cloudLink is a cloud account as its billing account sees it.
type cloudLink struct {
	Account    wallet.AccountID `json:"account_id"`
	Provider   string           `json:"provider"`
	Customer   string           `json:"customer"`
	State      cloudlink.State  `json:"state"`
	AskedAt    string           `json:"asked_at"`
	UnlinkedAt string           `json:"unlinked_at,omitempty"`
	RemindAt   string           `json:"remind_at,omitempty"`
	EndsAt     string           `json:"ends_at,omitempty"`   // of the countdown, when workspaces still on it are locked
	LockedAt   string           `json:"locked_at,omitempty"` // since when they are
	Steps      []linkStep       `json:"steps"`
}

type linkStep struct {
	At   string `json:"at"`
	What string `json:"what"`
}

func cloudLinkOf(l cloudlink.Link) cloudLink {
	seen := cloudLink{
		Account: l.Account, Provider: l.Cloud.Provider, Customer: l.Cloud.Customer, State: l.State, AskedAt: api.Instant(l.AskedAt),
		UnlinkedAt: api.Instant(l.UnlinkedAt), RemindAt: api.Instant(l.RemindAt), EndsAt: api.Instant(l.EndsAt), LockedAt: api.Instant(l.LockedAt),
		Steps: make([]linkStep, len(l.Steps)),
	}
	for i, s := range l.Steps {
		seen.Steps[i] = linkStep{api.Instant(s.At), s.What}
	}
	return seen
}

// cloudOfPath reads the cloud account of the path. What can't be one isn't there.
func cloudOfPath(r *api.Request) (wallet.CloudAccount, error) {
	cloud := wallet.CloudAccount{Provider: r.Path("provider"), Customer: r.Path("customer")}
	if !validProvider(cloud.Provider) || !api.ValidID(cloud.Customer) {
		return cloud, refusal.Of(refusal.NotFound, "There is no such cloud account.")
	}
	return cloud, nil
}

// linkCloud asks for a link, by the customer, or makes it, by an operator (README rule 27).
func (h handler) linkCloud(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayWrite(account); err != nil {
		return api.Response{}, err
	}
	var body struct {
		Provider string `json:"provider"`
		Customer string `json:"customer"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	check.That(validProvider(body.Provider), "/provider", providerRule)
	check.ID("/customer", body.Customer)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	if _, err := h.ledger.Open(ctx, account); err != nil {
		return api.Response{}, err
	}
	do := h.clouds.Desk.Ask
	if r.Caller.Role == api.Operator {
		do = h.clouds.Desk.Link
	}
	link, changed, err := do(ctx, account, wallet.CloudAccount{Provider: body.Provider, Customer: body.Customer}, r.Caller.Subject)
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(cloudLinkOf(link), !changed)
}

func (h handler) listClouds(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	list := "cloud-links " + string(account)
	before, limit, err := h.place(r, list)
	if err != nil {
		return api.Response{}, err
	}
	links, next, err := h.clouds.Desk.List(ctx, account, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(links, cloudLinkOf, h.cursors.Encode(list, next)))
}

func (h handler) getCloud(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	cloud, err := cloudOfPath(r)
	if err != nil {
		return api.Response{}, err
	}
	link, err := h.clouds.Desk.Get(ctx, account, cloud)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(cloudLinkOf(link))
}

// releaseCloud takes a link back that no workspace is on.
func (h handler) releaseCloud(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayWrite(account); err != nil {
		return api.Response{}, err
	}
	cloud, err := cloudOfPath(r)
	if err != nil {
		return api.Response{}, err
	}
	link, _, err := h.clouds.Desk.Release(ctx, account, cloud, r.Caller.Subject, func() (bool, error) {
		on, err := h.clouds.On(ctx, account, cloud)
		return len(on) > 0, err
	})
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(cloudLinkOf(link))
}

// listOpenClouds lists the links that an operator has to look at: asked for, or unlinked at the provider.
func (h handler) listOpenClouds(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := errors.Join(r.Caller.MustBe(api.Operator), r.OnlyQuery("state", "cursor", "limit")); err != nil {
		return api.Response{}, err
	}
	state, err := r.Query("state")
	if err != nil {
		return api.Response{}, err
	}
	if state != string(cloudlink.Asked) && state != string(cloudlink.Unlinked) {
		return api.Response{}, refusal.At("/state", `must be "asked" or "unlinked"`)
	}
	list := "cloud-links-open " + state
	before, limit, err := r.Place(h.cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	links, next, err := h.clouds.Desk.Open(ctx, cloudlink.State(state), before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(links, cloudLinkOf, h.cursors.Encode(list, next)))
}

// unlinkCloud notes that a provider has unlinked its customer, and what follows begins.
func (h handler) unlinkCloud(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	cloud, err := cloudOfPath(r)
	if err != nil {
		return api.Response{}, err
	}
	link, err := h.clouds.Unlink(ctx, cloud, r.Caller.Subject)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(cloudLinkOf(link))
}

const providerRule = `must be the id of a cloud such as "aws", "alibaba" or "huawei": 1 to 32 lower-case letters, digits and '-', beginning with a letter`
