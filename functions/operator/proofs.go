package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/proof"
	"billingcentre/shared/refusal"
)

const proofList = "proofs"

// proved is the outcome of a day as it is told.
type proved struct {
	ID         string   `json:"proof_id"`
	Source     string   `json:"source"`
	Day        string   `json:"day"`
	Currency   string   `json:"currency"`
	RanAt      string   `json:"ran_at"`
	Balanced   bool     `json:"balanced"`
	NoBill     bool     `json:"no_bill,omitzero"`
	Theirs     sums     `json:"theirs"`
	Ours       sums     `json:"ours"`
	Difference string   `json:"difference"`
	Cases      []string `json:"cases"`
}

// sums are one side's totals.
type sums struct {
	Payments int    `json:"payments"`
	In       string `json:"in"`
	Refunds  int    `json:"refunds"`
	Out      string `json:"out"`
	Held     string `json:"held,omitempty"`
	Returned string `json:"returned,omitempty"`
	Net      string `json:"net"`
}

// signed writes an amount that may be below zero.
func signed(currency money.Currency, minor int64) string {
	if minor < 0 {
		return "-" + money.Of(currency, -minor).String()
	}
	return money.Of(currency, minor).String()
}

func provedOf(p proof.Proof) proved {
	side := func(t proof.Totals) sums {
		s := sums{Payments: t.Payments, In: signed(p.Currency, t.In), Refunds: t.Refunds, Out: signed(p.Currency, t.Out), Net: signed(p.Currency, t.Net())}
		if t.Held != 0 {
			s.Held = signed(p.Currency, t.Held)
		}
		if t.Returned != 0 {
			s.Returned = signed(p.Currency, t.Returned)
		}
		return s
	}
	out := proved{
		ID: p.ID, Source: p.Source, Day: p.Day, Currency: string(p.Currency), RanAt: api.Instant(p.RanAt), Balanced: p.Balanced(), NoBill: p.NoBill,
		Theirs: side(p.Theirs), Ours: side(p.Ours), Difference: signed(p.Currency, p.Difference()), Cases: p.Cases,
	}
	if out.Cases == nil {
		out.Cases = []string{}
	}
	return out
}

func (h handler) listProofs(ctx context.Context, r *api.Request) (api.Response, error) {
	before, limit, err := h.place(r, proofList)
	if err != nil {
		return api.Response{}, err
	}
	proofs, next, err := h.proofs.Proofs(ctx, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(proofs, provedOf, h.cursors.Encode(proofList, next)))
}

func (h handler) getProof(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	id := r.Path("proof")
	if !api.ValidID(id) {
		return api.Response{}, refusal.Of(refusal.NotFound, "There is no such proof.")
	}
	found, err := h.proofs.Proof(ctx, id)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(provedOf(found))
}

// unfit is a case as it is told.
type unfit struct {
	ID         string          `json:"case_id"`
	Source     string          `json:"source"`
	Day        string          `json:"day"`
	Class      proof.Class     `json:"class"`
	Currency   string          `json:"currency"`
	Order      string          `json:"order_id,omitempty"`
	Trade      string          `json:"trade,omitempty"`
	Refund     string          `json:"refund_id,omitempty"`
	Theirs     string          `json:"theirs"`
	Ours       string          `json:"ours"`
	Difference string          `json:"difference"`
	Detail     string          `json:"detail"`
	State      proof.CaseState `json:"state"`
	OpenedAt   string          `json:"opened_at"`
	Reason     string          `json:"reason,omitempty"`
	ClosedBy   string          `json:"closed_by,omitempty"`
	ClosedAt   string          `json:"closed_at,omitempty"`
}

func unfitOf(c proof.Case) unfit {
	return unfit{
		ID: c.ID, Source: c.Source, Day: c.Day, Class: c.Class, Currency: string(c.Currency), Order: c.Order, Trade: c.Trade, Refund: c.Refund,
		Theirs: signed(c.Currency, c.Theirs), Ours: signed(c.Currency, c.Ours), Difference: signed(c.Currency, c.Difference()),
		Detail: c.Detail, State: c.State, OpenedAt: api.Instant(c.OpenedAt), Reason: c.Reason, ClosedBy: c.ClosedBy, ClosedAt: api.Instant(c.ClosedAt),
	}
}

func (h handler) listCases(ctx context.Context, r *api.Request) (api.Response, error) {
	at, err := h.stated(r, "proof-cases", string(proof.CaseOpen), string(proof.CaseOpen), string(proof.CaseClosed))
	if err != nil {
		return api.Response{}, err
	}
	cases, next, err := h.proofs.Cases(ctx, at.state == string(proof.CaseClosed), at.before, at.limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(cases, unfitOf, h.cursors.Encode(at.list, next)))
}

func (h handler) closeCase(ctx context.Context, r *api.Request) (api.Response, error) {
	id, reason, err := closing(r)
	if err != nil {
		return api.Response{}, err
	}
	closed, err := h.proofs.Close(ctx, id, reason, r.Caller.Subject)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(unfitOf(closed))
}
