package main

import (
	"context"

	"billingcentre/shared/api"
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
	at, err := h.stated(r, "reversal-cases", openCase, openCase, closedCase)
	if err != nil {
		return api.Response{}, err
	}
	cases, next, err := reversal.Cases(ctx, h.ledger.Store, at.state == closedCase, at.before, at.limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(cases, reversalCaseOf, h.cursors.Encode(at.list, next)))
}

func (h handler) closeReversalCase(ctx context.Context, r *api.Request) (api.Response, error) {
	id, reason, err := closing(r)
	if err != nil {
		return api.Response{}, err
	}
	closed, err := reversal.Close(ctx, h.ledger, wallet.BillID(id), reason, r.Caller.Subject)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(reversalCaseOf(closed))
}
