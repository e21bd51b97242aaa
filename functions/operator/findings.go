package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/audit"
)

const findingList = "audit-findings"

// finding is what the auditor found, as it is told.
type finding struct {
	ID      string `json:"finding_id"`
	Account string `json:"account_id"`
	Kind    string `json:"kind"`
	Number  int64  `json:"number,omitzero"` // of the entry where it shows
	Key     string `json:"key,omitempty"`
	Detail  string `json:"detail"`
	FoundAt string `json:"found_at"` // the first time
}

func findingOf(f audit.Finding) finding {
	return finding{
		ID: f.ID, Account: string(f.Account), Kind: string(f.Kind), Number: f.Number, Key: string(f.Key), Detail: f.Detail, FoundAt: api.Instant(f.FoundAt),
	}
}

func (h handler) listFindings(ctx context.Context, r *api.Request) (api.Response, error) {
	before, limit, err := h.place(r, findingList)
	if err != nil {
		return api.Response{}, err
	}
	found, next, err := audit.Findings(ctx, h.ledger.Store, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(found, findingOf, h.cursors.Encode(findingList, next)))
}
