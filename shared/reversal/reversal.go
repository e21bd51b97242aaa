// Package reversal is the undoing of a settled bill, once (README rule 21), with all that turns in the same commit. It is
// a package of its own, so that the simulation can run what the operator's desk runs.
//
//	reversal.go  Do: the undoing
//	case.go      Case: what can't be undone here, until an operator has put it right
package reversal

import (
	"context"
	"errors"

	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Wish is what an operator asks for.
type Wish struct {
	Bill   wallet.BillID
	Once   string // the client's idempotency key
	Reason string
	Actor  string
}

// Do reverses a settled bill, of whatever account. A bill that isn't settled is the refusal NotFound; one whose charge the
// cloud has accepted becomes a Case, and is a Conflict.
func Do(ctx context.Context, l *ledger.Ledger, wish Wish) (ledger.Receipt, error) {
	key := wallet.BillKey(wish.Bill)
	found, err := l.Store.Entries(ctx, key)
	if err != nil {
		return ledger.Receipt{}, err
	}
	settled, known := found[key]
	if !known {
		return ledger.Receipt{}, None()
	}
	command := wallet.Reverse{Settled: settled, Once: wish.Once, Reason: wish.Reason, Actor: wish.Actor}
	receipt, err := l.Do(ctx, settled.Account, intent(l, command))
	if accepted, ok := errors.AsType[*charge.AcceptedError](err); ok {
		return ledger.Receipt{}, open(ctx, l, wish, accepted)
	}
	return receipt, err
}

// None is the refusal of a bill that isn't settled.
func None() error { return refusal.Of(refusal.NotFound, "No such bill is settled.") }

// intent brings what a reversal depends on besides the head: the terms of lots that are used up, and the cloud's
// charge, which becomes void in the same commit. A second wish to reverse isn't answered with the first one's
// receipt, since whoever has it didn't know of the first.
func intent(l *ledger.Ledger, command wallet.Reverse) ledger.Intent {
	return ledger.Intent{
		Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
			documents, err := charge.Reverse(ctx, l.Store, command.Settled.Settlement.Bill)
			if err != nil {
				return nil, nil, err
			}
			prepared := command
			prepared.Granted, err = l.Terms(ctx, command.Settled)
			return prepared, documents, err
		},
		Clash: func(prior wallet.Entry) error {
			sameKey := command
			if sameKey.Reason = prior.Reason; sameKey.Fingerprint() == prior.Fingerprint {
				return refusal.Of(refusal.KeyReused, "The key came before with another reason; the first stands.")
			}
			at := prior.Time.UTC().Format("2006-01-02T15:04:05.000Z")
			return refusal.Of(refusal.Conflict, "The bill was reversed at %s.", at)
		},
	}
}
