package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/directory"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// certification is what an account's people see of it.
type certification struct {
	Kind   string `json:"kind"`
	Number string `json:"certificate_id"`
	At     string `json:"at"`
}

// certify notes as whom an operator has certified an account's owner (README rule 27).
func (h handler) certify(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	var body struct {
		Kind   string `json:"kind"`
		Number string `json:"certificate_id"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	check.That(body.Kind == directory.PersonalCertification || body.Kind == directory.EnterpriseCertification, "/kind", `must be "personal" or "enterprise"`)
	check.ID("/certificate_id", body.Number)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	return h.holds(ctx, r, &directory.Certification{
		Kind: body.Kind, Number: body.Number, At: wallet.Effective(wallet.Head{}, h.ledger.Now()), Actor: r.Caller.Subject,
	})
}

// revoke takes a certification back.
func (h handler) revoke(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	return h.holds(ctx, r, nil)
}

func (h handler) holds(ctx context.Context, r *api.Request, held *directory.Certification) (api.Response, error) {
	id := wallet.AccountID(r.Path("account"))
	if !api.ValidAccount(string(id)) {
		return api.Response{}, refusal.Of(refusal.NotFound, "There is no such account.")
	}
	changed, _, err := h.directory.Certify(ctx, id, held)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(accountOf(changed))
}
