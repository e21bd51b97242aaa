package main

import (
	"context"
	"strings"

	"billingcentre/shared/api"
	"billingcentre/shared/directory"
	"billingcentre/shared/lock"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// workspace is a workspace as one account sees it: only its own bindings, the oldest first.
type workspace struct {
	ID       wallet.WorkspaceID   `json:"workspace_id"`
	Currency money.Currency       `json:"currency"`
	Zone     string               `json:"time_zone"`
	Bound    bool                 `json:"bound"` // to this account, now
	Method   wallet.Method        `json:"settlement_method,omitempty"`
	Cloud    *wallet.CloudAccount `json:"cloud,omitempty"`
	Lock     *locked              `json:"lock,omitempty"` // when it is locked now
	Bindings []binding            `json:"bindings"`
}

// locked is why a workspace is locked, and since when (README rules 26 and 27).
type locked struct {
	Cause lock.Cause `json:"cause"`
	Since string     `json:"since"`
}

// seen shows workspaces to an account, with their locks.
func (h handler) seen(ctx context.Context, account wallet.AccountID, found ...directory.Workspace) ([]workspace, error) {
	locks, err := lock.Of(ctx, h.ledger.Store, account, found...)
	if err != nil {
		return nil, err
	}
	shown := make([]workspace, len(found))
	for i, w := range found {
		shown[i] = workspaceOf(w, account)
		if l, is := locks[w.ID]; is {
			shown[i].Lock = &locked{l.Cause, api.Instant(l.Since)}
		}
	}
	return shown, nil
}

// one answers with a workspace.
func (h handler) one(ctx context.Context, account wallet.AccountID, found directory.Workspace, answer func(any) (api.Response, error)) (api.Response, error) {
	shown, err := h.seen(ctx, account, found)
	if err != nil {
		return api.Response{}, err
	}
	return answer(shown[0])
}

type binding struct {
	From   string               `json:"from"`
	Until  string               `json:"until,omitempty"`
	Method wallet.Method        `json:"settlement_method"`
	Cloud  *wallet.CloudAccount `json:"cloud,omitempty"`
}

func workspaceOf(w directory.Workspace, account wallet.AccountID) workspace {
	seen := workspace{ID: w.ID, Currency: w.Currency, Zone: w.Zone}
	for _, p := range w.Periods(account) {
		seen.Bindings = append(seen.Bindings, binding{api.Instant(p.From), api.Instant(p.Until), p.Method, cloudOf(p.Binding)})
	}
	if current := w.Current(); current.Account == account {
		seen.Bound, seen.Method, seen.Cloud = true, current.Method, cloudOf(current)
	}
	return seen
}

func cloudOf(b directory.Binding) *wallet.CloudAccount {
	if b.Method != wallet.Cloud {
		return nil
	}
	return &b.Cloud
}

// method is how a request asks for a settlement method.
type method struct {
	Method string `json:"settlement_method"`
	Cloud  *struct {
		Provider string `json:"provider"`
		Customer string `json:"customer"`
	} `json:"cloud"`
}

// into reads the method into a wish. A cloud account is told if, and only if, it pays.
func (m method) into(wish *directory.Wish, check *api.Check) {
	wish.Method = wallet.Method(m.Method)
	check.That(wish.Method == wallet.BillingCenter || wish.Method == wallet.Cloud, "/settlement_method", `must be "billing_center" or "cloud"`)
	check.That(m.Cloud != nil || wish.Method != wallet.Cloud, "/cloud", "is required: the cloud account that pays")
	check.That(m.Cloud == nil || wish.Method == wallet.Cloud, "/cloud", `belongs to the settlement method "cloud" only`)
	if m.Cloud != nil {
		check.That(validProvider(m.Cloud.Provider), "/cloud/provider", providerRule)
		wish.Cloud = wallet.CloudAccount{Provider: m.Cloud.Provider, Customer: check.Text("/cloud/customer", m.Cloud.Customer)}
	}
}

func validProvider(id string) bool {
	strange := func(c rune) bool { return (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' }
	return id != "" && len(id) <= 32 && id[0] >= 'a' && id[0] <= 'z' && !strings.ContainsFunc(id, strange)
}

// wish begins a wish of the caller about the account of the path.
func wish(r *api.Request) (directory.Wish, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayWrite(account); err != nil {
		return directory.Wish{}, err
	}
	return directory.Wish{Account: account, Operator: r.Caller.Role == api.Operator, Actor: r.Caller.Subject}, nil
}

// named reads the workspace of the path. What can't be an id isn't one that exists.
func named(r *api.Request) (wallet.WorkspaceID, error) {
	id := r.Path("workspace")
	if !api.ValidID(id) {
		return "", refusal.Of(refusal.NotFound, "There is no such workspace on this account.")
	}
	return wallet.WorkspaceID(id), nil
}

// bind binds a workspace to the account. The same again is answered as it is.
func (h handler) bind(ctx context.Context, r *api.Request) (api.Response, error) {
	w, err := wish(r)
	if err != nil {
		return api.Response{}, err
	}
	var body struct {
		method
		Workspace string `json:"workspace_id"`
		From      string `json:"from"`
	}
	body.Method = string(wallet.BillingCenter)
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	check.ID("/workspace_id", body.Workspace)
	w.Workspace, w.From = wallet.WorkspaceID(body.Workspace), check.Instant("/from", body.From)
	body.into(&w, &check)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	bound, changed, err := h.directory.Bind(ctx, w)
	if err != nil {
		return api.Response{}, err
	}
	return h.one(ctx, w.Account, bound, func(body any) (api.Response, error) { return api.Done(body, !changed) })
}

func (h handler) changeMethod(ctx context.Context, r *api.Request) (api.Response, error) {
	w, err := wish(r)
	if err != nil {
		return api.Response{}, err
	}
	if w.Workspace, err = named(r); err != nil {
		return api.Response{}, err
	}
	var body method
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	body.into(&w, &check)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	changed, _, err := h.directory.ChangeMethod(ctx, w)
	if err != nil {
		return api.Response{}, err
	}
	return h.one(ctx, w.Account, changed, api.OK)
}

// unbind ends a binding, from now on. What was settled stays, and so does the history.
func (h handler) unbind(ctx context.Context, r *api.Request) (api.Response, error) {
	w, err := wish(r)
	if err != nil {
		return api.Response{}, err
	}
	if w.Workspace, err = named(r); err != nil {
		return api.Response{}, err
	}
	unbound, _, err := h.directory.Unbind(ctx, w)
	if err != nil {
		return api.Response{}, err
	}
	return h.one(ctx, w.Account, unbound, api.OK)
}

func (h handler) getWorkspace(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	id, err := named(r)
	if err != nil {
		return api.Response{}, err
	}
	found, err := h.directory.Workspace(ctx, account, id)
	if err != nil {
		return api.Response{}, err
	}
	return h.one(ctx, account, found, api.OK)
}

func (h handler) listWorkspaces(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	list := "workspaces " + string(account)
	before, limit, err := h.place(r, list)
	if err != nil {
		return api.Response{}, err
	}
	found, next, err := h.directory.Workspaces(ctx, account, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	shown, err := h.seen(ctx, account, found...)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.Page[workspace]{Items: shown, Next: h.cursors.Encode(list, next)})
}
