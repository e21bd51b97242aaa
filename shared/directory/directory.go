// Package directory knows who pays for what: billing accounts, and the workspaces that are bound to them.
//
//	directory.go  Account, Directory
//	workspace.go  Workspace: the history of its bindings, and the rules by which it grows (pure)
//	binding.go    Bind, ChangeMethod, Unbind, Return
//	certification.go  who an account's owner was certified as
//	payer.go      Settle: which account settles a bill, and how
//	day.go        when a day ends in a time zone
//
// A workspace is one document that holds its whole history, so a change of it is one conditional write. The history
// only grows, at its end or into time in which the workspace was unbound: what was in force at a past instant stays
// in force for ever. That is what a bill depends on, however late it comes (README rule 18), and what makes it safe
// to remember who paid for a day that is over.
package directory

import (
	"context"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	accountKind = "account"
	accountList = "accounts"
	instant     = "2006-01-02T15:04:05.000Z" // sorts as time does
)

// Account is a billing account: the customer's own account for money.
type Account struct {
	ID            wallet.AccountID `json:"account_id"`
	Name          string           `json:"name"`
	Currency      money.Currency   `json:"currency"`
	Zone          string           `json:"time_zone"` // of its billing days: an IANA name
	OpenedAt      time.Time        `json:"opened_at"`
	Certification *Certification   `json:"certification,omitempty"` // nil: not certified
}

// Directory finds and changes accounts and workspaces. It is safe for concurrent use.
type Directory struct {
	Store ledger.Store
	Now   func() time.Time

	payers payers
}

// Opening is the intent that opens an account: its wallet and its document in one commit.
func Opening(account Account, actor string) ledger.Intent {
	return ledger.Intent{
		Command: wallet.Open{Account: account.ID, Currency: account.Currency, Zone: account.Zone, Name: account.Name, Actor: actor},
		After: func(entry wallet.Entry) []ledger.Document {
			account.OpenedAt = entry.Time
			return []ledger.Document{accountDocument(account)}
		},
	}
}

func accountDocument(account Account) ledger.Document {
	return ledger.Document{Key: accountKey(account.ID)}.With(account).In(accountList, account.rank())
}

func accountKey(id wallet.AccountID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: accountKind, ID: string(id)}
}

// rank is the account's place in the list of all.
func (a Account) rank() string { return a.OpenedAt.UTC().Format(instant) + " " + string(a.ID) }

// Account loads an account. One that isn't open is the refusal NotFound.
func (d *Directory) Account(ctx context.Context, id wallet.AccountID) (Account, error) {
	account, _, err := ledger.Read[Account](ctx, d.Store, accountKey(id))
	if refusal.Is(err, refusal.NotFound) {
		return Account{}, noAccount()
	}
	return account, err
}

func noAccount() error { return refusal.Of(refusal.NotFound, "There is no such account.") }

// Accounts lists accounts, the last opened first, from the one before a place ("": from the first). next is the place to
// go on before; "" at the end.
func (d *Directory) Accounts(ctx context.Context, before string, limit int) (accounts []Account, next string, err error) {
	return ledger.PageOf[Account](ctx, d.Store, accountList, before, limit)
}

// Listed is an account as the list of all has it: by its document's key and place, which hold though nobody can read it.
type Listed struct {
	ID   wallet.AccountID
	Rank string
}

// List is Accounts for those who must miss none: a document that can't be read hides no account.
func (d *Directory) List(ctx context.Context, before string, limit int) ([]Listed, error) {
	documents, err := d.Store.List(ctx, accountList, before, limit)
	listed := make([]Listed, len(documents))
	for i, document := range documents {
		listed[i] = Listed{wallet.AccountID(document.Key.ID), document.Rank}
	}
	return listed, err
}

// Unlisted are those of some accounts that the list of all lacks: their documents are gone, can't be read, or say that they
// aren't in it.
func (d *Directory) Unlisted(ctx context.Context, ids []wallet.AccountID) (unlisted []wallet.AccountID, err error) {
	for chunk := range slices.Chunk(ids, together) {
		keys := make([]ledger.DocumentKey, len(chunk))
		for i, id := range chunk {
			keys[i] = accountKey(id)
		}
		documents, err := d.Store.Documents(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for i, id := range chunk {
			document := documents[keys[i]]
			account, err := ledger.Body[Account](document)
			if err != nil || account.ID != id || document.List != accountList || document.Rank != account.rank() {
				unlisted = append(unlisted, id)
			}
		}
	}
	return unlisted, nil
}

// Workspaces lists the workspaces bound to an account, the last bound first, as Accounts does.
func (d *Directory) Workspaces(ctx context.Context, account wallet.AccountID, before string, limit int) (workspaces []Workspace, next string, err error) {
	return ledger.PageOf[Workspace](ctx, d.Store, workspaceList(account), before, limit)
}

// Workspace loads a workspace for an account that it is, or was, bound to. For every other account there is none.
func (d *Directory) Workspace(ctx context.Context, account wallet.AccountID, id wallet.WorkspaceID) (Workspace, error) {
	w, _, err := ledger.Read[Workspace](ctx, d.Store, workspaceKey(id))
	if refusal.Is(err, refusal.NotFound) || err == nil && len(w.Periods(account)) == 0 {
		return Workspace{}, noWorkspace()
	}
	return w, err
}
