package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/voucher"
)

const (
	batchList = "voucher-batches"
	maxCodes  = 1_000 // of one batch
)

// batch is a batch of codes as it is told. Codes are told once, to whoever issues them.
type batch struct {
	ID         string   `json:"batch_id"`
	Kind       string   `json:"kind"`
	Currency   string   `json:"currency"`
	Face       string   `json:"face_value"`
	MinBill    string   `json:"min_bill_amount,omitempty"`
	ValidDays  int      `json:"valid_days,omitzero"`
	ValidUntil string   `json:"code_valid_until,omitempty"`
	Note       string   `json:"note,omitempty"`
	Count      int      `json:"count"`
	IssuedAt   string   `json:"issued_at"`
	IssuedBy   string   `json:"issued_by"`
	Codes      []string `json:"codes,omitempty"`
}

func batchOf(b voucher.Batch) batch {
	out := batch{
		ID: b.ID, Kind: b.Terms.Kind.String(), Currency: string(b.Terms.Face.Currency()), Face: b.Terms.Face.String(),
		ValidDays: b.Terms.ValidDays, ValidUntil: api.Instant(b.Terms.ValidUntil), Note: b.Terms.Note, Count: b.Count,
		IssuedAt: api.Instant(b.IssuedAt), IssuedBy: b.IssuedBy,
	}
	if b.Terms.MinBill.IsPositive() {
		out.MinBill = b.Terms.MinBill.String()
	}
	return out
}

// issueBatch answers with the codes the first time, and without them ever after.
func (h handler) issueBatch(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	key, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	var body struct {
		Kind       string `json:"kind"`
		Face       string `json:"face_value"`
		Currency   string `json:"currency"`
		Count      int    `json:"count"`
		MinBill    string `json:"min_bill_amount"`
		ValidDays  *int   `json:"valid_days"`
		ValidUntil string `json:"code_valid_until"`
		Note       string `json:"note"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	currency := money.Currency(body.Currency)
	check.That(currency.Known(), "/currency", "must be a currency that accounts can be opened in, such as CNY")
	check.That(body.Count >= 1 && body.Count <= maxCodes, "/count", "must be a whole number from 1 to 1000")
	order := voucher.Order{Count: body.Count, Once: key, Actor: r.Caller.Subject}
	order.Terms.Kind, order.Terms.MinBill = voucherKind(&check, body.Kind, body.MinBill, currency)
	order.Terms.Face = faceValue(&check, body.Face, currency)
	order.Terms.ValidDays = validDaysOf(&check, body.ValidDays)
	order.Terms.ValidUntil = h.ahead(&check, "/code_valid_until", body.ValidUntil)
	order.Terms.Note = check.OptionalText("/note", body.Note)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	issued, codes, err := h.vouchers.Issue(ctx, order)
	if err != nil {
		return api.Response{}, err
	}
	answer := batchOf(issued)
	for _, code := range codes {
		answer.Codes = append(answer.Codes, code.String())
	}
	return api.Done(answer, codes == nil)
}

func (h handler) listBatches(ctx context.Context, r *api.Request) (api.Response, error) {
	before, limit, err := h.place(r, batchList)
	if err != nil {
		return api.Response{}, err
	}
	batches, next, err := h.vouchers.List(ctx, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(batches, batchOf, h.cursors.Encode(batchList, next)))
}

func (h handler) getBatch(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	id := r.Path("batch")
	if !api.ValidID(id) {
		return api.Response{}, refusal.Of(refusal.NotFound, "There is no such batch.")
	}
	found, err := h.vouchers.Batch(ctx, id)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(batchOf(found))
}
