package charge

import (
	"context"
	"errors"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metering"
	"billingcentre/shared/notice"
)

// after is a record that was sent, once its cloud has answered. doubted is whether it was doubtful before this call:
// a refusal of this call says nothing about an earlier one.
func (r Record) after(doubted bool, result metering.Result, again bool, now time.Time) Record {
	r.Code, r.Detail = result.Code, result.Detail
	switch result.Verdict {
	case metering.Accepted:
		r.State, r.Doubtful, r.EndedAt, r.Reference = RecordAccepted, false, now.UTC(), result.Reference
		return r
	case metering.Duplicate:
		// Ours has one quantity for its hour, for ever: if the cloud has another one, it doesn't have ours.
		r.Doubtful = false
		return r.into(IsDuplicate, now)
	case metering.NotSubscribed:
		r.Doubtful = doubted
		return r.into(NotSubscribed, now)
	case metering.Refused:
		r.Doubtful = doubted
		return r.into(WasRejected, now)
	case metering.Busy:
		r.Doubtful = doubted
	default: // unknown: doubtful
		if !again {
			return r.into(Unanswered, now)
		}
	}
	r.DueAt = now.UTC().Add(min(time.Minute<<min(r.Tries-1, 8), mostWait))
	return r
}

// into is a record as a case.
func (r Record) into(why Why, now time.Time) Record {
	r.State, r.Why, r.EndedAt = RecordCase, why, now.UTC()
	return r
}

const concludes = 4 // tries of writing down what an answer means

// conclude writes what became of a record. The notice of a case is part of the same write: it is told once. A record
// that somebody else has turned meanwhile keeps what they made of it, but for an acceptance: that is what is true.
func (d *Desk) conclude(ctx context.Context, r held, next Record, round *Round) error {
	for attempt := 1; ; attempt++ {
		documents := []ledger.Document{next.document(r.document)}
		if next.State == RecordCase {
			documents = append(documents, next.notice().Document(d.Now()))
		}
		err := d.Store.Put(ctx, documents...)
		if err == nil {
			d.count(ctx, next, round)
			return nil
		}
		if attempt == concludes || !errors.Is(err, ledger.ErrStale) && d.Wait.Pause(ctx, attempt) != nil {
			return err
		}
		now, document, readErr := ledger.Read[Record](ctx, d.Store, RecordKey(r.ID))
		switch {
		case readErr != nil:
			continue // the next try tells
		case now.State == next.State && now.Tries == next.Tries && now.State != RecordSent:
			d.count(ctx, next, round) // it was written, by the try whose answer was lost
			return nil
		case now.State == r.State && now.Tries == r.Tries:
		case next.State == RecordAccepted && (now.State == RecordSent || now.State == RecordCase && now.Reversed == 0):
			next.Why = now.Why
		case next.State == RecordAccepted && now.State != RecordAccepted:
			d.Log.ErrorContext(ctx, "the cloud accepted a record that isn't open any more", "record", r.ID, "state", now.State, "reference", next.Reference)
			return nil
		default:
			return err
		}
		r.document = document
	}
}

func (d *Desk) count(ctx context.Context, r Record, round *Round) {
	switch r.State {
	case RecordAccepted:
		round.Accepted++
	case RecordCase:
		round.Cases++
		d.Log.WarnContext(ctx, "charges are a case for an operator", "record", r.ID, "provider", r.Cloud.Provider, "customer", r.Cloud.Customer,
			"why", r.Why, "doubtful", r.Doubtful, "charges", r.Charges, "amount", r.Amount().String(), "currency", r.Currency, "code", r.Code)
	default:
		round.Waiting++
	}
}

func (r Record) notice() notice.Notice {
	return notice.ChargedInVain(r.Account, notice.ChargeCase{
		Record: r.ID, Provider: r.Cloud.Provider, Customer: r.Cloud.Customer, Charges: r.Charges,
		Amount: r.Amount().String(), Currency: string(r.Currency), Why: string(r.Why), Doubtful: r.Doubtful,
	})
}

// release makes the charges of a record pending again, some at a time. Those whose bills were reversed stay void. The
// list of a record's charges may lag: it is released when all have come by.
func (d *Desk) release(ctx context.Context, r held, round *Round) error {
	for r.Moved+r.Reversed < r.Charges {
		page, err := d.Store.List(ctx, recordList(r.ID), "", together)
		if err != nil {
			return err
		}
		next := r.Record
		var documents []ledger.Document
		for _, document := range page {
			c, err := load(document)
			if err != nil { // the record waits for it; the others don't
				d.aside(ctx, document, err, round)
				continue
			}
			if c.Status == Sent && c.Record == r.ID {
				c.Status, c.Record, c.Previous = Pending, "", r.ID
				documents = append(documents, c.Charge.document(document))
				next.Moved++
			}
		}
		if len(documents) == 0 {
			next.DueAt = d.Now().UTC().Add(time.Minute)
			return d.Store.Put(ctx, next.document(r.document))
		}
		if next.Moved+next.Reversed == next.Charges {
			next.State = RecordReleased
		}
		if err := d.Store.Put(ctx, append(documents, next.document(r.document))...); err != nil {
			return err
		}
		round.Released += len(documents)
		r.Record = next
		r.document.Version++
	}
	return nil
}
