package arrears

import (
	"context"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Of loads an account's standing. One that never owed anything is clear.
func Of(ctx context.Context, store ledger.Store, account wallet.AccountID) (Standing, error) {
	s, _, err := ledger.Read[Standing](ctx, store, Key(account))
	if refusal.Is(err, refusal.NotFound) {
		return Standing{Account: account, State: Clear}, nil
	}
	return s, err
}

// List lists the accounts of a state other than clear: those that count down by what is due next, the soonest first;
// the others by how long it has lasted, the oldest first. next is the place to go on before; "" at the end.
func List(ctx context.Context, store ledger.Store, state State, before string, limit int) (found []Standing, next string, err error) {
	return ledger.PageOf[Standing](ctx, store, list(state), before, limit)
}

// Cases lists an account's cases that are over, the last one first, as List does.
func Cases(ctx context.Context, store ledger.Store, account wallet.AccountID, before string, limit int) (cases []Ended, next string, err error) {
	return ledger.PageOf[Ended](ctx, store, caseList(account), before, limit)
}

// OneCase loads a case of an account, open or over.
func OneCase(ctx context.Context, store ledger.Store, account wallet.AccountID, number int) (Ended, error) {
	s, err := Of(ctx, store, account)
	if err != nil {
		return Ended{}, err
	}
	if s.Case != nil && s.Case.Number == number {
		return Ended{Account: account, Currency: s.Currency, Case: *s.Case}, nil
	}
	ended, _, err := ledger.Read[Ended](ctx, store, caseKey(account, number))
	if refusal.Is(err, refusal.NotFound) {
		err = refusal.Of(refusal.NotFound, "The account has no such case of arrears.")
	}
	return ended, err
}
