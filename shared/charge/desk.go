package charge

import (
	"context"
	"errors"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
)

// Wish is what an operator asks for about a case.
type Wish struct {
	Record string
	Reason string
	Actor  string
}

// Retry has the charges of a case sent again, as part of new records. Of a doubtful one the operator must say that the
// cloud doesn't have it. Asking again changes nothing.
func (d *Desk) Retry(ctx context.Context, wish Wish, notMetered bool) (Record, error) {
	return d.decide(ctx, wish, RecordReleasing, func(r Record) error {
		if r.Doubtful && !notMetered {
			return refusal.Of(refusal.Conflict, "The cloud may have counted the record: look there, and say so with not_metered, or close the case as accepted.")
		}
		return nil
	})
}

// Close ends a case: its charges were accepted after all, or are written off. Asking again changes nothing.
func (d *Desk) Close(ctx context.Context, wish Wish, outcome RecordState) (Record, error) {
	return d.decide(ctx, wish, outcome, func(r Record) error {
		if outcome == RecordAccepted && r.Reversed > 0 {
			return refusal.Of(refusal.Conflict, "Bills of the record were reversed, since the cloud didn't have it.")
		}
		return nil
	})
}

// decide turns a case as an operator says.
func (d *Desk) decide(ctx context.Context, wish Wish, to RecordState, may func(Record) error) (Record, error) {
	r, _, err := ledger.Turn(ctx, d.Store, func() (Record, []ledger.Document, error) {
		r, document, err := ledger.Read[Record](ctx, d.Store, RecordKey(wish.Record))
		switch {
		case err != nil:
			return r, nil, err
		case r.Actor == wish.Actor && r.Reason == wish.Reason && (r.State == to || to == RecordReleasing && r.State == RecordReleased):
			return r, nil, nil
		case r.State != RecordCase:
			return r, nil, refusal.Of(refusal.Conflict, "The record is no open case: it is %s.", r.State)
		}
		if err := may(r); err != nil {
			return r, nil, err
		}
		now := d.Now().UTC()
		r.State, r.Reason, r.Actor, r.ConcludedAt, r.DueAt = to, wish.Reason, wish.Actor, now, now
		r.Doubtful = r.Doubtful && to == RecordWrittenOff // otherwise the operator knows
		return r, []ledger.Document{r.document(document)}, nil
	})
	return r, err
}

// Find loads a record.
func (d *Desk) Find(ctx context.Context, id string) (Record, error) {
	r, _, err := ledger.Read[Record](ctx, d.Store, RecordKey(id))
	if refusal.Is(err, refusal.NotFound) {
		return Record{}, refusal.Of(refusal.NotFound, "There is no such record.")
	}
	return r, err
}

// Customer is what a cloud's customer is besides his id: at AWS the licence of his agreement, by which newer products
// are metered.
type Customer struct {
	Cloud   cloud  `json:"cloud"`
	License string `json:"license_arn"`
	Actor   string `json:"actor"`
}

func customerKey(c cloud) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: "cloud-customer", ID: c.Provider + ":" + c.Customer}
}

// SetCustomer notes what a customer is. It counts for records that are made from then on.
func (d *Desk) SetCustomer(ctx context.Context, customer Customer) error {
	for {
		_, document, err := ledger.Read[Customer](ctx, d.Store, customerKey(customer.Cloud))
		if err != nil && !refusal.Is(err, refusal.NotFound) {
			return err
		}
		if err := d.Store.Put(ctx, document.With(customer)); !errors.Is(err, ledger.ErrStale) {
			return err
		}
	}
}
