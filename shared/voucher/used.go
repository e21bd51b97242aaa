package voucher

import (
	"context"
	"fmt"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Use is a code that was used, without the code: the auditor compares it with its entry.
type Use struct {
	Entry     wallet.Key
	Account   wallet.AccountID
	Reference string // batch and serial, as the entry tells them
	Rank      string // its place in the list
	Err       error  // its document can't be read: nothing but its place is known
}

func usedList(account wallet.AccountID) string { return "used-codes#" + string(account) }

func usedRank(at time.Time, id string) string {
	return at.UTC().Format("2006-01-02T15:04:05.000Z") + " " + id[:min(len(id), 16)]
}

// Used lists the codes that an account has used, the last one first, from the one before a rank.
func Used(ctx context.Context, store ledger.Store, account wallet.AccountID, before string, limit int) ([]Use, error) {
	documents, err := store.List(ctx, usedList(account), before, limit)
	if err != nil {
		return nil, err
	}
	uses := make([]Use, len(documents))
	for i, document := range documents {
		code, err := ledger.Body[codeBody](document)
		uses[i] = Use{code.Entry, code.Account, fmt.Sprintf("%s/%d", code.Batch, code.Serial), document.Rank, err}
	}
	return uses, nil
}
