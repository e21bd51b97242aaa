package main

import (
	"context"
	"errors"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// quota is what a partner may still allocate in one currency. It is a document, and no money: the company grants the
// cards.
type quota struct {
	Partner   string         `json:"partner"`
	Currency  money.Currency `json:"currency"`
	Remaining int64          `json:"remaining"` // minor units
	SetAt     time.Time      `json:"set_at,omitzero"`
	SetBy     string         `json:"set_by,omitempty"`
}

func (q quota) amount() money.Amount { return money.Of(q.Currency, q.Remaining) }

// quota loads a partner's quota; one that was never set is nothing.
func (h handler) quota(ctx context.Context, partner string, currency money.Currency) (quota, ledger.Document, error) {
	key := ledger.DocumentKey{Kind: "partner-quota", ID: partner + "/" + string(currency)}
	q, document, err := ledger.Read[quota](ctx, h.ledger.Store, key)
	if refusal.Is(err, refusal.NotFound) {
		return quota{Partner: partner, Currency: currency}, document, nil
	}
	return q, document, err
}

// setQuota sets what a partner may allocate from now on, whatever was left before.
func (h handler) setQuota(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	var body struct {
		Currency string `json:"currency"`
		Amount   string `json:"amount"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	partner, currency := r.Path("partner"), money.Currency(body.Currency)
	var check api.Check
	check.ID("/path/partner", partner)
	check.That(currency.Known(), "/currency", "must be a currency that accounts can be opened in, such as CNY")
	amount := check.Amount("/amount", body.Amount, currency)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	if err := h.writeQuota(ctx, partner, amount, r.Caller.Subject); err != nil {
		return api.Response{}, err
	}
	return api.OK(map[string]string{"partner": partner, "currency": body.Currency, "remaining": amount.String()})
}

// writeQuota writes over what is there, even while the partner allocates.
func (h handler) writeQuota(ctx context.Context, partner string, amount money.Amount, actor string) error {
	for attempt := 1; ; attempt++ {
		q, document, err := h.quota(ctx, partner, amount.Currency())
		if err != nil {
			return err
		}
		q.Remaining, q.SetAt, q.SetBy = amount.Minor(), h.ledger.Now().UTC().Truncate(time.Millisecond), actor
		err = h.ledger.Store.Put(ctx, document.With(q))
		if moved := errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrContended); !moved {
			return err
		}
		if attempt == 10 {
			return ledger.ErrContended
		}
		if waitErr := ledger.Backoff(ctx, attempt); waitErr != nil {
			return waitErr
		}
	}
}
