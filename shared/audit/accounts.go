package audit

import (
	"context"

	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Accounts are audited as the list of all accounts has them. One that is taken out of it would never be looked at again,
// and nothing would show; so those that were audited before are listed, too, by the auditor's own documents.

// Known lists a page of the accounts that were ever audited. next is where to go on from, "" at the end.
func (a *Auditor) Known(ctx context.Context, before string) (known []wallet.AccountID, next string, err error) {
	states, next, err := ledger.PageOf[state](ctx, a.Store, stateList, before, pageSize)
	for _, s := range states {
		known = append(known, s.Account)
	}
	return known, next, err
}

// Audited tells whether an account was ever audited.
func (a *Auditor) Audited(ctx context.Context, account wallet.AccountID) (bool, error) {
	_, document, err := a.load(ctx, account)
	return document.Version > 0, err
}

// Vanished is Unlisted, and keeps what it finds.
func (a *Auditor) Vanished(ctx context.Context, known []wallet.AccountID) ([]Finding, error) {
	found, err := a.Unlisted(ctx, known)
	if err != nil {
		return nil, err
	}
	return found, a.keep(ctx, found)
}

// Unlisted finds accounts among some that were audited before which the list of all lacks.
func (a *Auditor) Unlisted(ctx context.Context, known []wallet.AccountID) ([]Finding, error) {
	d := directory.Directory{Store: a.Store, Now: a.Now}
	unlisted, err := d.Unlisted(ctx, known)
	if err != nil {
		return nil, err
	}
	var found []Finding
	for _, account := range unlisted {
		found = append(found, Finding{Kind: AccountMissing, Account: account, Detail: "it was audited before, but its document isn't in the list of all accounts, or can't be read"})
	}
	return found, nil
}
