package main

import (
	"context"
	"mime"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/transfer"
)

const (
	statementList = "bank-statements"
	maxStatement  = 4 << 20 // bytes; API Gateway lets less than 10 MB through, Lambda 6 MB
)

// statement is an imported statement as it is told.
type statement struct {
	ID         string         `json:"statement_id"`
	Currency   string         `json:"currency"`
	ImportedAt string         `json:"imported_at"`
	ImportedBy string         `json:"imported_by"`
	Rows       []string       `json:"rows"`
	Imported   int            `json:"imported"`
	Repeated   int            `json:"repeated"`
	Outgoing   int            `json:"outgoing"`
	Received   string         `json:"received"`
	Bad        []transfer.Bad `json:"bad"`
}

func statementOf(s transfer.Statement) statement {
	return statement{
		ID: s.ID, Currency: string(s.Currency), ImportedAt: api.Instant(s.ImportedAt), ImportedBy: s.ImportedBy, Rows: s.Rows,
		Imported: s.Imported, Repeated: s.Repeated, Outgoing: s.Outgoing, Received: s.Received().String(), Bad: s.Bad,
	}
}

// importStatement takes the bank's file as it is: its own content is its key, so it needs no other.
func (h handler) importStatement(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	media, _, err := mime.ParseMediaType(r.Header["content-type"])
	switch {
	case err != nil || media != "text/csv":
		return api.Response{}, refusal.Of(refusal.Unsupported, "A statement must be text/csv.")
	case len(r.Body) > maxStatement:
		return api.Response{}, refusal.Of(refusal.TooLarge, "A statement must have at most %d bytes.", maxStatement)
	}
	imported, repeated, err := h.desk.Import(ctx, r.Body, r.Caller.Subject)
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(statementOf(imported), repeated)
}

// operatorsPage is where a page of one of the operators' lists begins.
func (h handler) operatorsPage(r *api.Request, list string, known ...string) (before string, limit int, err error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return "", 0, err
	}
	if err := r.OnlyQuery(append(known, "limit", "cursor")...); err != nil {
		return "", 0, err
	}
	return r.Place(h.cursors, list)
}

func (h handler) listStatements(ctx context.Context, r *api.Request) (api.Response, error) {
	before, limit, err := h.operatorsPage(r, statementList)
	if err != nil {
		return api.Response{}, err
	}
	statements, next, err := h.desk.Statements(ctx, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	page := api.Page[statement]{Items: []statement{}, Next: h.cursors.Encode(statementList, next)}
	for _, s := range statements {
		told := statementOf(s)
		told.Rows = []string{}
		page.Items = append(page.Items, told)
	}
	return api.OK(page)
}

// sums are what is in suspense, and where all else went.
type sums struct {
	Currency string `json:"currency"`
	Received string `json:"received"`
	Held     string `json:"held"`
	Credited string `json:"credited"`
	Returned string `json:"returned"`
}

func (h handler) suspense(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	s, err := h.desk.Suspense(ctx)
	if err != nil {
		return api.Response{}, err
	}
	amount := func(minor int64) string { return money.Of(h.desk.Config.Currency, minor).String() }
	return api.OK(sums{string(h.desk.Config.Currency), amount(s.Received), amount(s.Held()), amount(s.Credited), amount(s.Returned)})
}
