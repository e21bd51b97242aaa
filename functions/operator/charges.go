package main

import (
	"context"
	"strings"

	"billingcentre/shared/api"
	"billingcentre/shared/charge"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	pendingChargeList = "cloud-charges-pending"
	recordList        = "cloud-records"
)

// cloudRecord is what a cloud was told about a customer, as it is told here.
type cloudRecord struct {
	ID        string              `json:"record_id"`
	Cloud     wallet.CloudAccount `json:"cloud"`
	License   string              `json:"license_arn,omitempty"`
	Dimension string              `json:"dimension,omitempty"`
	Amount    string              `json:"amount"`
	Currency  string              `json:"currency"`
	Charges   int                 `json:"charges"`
	At        string              `json:"at"`
	State     charge.RecordState  `json:"state"`
	Why       charge.Why          `json:"why,omitempty"`
	Doubtful  bool                `json:"doubtful"`
	Tries     int                 `json:"tries"`
	Code      string              `json:"code,omitempty"`
	Detail    string              `json:"detail,omitempty"`
	Reference string              `json:"reference,omitempty"`
	SentAt    string              `json:"sent_at,omitempty"`
	EndedAt   string              `json:"ended_at,omitempty"`
	Reversed  string              `json:"reversed,omitempty"` // of the amount
	Reason    string              `json:"reason,omitempty"`
	Actor     string              `json:"concluded_by,omitempty"`
	Concluded string              `json:"concluded_at,omitempty"`
}

func cloudRecordOf(r charge.Record) cloudRecord {
	out := cloudRecord{
		ID: r.ID, Cloud: r.Cloud, License: r.License, Dimension: r.Dimension, Amount: r.Amount().String(), Currency: string(r.Currency),
		Charges: r.Charges, At: api.Instant(r.At), State: r.State, Why: r.Why, Doubtful: r.Doubtful, Tries: r.Tries, Code: r.Code, Detail: r.Detail,
		Reference: r.Reference, SentAt: api.Instant(r.SentAt), EndedAt: api.Instant(r.EndedAt), Reason: r.Reason, Actor: r.Actor,
		Concluded: api.Instant(r.ConcludedAt),
	}
	if r.Reversed > 0 {
		out.Reversed = money.Of(r.Currency, r.VoidMinor).String()
	}
	return out
}

// listPendingCharges lists charges that are in no record yet, those that have waited longest first.
func (h handler) listPendingCharges(ctx context.Context, r *api.Request) (api.Response, error) {
	before, limit, err := h.place(r, pendingChargeList)
	if err != nil {
		return api.Response{}, err
	}
	pending, next, err := charge.ListPending(ctx, h.ledger.Store, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	told := func(c charge.Charge) charge.Told { return charge.View{Charge: c}.Told() }
	return api.OK(api.PageOf(pending, told, h.cursors.Encode(pendingChargeList, next)))
}

// listRecords lists records by their state; cases, unless another is asked for.
func (h handler) listRecords(ctx context.Context, r *api.Request) (api.Response, error) {
	at, err := h.stated(r, recordList, string(charge.RecordCase), charge.RecordLists...)
	if err != nil {
		return api.Response{}, err
	}
	records, next, err := h.charges.Records(ctx, at.state, at.before, at.limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(records, cloudRecordOf, h.cursors.Encode(at.list, next)))
}

// record is the record that a path names.
func (h handler) record(ctx context.Context, r *api.Request) (charge.Record, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return charge.Record{}, err
	}
	id := r.Path("record")
	if !api.ValidID(id) {
		return charge.Record{}, refusal.Of(refusal.NotFound, "There is no such record.")
	}
	return h.charges.Find(ctx, id)
}

func (h handler) getRecord(ctx context.Context, r *api.Request) (api.Response, error) {
	found, err := h.record(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(cloudRecordOf(found))
}

func (h handler) listRecordCharges(ctx context.Context, r *api.Request) (api.Response, error) {
	found, err := h.record(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	list := recordList + "#charges#" + found.ID
	before, limit, err := h.place(r, list)
	if err != nil {
		return api.Response{}, err
	}
	within, next, err := h.charges.Within(ctx, found, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(within, charge.View.Told, h.cursors.Encode(list, next)))
}

// retryRecord has a case's charges sent again, as part of new records.
func (h handler) retryRecord(ctx context.Context, r *api.Request) (api.Response, error) {
	found, err := h.record(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	var body struct {
		Reason     string `json:"reason"`
		NotMetered bool   `json:"not_metered"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	wish := charge.Wish{Record: found.ID, Reason: check.Text("/reason", body.Reason), Actor: r.Caller.Subject}
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	turned, err := h.charges.Retry(ctx, wish, body.NotMetered)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(cloudRecordOf(turned))
}

// closeRecord ends a case: accepted after all, or written off.
func (h handler) closeRecord(ctx context.Context, r *api.Request) (api.Response, error) {
	found, err := h.record(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	var body struct {
		Outcome charge.RecordState `json:"outcome"`
		Reason  string             `json:"reason"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	check.That(body.Outcome == charge.RecordAccepted || body.Outcome == charge.RecordWrittenOff, "/outcome", `must be "accepted" or "written_off"`)
	wish := charge.Wish{Record: found.ID, Reason: check.Text("/reason", body.Reason), Actor: r.Caller.Subject}
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	turned, err := h.charges.Close(ctx, wish, body.Outcome)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(cloudRecordOf(turned))
}

// cloudCustomer is a cloud's customer as it is told.
type cloudCustomer struct {
	Cloud   wallet.CloudAccount `json:"cloud"`
	License string              `json:"license_arn"`
}

const mostLicense = 2048 // characters of an ARN

// setCustomer notes the licence by which a cloud's customer is metered from now on; an empty one is none.
func (h handler) setCustomer(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return api.Response{}, err
	}
	var body struct {
		License string `json:"license_arn"`
	}
	if err := r.Decode(&body); err != nil {
		return api.Response{}, err
	}
	var check api.Check
	cloud := wallet.CloudAccount{Provider: r.Path("provider"), Customer: check.Text("/customer", r.Path("customer"))}
	licensed := cloud.Provider == "aws" && len(body.License) <= mostLicense && strings.HasPrefix(body.License, "arn:") && strings.Contains(body.License, ":license-manager:")
	check.That(cloud.Provider == "aws", "/provider", `must be "aws": only there customers have licences`)
	check.That(licensed || body.License == "", "/license_arn", `must be the ARN of a licence, or ""`)
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	customer := charge.Customer{Cloud: cloud, License: body.License, Actor: r.Caller.Subject}
	if err := h.charges.SetCustomer(ctx, customer); err != nil {
		return api.Response{}, err
	}
	return api.OK(cloudCustomer{Cloud: customer.Cloud, License: customer.License})
}
