// Package proof shows, once a day, that no fen is missing (failures: I8).
//
//	proof.go    Proof: one day of one source, its totals, and whether they fit
//	case.go     Case: one row that doesn't fit, until an operator has closed it with a reason
//	provider.go a payment provider's bill against our orders and our journal
//	bank.go     a bank's statements against our journal, and what is still in suspense
//	run.go      Auditor: the days that are due
//	heal.go     cases that came right afterwards, and close themselves
//
// Each side is read on its own: what the provider says it moved; what our orders say; what the journal booked. A row
// that isn't on both sides, or not with the same amount or in the same state, becomes a case, whose difference is what
// it adds to theirs − ours. So a day fits, or its cases say to the fen why not:
//
//	theirs − ours = the sum of the cases' differences
//
// Proofs and cases are documents with ids that come from what they are about. Running again finds them and changes
// nothing. Our side is found by lists that were written with the money, never by looking through a table.
package proof

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

const (
	proofKind = "proof"
	proofList = "proofs"
	rankForm  = "20060102T150405.000Z"
)

// zone is where a day begins and ends: mainland China, all year round, without time-zone files.
var zone = time.FixedZone("CST", 8*60*60)

// Totals are one side's sums, in minor units.
type Totals struct {
	Payments int   `json:"payments"`       // how many
	In       int64 `json:"in_minor"`       // what they sum up to
	Refunds  int   `json:"refunds"`        //
	Out      int64 `json:"out_minor"`      //
	Held     int64 `json:"held_minor"`     // of In, ours only: not credited, but waiting to be sent back or assigned
	Returned int64 `json:"returned_minor"` // of Out, ours only: what had not been credited
}

// Net is money in, less what went back.
func (t Totals) Net() int64 { return t.In - t.Out }

// Proof is the outcome of a day.
type Proof struct {
	ID       string         `json:"proof_id"` // source and day
	Source   string         `json:"source"`   // a channel's name, or "bank"
	Day      string         `json:"day"`
	Currency money.Currency `json:"currency"`
	RanAt    time.Time      `json:"ran_at"`
	NoBill   bool           `json:"no_bill,omitzero"` // the provider has none, and we know of nothing either
	Theirs   Totals         `json:"theirs"`
	Ours     Totals         `json:"ours"`
	Cases    []string       `json:"cases,omitempty"`
}

// Difference is theirs less ours: the sum of the cases' differences.
func (p Proof) Difference() int64 { return p.Theirs.Net() - p.Ours.Net() }

// Balanced tells whether every row of both sides has found its counterpart.
func (p Proof) Balanced() bool { return len(p.Cases) == 0 && p.Difference() == 0 }

func proofID(source, day string) string { return source + "-" + day }

func proofKey(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: proofKind, ID: id} }

// finding is a comparison before it is kept.
type finding struct {
	Proof
	cases []Case
}

// note adds a case, and what it is about to the totals.
func (f *finding) note(c Case) {
	c.Source, c.Day, c.Currency = f.Source, f.Day, f.Currency
	c.ID = "C" + digest(f.Source, f.Day, string(c.Class), c.Order, c.Trade, c.Refund)
	f.cases = append(f.cases, c)
	f.Proof.Cases = append(f.Proof.Cases, c.ID)
}

func digest(fields ...string) string {
	h := sha256.New()
	for _, f := range fields {
		h.Write([]byte{byte(len(f) >> 8), byte(len(f))})
		h.Write([]byte(f))
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// Book keeps proofs and cases.
type Book struct {
	Store ledger.Store
	Now   func() time.Time
}

// Proof is the proof of a source's day.
func (b *Book) Proof(ctx context.Context, id string) (Proof, error) {
	proof, _, err := ledger.Read[Proof](ctx, b.Store, proofKey(id))
	if refusal.Is(err, refusal.NotFound) {
		err = refusal.Of(refusal.NotFound, "There is no such proof.")
	}
	return proof, err
}

// Proofs is a page of all proofs, the latest day first; next is "" at the end.
func (b *Book) Proofs(ctx context.Context, before string, limit int) ([]Proof, string, error) {
	return ledger.PageOf[Proof](ctx, b.Store, proofList, before, limit)
}

// keep writes a finding: its cases first, the proof last, each only if it isn't there. first tells whether this run
// wrote the proof.
func (b *Book) keep(ctx context.Context, f finding) (proof Proof, first bool, err error) {
	now := b.Now().UTC().Truncate(time.Millisecond)
	for _, c := range f.cases {
		c.State, c.OpenedAt = CaseOpen, now
		if _, err := b.once(ctx, c.document(ledger.Document{Key: caseKey(c.ID)})); err != nil {
			return Proof{}, false, err
		}
	}
	f.RanAt = now
	first, err = b.once(ctx, ledger.Document{Key: proofKey(f.ID)}.With(f.Proof).In(proofList, f.Day+" "+f.Source))
	if err != nil {
		return Proof{}, false, err
	}
	proof, err = b.Proof(ctx, f.ID)
	return proof, first, err
}

const tries = 5

// once writes a document unless it exists.
func (b *Book) once(ctx context.Context, document ledger.Document) (first bool, err error) {
	for range tries {
		err = b.Store.Put(ctx, document)
		switch {
		case errors.Is(err, ledger.ErrStale):
			return false, nil
		case !errors.Is(err, ledger.ErrUnknown) && !errors.Is(err, ledger.ErrContended):
			return err == nil, err
		}
	}
	return false, err
}
