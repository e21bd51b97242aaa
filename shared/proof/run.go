package proof

import (
	"context"
	"errors"
	"fmt"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
)

const lookBack = 7 // days: a bill that was late, or a run that failed, is made up for

// Source is one side that days are compared with.
type Source interface {
	find(ctx context.Context, day string) (finding, error)
}

// Auditor runs the proofs that are due.
type Auditor struct {
	Book    *Book
	Sources map[string]Source // by the name that their proofs have
	// Found, if set, hears of each proof when it is first written.
	Found func(Proof)
}

// NewAuditor has a provider's bills and, if transfers are configured, a bank's statements.
func NewAuditor(book *Book, provider Provider, bank Bank) *Auditor {
	a := &Auditor{Book: book, Sources: map[string]Source{provider.Biller.Name(): provider}}
	if bank.Desk.Config.Receiver.Number != "" {
		a.Sources[bankSource] = bank
	}
	return a
}

// Run proves yesterday, and each of the days before that has no proof yet, and closes the cases that have come right
// since. A source that fails stops no other.
func (a *Auditor) Run(ctx context.Context) ([]Proof, error) {
	today := a.Book.Now().In(zone)
	var days []string
	for back := lookBack; back >= 1; back-- {
		days = append(days, today.AddDate(0, 0, -back).Format(time.DateOnly))
	}
	var proofs []Proof
	var failed []error
	for name := range a.Sources {
		for _, day := range days {
			proof, err := a.prove(ctx, name, day)
			if err != nil {
				failed = append(failed, fmt.Errorf("%s of %s: %w", name, day, err))
				continue
			}
			proofs = append(proofs, proof)
		}
	}
	failed = append(failed, a.heal(ctx))
	return proofs, errors.Join(failed...)
}

// prove is the proof of a source's day: the one that is there, or a new one.
func (a *Auditor) prove(ctx context.Context, name, day string) (Proof, error) {
	proof, _, err := ledger.Read[Proof](ctx, a.Book.Store, proofKey(proofID(name, day)))
	if !refusal.Is(err, refusal.NotFound) {
		return proof, err
	}
	f, err := a.Sources[name].find(ctx, day)
	if err != nil {
		return Proof{}, err
	}
	proof, first, err := a.Book.keep(ctx, f)
	if err == nil && first && a.Found != nil {
		a.Found(proof)
	}
	return proof, err
}
