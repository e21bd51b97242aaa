package ledger

import (
	"context"
	"fmt"

	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Open is the head of an account that is open; any other is the refusal NotFound.
func (l *Ledger) Open(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	head, err := l.Store.Head(ctx, account)
	if err == nil && head.Version == 0 {
		err = refusal.Of(refusal.NotFound, "There is no such account.")
	}
	return head, err
}

const (
	termsPage  = 100 // grants read at once
	termsPages = 100 // how many times: ten thousand grants before one bill
)

// Terms finds the terms of the lots that a bill drew on and that the head has dropped since, as wallet.Reverse needs
// them. Those that the head still holds are given too: they may be dropped before the reversal is decided.
//
// A dropped lot is only in the journal, in an entry that came before the bill's. So the grants are read backwards
// from there: what a bill drew on was mostly granted not long before it.
func (l *Ledger) Terms(ctx context.Context, settled wallet.Entry) (map[wallet.LotID]wallet.Lot, error) {
	head, err := l.Store.Head(ctx, settled.Account)
	if err != nil {
		return nil, err
	}
	terms := make(map[wallet.LotID]wallet.Lot)
	for _, lot := range head.Lots {
		terms[lot.ID] = lot
	}
	missing := make(map[wallet.LotID]bool)
	for _, id := range head.Dropped(settled) {
		missing[id] = true
	}
	before := settled.Number
	for range termsPages {
		if len(missing) == 0 {
			return terms, nil
		}
		page, err := l.Store.Grants(ctx, settled.Account, before, termsPage)
		if err != nil {
			return nil, err
		}
		for _, entry := range page {
			for _, lot := range entry.Lots {
				terms[lot.ID] = lot
				delete(missing, lot.ID)
			}
			before = entry.Number
		}
		if len(page) < termsPage {
			break
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("terms of %d lots of %s weren't found before entry %d", len(missing), settled.Key, before)
	}
	return terms, nil
}
