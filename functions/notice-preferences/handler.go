package main

import (
	"context"
	"errors"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/mail"
	"billingcentre/shared/mailing"
	"billingcentre/shared/preference"
	"billingcentre/shared/wallet"
)

type handler struct {
	store     ledger.Store
	directory *directory.Directory
	cursors   api.Cursors
	now       func() time.Time
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "GET /v1/accounts/{account}/notice-preferences", Handle: h.get},
		{Key: "PUT /v1/accounts/{account}/notice-preferences", Handle: h.put},
		{Key: "GET /v1/accounts/{account}/notices", Handle: h.list},
	}
}

// preferences are an account's as people see them, and the kinds that there are to choose from.
type preferences struct {
	Account wallet.AccountID `json:"account_id"`
	wishes
	Kinds     []mail.Kind `json:"kinds"`
	Always    []mail.Kind `json:"always_sent"` // of the kinds: those that can't be unwanted
	ChangedAt string      `json:"changed_at,omitempty"`
	ChangedBy string      `json:"changed_by,omitempty"`
}

// wishes are what can be asked for.
type wishes struct {
	Version         int64         `json:"version"` // that was read: the change is refused if it is another by now
	Addresses       []string      `json:"addresses"`
	Language        mail.Language `json:"language"`
	Unwanted        []mail.Kind   `json:"unwanted"`
	LowBalance      string        `json:"low_balance,omitempty"`
	HighConsumption dayLimits     `json:"high_consumption"`
}

type dayLimits struct {
	Total    string                    `json:"total,omitempty"`
	Products []preference.ProductLimit `json:"products"`
}

func preferencesOf(p preference.Preferences) preferences {
	return preferences{
		Account: p.Account, Kinds: mail.Kinds, Always: mail.Vital, ChangedAt: api.Instant(p.ChangedAt), ChangedBy: p.ChangedBy,
		wishes: wishes{
			Version: p.Version, Addresses: listed(p.Addresses), Language: p.Language, Unwanted: listed(p.Unwanted), LowBalance: p.LowBalance,
			HighConsumption: dayLimits{p.DayTotal, listed(p.DayProduct)},
		},
	}
}

// listed is a list that is there, if only empty.
func listed[T any](values []T) []T { return append([]T{}, values...) }

func (h handler) get(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	if _, err := h.directory.Account(ctx, account); err != nil {
		return api.Response{}, err
	}
	found, err := preference.Load(ctx, h.store, account)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(preferencesOf(found))
}

func (h handler) put(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayWrite(account), r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	known, err := h.directory.Account(ctx, account)
	if err != nil {
		return api.Response{}, err
	}
	var body struct {
		Version         *int64        `json:"version"`
		Addresses       []string      `json:"addresses"`
		Language        mail.Language `json:"language"`
		Unwanted        []mail.Kind   `json:"unwanted"`
		LowBalance      string        `json:"low_balance"`
		HighConsumption dayLimits     `json:"high_consumption"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	check.That(body.Version != nil, "/version", "is required: the version that was read, 0 when there was none")
	wanted := preference.Preferences{
		Account: account, Addresses: body.Addresses, Language: body.Language, Unwanted: body.Unwanted, LowBalance: body.LowBalance,
		DayTotal: body.HighConsumption.Total, DayProduct: body.HighConsumption.Products,
	}
	if body.Version != nil {
		wanted.Version = *body.Version
	}
	wanted.Check(&check, known.Currency)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	kept, err := preference.Save(ctx, h.store, wanted, r.Caller.Subject, h.now())
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(preferencesOf(kept))
}

// told is one notice that people were told by email, or weren't.
type told struct {
	ID         string        `json:"notice_id"`
	Key        string        `json:"event_key"` // of what happened
	Kind       mail.Kind     `json:"kind"`
	Language   mail.Language `json:"language"`
	At         string        `json:"at"`                // when it happened
	NotedAt    string        `json:"noted_at"`          // when it was to be told
	Skipped    string        `json:"skipped,omitempty"` // why nobody was told
	Recipients []recipient   `json:"recipients"`
}

type recipient struct {
	Address  string         `json:"address"`
	Status   mailing.Status `json:"status"`
	Reason   string         `json:"reason,omitempty"`
	Attempts int            `json:"attempts"`
	At       string         `json:"at"` // of the status
	Message  string         `json:"message_id,omitempty"`
}

func toldOf(m mailing.Mailing) told {
	t := told{
		ID: m.ID, Key: m.Key, Kind: m.Kind, Language: m.Language, At: api.Instant(m.At), NotedAt: api.Instant(m.PlannedAt), Skipped: m.Skipped, Recipients: []recipient{},
	}
	for _, r := range m.Recipients {
		t.Recipients = append(t.Recipients, recipient{r.Address, r.Status, r.Reason, r.Attempts, api.Instant(r.At), r.Message})
	}
	return t
}

func (h handler) list(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery("cursor", "limit")); err != nil {
		return api.Response{}, err
	}
	if _, err := h.directory.Account(ctx, account); err != nil {
		return api.Response{}, err
	}
	list := "notices#" + string(account)
	before, limit, err := r.Place(h.cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	found, next, err := mailing.List(ctx, h.store, account, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(found, toldOf, h.cursors.Encode(list, next)))
}
