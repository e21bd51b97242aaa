// Package charge is what a linked cloud account owes for a settled bill: the remainder that vouchers and cards didn't
// pay (README rule 20). A charge is written pending, in the very commit of the bill's entry; whoever meters it at the
// cloud's marketplace takes it from the list of pending ones and turns it accepted or rejected. It never falls back
// on cash or arrears by itself.
package charge

import (
	"context"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	documentKind = "cloud-charge"
	pendingList  = "cloud-charges#pending"
)

// Status is how far a charge has come.
type Status string

// The statuses: pending becomes one of the others, for ever.
const (
	Pending  Status = "pending"
	Accepted Status = "accepted"
	Rejected Status = "rejected"
	Void     Status = "void" // its bill was reversed in time
)

// Charge is one bill's remainder on one cloud account.
type Charge struct {
	Bill      wallet.BillID       `json:"bill_id"`
	Account   wallet.AccountID    `json:"account_id"`
	Workspace wallet.WorkspaceID  `json:"workspace_id"`
	Day       string              `json:"day"`
	Cloud     wallet.CloudAccount `json:"cloud"`
	Amount    string              `json:"amount"`
	Currency  money.Currency      `json:"currency"`
	Status    Status              `json:"status"`
	At        time.Time           `json:"at"` // when the bill was settled
}

// Of is the pending charge of a settlement, as a document to commit with its entry; none when the cloud owes nothing.
func Of(entry wallet.Entry) []ledger.Document {
	s := entry.Settlement
	if s == nil || s.Method != wallet.Cloud {
		return nil
	}
	currency := entry.Balances.Cash.Currency()
	amount := s.Paid(wallet.AtCloud, 0, currency)
	if !amount.IsPositive() {
		return nil
	}
	c := Charge{
		Bill: s.Bill, Account: entry.Account, Workspace: s.Workspace, Day: s.Day, Cloud: s.Cloud,
		Amount: amount.String(), Currency: currency, Status: Pending, At: entry.Time,
	}
	return []ledger.Document{ledger.Document{Key: Key(s.Bill)}.With(c).In(pendingList, c.Rank())}
}

// Rank is the charge's place in the list of pending ones.
func (c Charge) Rank() string {
	return c.At.UTC().Format("2006-01-02T15:04:05.000Z") + " " + string(c.Bill)
}

// Key is the document of a bill's charge.
func Key(bill wallet.BillID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: documentKind, ID: string(bill)}
}

// Get loads a bill's charge. A bill that the cloud owes nothing for has none: NotFound.
func Get(ctx context.Context, store ledger.Store, bill wallet.BillID) (Charge, error) {
	c, _, err := ledger.Read[Charge](ctx, store, Key(bill))
	return c, err
}

// ListPending lists charges that are still pending, the last settled first.
func ListPending(ctx context.Context, store ledger.Store, before string, limit int) ([]Charge, error) {
	documents, err := store.List(ctx, pendingList, before, limit)
	if err != nil {
		return nil, err
	}
	charges := make([]Charge, len(documents))
	for i, document := range documents {
		if charges[i], err = ledger.Body[Charge](document); err != nil {
			return nil, err
		}
	}
	return charges, nil
}

// Reverse gives the document to commit with the reversal of a bill (README rule 21): a pending charge becomes void,
// and what the cloud never owed or rejected needs nothing. An accepted one can't be undone: Conflict.
func Reverse(ctx context.Context, store ledger.Store, bill wallet.BillID) ([]ledger.Document, error) {
	c, document, err := ledger.Read[Charge](ctx, store, Key(bill))
	switch {
	case refusal.Is(err, refusal.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case c.Status == Accepted:
		return nil, refusal.Of(refusal.Conflict, "The cloud has accepted the charge of %s %s; that can't be undone here.", c.Currency, c.Amount)
	case c.Status != Pending:
		return nil, nil
	}
	c.Status = Void
	return []ledger.Document{document.With(c).In("", "")}, nil
}
