package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/refusal"
	"billingcentre/shared/reversal"
	"billingcentre/shared/wallet"
)

// reversalCase is a bill that can't be reversed since its cloud charge was accepted, as it is told.
type reversalCase struct {
	ID        string              `json:"case_id"`
	Account   string              `json:"account_id"`
	Workspace string              `json:"workspace_id"`
	Day       string              `json:"day"`
	Cloud     wallet.CloudAccount `json:"cloud"`
	Amount    string              `json:"amount"`
	Currency  string              `json:"currency"`
	Record    string              `json:"record_id"`
	Reference string              `json:"reference,omitempty"`
	State     string              `json:"state"`
	Wish      string              `json:"wish"`
	OpenedBy  string              `json:"opened_by"`
	OpenedAt  string              `json:"opened_at"`
	Reason    string              `json:"reason,omitempty"`
	ClosedBy  string              `json:"closed_by,omitempty"`
	ClosedAt  string              `json:"closed_at,omitempty"`
}

const (
	openCase   = "open"
	closedCase = "closed"
)

func reversalCaseOf(c reversal.Case) reversalCase {
	out := reversalCase{
		ID: string(c.Bill), Account: string(c.Account), Workspace: string(c.Workspace), Day: c.Day, Cloud: c.Cloud, Amount: c.Amount,
		Currency: string(c.Currency), Record: c.Record, Reference: c.Reference, State: openCase, Wish: c.Wish, OpenedBy: c.OpenedBy,
		OpenedAt: api.Instant(c.OpenedAt), Reason: c.Reason, ClosedBy: c.ClosedBy, ClosedAt: api.Instant(c.ClosedAt),
	}
	if c.Closed() {
		out.State = closedCase
	}
	return out
}

// listReversalCases lists open cases, unless closed ones are asked for.
func (h handler) listReversalCases(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	if err := r.OnlyQuery("state", "limit", "cursor"); err != nil {
		return api.Response{}, err
	}
	state, err := r.Query("state")
	if err != nil {
		return api.Response{}, err
	}
	if state != "" && state != openCase && state != closedCase {
		return api.Response{}, refusal.At("/state", `must be "open" or "closed"`)
	}
	list := "reversal-cases#" + state
	before, limit, err := r.Place(h.cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	cases, next, err := reversal.Cases(ctx, h.ledger.Store, state == closedCase, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(cases, reversalCaseOf, h.cursors.Encode(list, next)))
}

func (h handler) closeReversalCase(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	id := r.Path("case")
	if !api.ValidID(id) {
		return api.Response{}, refusal.Of(refusal.NotFound, "There is no such case.")
	}
	reason, err := r.Reason()
	if err != nil {
		return api.Response{}, err
	}
	closed, err := reversal.Close(ctx, h.ledger, wallet.BillID(id), reason, r.Caller.Subject)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(reversalCaseOf(closed))
}
