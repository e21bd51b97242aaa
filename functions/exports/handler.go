package main

import (
	"context"
	"errors"
	"net/http"

	"billingcentre/shared/api"
	"billingcentre/shared/export/desk"
	"billingcentre/shared/wallet"
)

type handler struct {
	desk    *desk.Desk
	cursors api.Cursors
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "POST /v1/accounts/{account}/exports", Handle: h.ask},
		{Key: "GET /v1/accounts/{account}/exports", Handle: h.list},
		{Key: "GET /v1/accounts/{account}/exports/{export}", Handle: h.get},
	}
}

// export is an export as it is told.
type export struct {
	ID         string           `json:"export_id"`
	Account    wallet.AccountID `json:"account_id"`
	desk.Wish                   // what it was asked for
	State      desk.State       `json:"state"`
	CreatedAt  string           `json:"created_at"`
	CreatedBy  string           `json:"created_by"`
	Rows       int64            `json:"rows"`  // so far, while it is pending
	Bytes      int64            `json:"bytes"` // likewise
	EndedAt    string           `json:"ended_at,omitempty"`
	Failure    string           `json:"failure,omitempty"`
	SHA256     string           `json:"sha256,omitempty"`
	FileName   string           `json:"file_name,omitempty"`
	ExpiresAt  string           `json:"expires_at,omitempty"` // when the file goes
	URL        string           `json:"url,omitempty"`        // for whoever has it, until URLExpires
	URLExpires string           `json:"url_expires_at,omitempty"`
}

func (h handler) of(e desk.Export) export {
	out := export{
		ID: e.ID, Account: e.Account, Wish: e.Wish, State: e.State, CreatedAt: api.Instant(e.CreatedAt), CreatedBy: e.Asker,
		Rows: e.Rows, Bytes: e.Bytes, EndedAt: api.Instant(e.EndedAt), Failure: e.Failure, SHA256: e.SHA256,
	}
	if e.State == desk.Ready || e.State == desk.Expired {
		out.FileName, out.ExpiresAt = e.FileName(), api.Instant(e.ExpiresAt(h.desk.Days))
	}
	return out
}

// linked is an export with a URL, if there is something to fetch.
func (h handler) linked(ctx context.Context, e desk.Export) (export, error) {
	out := h.of(e)
	if e.State != desk.Ready {
		return out, nil
	}
	url, until, err := h.desk.URL(ctx, e)
	out.URL, out.URLExpires = url, api.Instant(until)
	return out, err
}

// ask takes a wish. Looking at one's money is enough to have it written down.
func (h handler) ask(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	var wish desk.Wish
	if err := r.Decode(&wish); err != nil {
		return api.Response{}, err
	}
	if wish, err = wish.Check(); err != nil {
		return api.Response{}, err
	}
	e, repeated, err := h.desk.Ask(ctx, account, once, r.Caller.Subject, wish)
	if err != nil {
		return api.Response{}, err
	}
	out, err := h.linked(ctx, e)
	if err != nil {
		return api.Response{}, err
	}
	if repeated {
		return api.Done(out, true)
	}
	return api.Response{Status: http.StatusAccepted, Body: out}, nil
}

// list is a page of an account's exports, latest first, without URLs.
func (h handler) list(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery("limit", "cursor")); err != nil {
		return api.Response{}, err
	}
	place, limit, err := r.Place(h.cursors, desk.ListOf(account))
	if err != nil {
		return api.Response{}, err
	}
	exports, next, err := h.desk.List(ctx, account, place, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(exports, h.of, h.cursors.Encode(desk.ListOf(account), next)))
}

// get is an export, with a URL that is made anew each time.
func (h handler) get(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	e, err := h.desk.Find(ctx, account, r.Path("export"))
	if err != nil {
		return api.Response{}, err
	}
	out, err := h.linked(ctx, e)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(out)
}
