package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/unlinking"
	"billingcentre/shared/wallet"
)

// What an account has when its opening doesn't say another (README, "Who and what").
const (
	normalCurrency = money.CNY
	normalZone     = "Asia/Shanghai"
)

type handler struct {
	ledger    *ledger.Ledger
	directory *directory.Directory
	clouds    *unlinking.Keeper
	cursors   api.Cursors
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "POST /v1/accounts", Handle: h.open},
		{Key: "GET /v1/accounts", Handle: h.list},
		{Key: "GET /v1/accounts/{account}", Handle: h.get},
		{Key: "GET /v1/accounts/{account}/workspaces", Handle: h.listWorkspaces},
		{Key: "POST /v1/accounts/{account}/workspaces", Handle: h.bind},
		{Key: "GET /v1/accounts/{account}/workspaces/{workspace}", Handle: h.getWorkspace},
		{Key: "PUT /v1/accounts/{account}/workspaces/{workspace}/settlement-method", Handle: h.changeMethod},
		{Key: "DELETE /v1/accounts/{account}/workspaces/{workspace}", Handle: h.unbind},
		{Key: "PUT /v1/accounts/{account}/certification", Handle: h.certify},
		{Key: "DELETE /v1/accounts/{account}/certification", Handle: h.revoke},
		{Key: "GET /v1/accounts/{account}/cloud-links", Handle: h.listClouds},
		{Key: "POST /v1/accounts/{account}/cloud-links", Handle: h.linkCloud},
		{Key: "GET /v1/accounts/{account}/cloud-links/{provider}/{customer}", Handle: h.getCloud},
		{Key: "DELETE /v1/accounts/{account}/cloud-links/{provider}/{customer}", Handle: h.releaseCloud},
		{Key: "GET /v1/operator/cloud-links", Handle: h.listOpenClouds},
		{Key: "POST /v1/operator/cloud-links/{provider}/{customer}/unlinking", Handle: h.unlinkCloud},
	}
}

// account is an account as people see it.
type account struct {
	ID       wallet.AccountID `json:"account_id"`
	Name     string           `json:"name"`
	Currency money.Currency   `json:"currency"`
	Zone     string           `json:"time_zone"`
	OpenedAt string           `json:"opened_at"`

	Certification *certification `json:"certification,omitempty"`
}

func accountOf(a directory.Account) account {
	seen := account{ID: a.ID, Name: a.Name, Currency: a.Currency, Zone: a.Zone, OpenedAt: api.Instant(a.OpenedAt)}
	if c := a.Certification; c != nil {
		seen.Certification = &certification{c.Kind, c.Number, api.Instant(c.At)}
	}
	return seen
}

// open opens an account. Its id is the key: the same again is answered as the first time.
func (h handler) open(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	wanted, err := readOpening(r)
	if err != nil {
		return api.Response{}, err
	}
	receipt, err := h.ledger.Do(ctx, wanted.ID, directory.Opening(wanted, r.Caller.Subject))
	if err != nil {
		return api.Response{}, err
	}
	wanted.OpenedAt = receipt.Entry.Time
	return api.Done(accountOf(wanted), receipt.Repeated)
}

func readOpening(r *api.Request) (directory.Account, error) {
	var body struct {
		ID       string  `json:"account_id"`
		Name     string  `json:"name"`
		Currency *string `json:"currency"`
		Zone     *string `json:"time_zone"`
	}
	if err := r.Decode(&body); err != nil {
		return directory.Account{}, err
	}
	a := directory.Account{ID: wallet.AccountID(body.ID), Currency: normalCurrency, Zone: normalZone}
	var check api.Check
	check.Account("/account_id", body.ID)
	a.Name = check.Text("/name", body.Name)
	if body.Currency != nil {
		a.Currency = money.Currency(*body.Currency)
		check.That(a.Currency.Known(), "/currency", `must be the code of a supported currency, such as "CNY"`)
	}
	if body.Zone != nil {
		a.Zone = *body.Zone
		_, err := directory.Zone(a.Zone)
		check.Note(err)
	}
	return a, check.Err()
}

func (h handler) get(ctx context.Context, r *api.Request) (api.Response, error) {
	id := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(id); err != nil {
		return api.Response{}, err
	}
	found, err := h.directory.Account(ctx, id)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(accountOf(found))
}

func (h handler) list(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	const list = "accounts"
	before, limit, err := h.place(r, list)
	if err != nil {
		return api.Response{}, err
	}
	found, next, err := h.directory.Accounts(ctx, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(found, accountOf, h.cursors.Encode(list, next)))
}

// place reads which page of a list is asked for.
func (h handler) place(r *api.Request, list string) (before string, limit int, err error) {
	if err := r.OnlyQuery("cursor", "limit"); err != nil {
		return "", 0, err
	}
	return r.Place(h.cursors, list)
}
