// Package lock tells which workspaces are locked now, and why: because their account hasn't repaid its arrears in time
// (README rule 26), or because the cloud account that paid for them was unlinked (README rule 27). It is told from what
// holds at this instant, not from what was announced: a workspace that is bound to a locked account is locked, and one
// whose account has just repaid isn't any more, whenever the product hears of it. A lock stops no settlement.
package lock

import (
	"context"
	"maps"
	"time"

	"billingcentre/shared/arrears"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Cause is why a workspace is locked.
type Cause string

// The causes.
const (
	Arrears       Cause = "arrears"
	CloudUnlinked Cause = "cloud_unlinked"
)

// Lock is a workspace's.
type Lock struct {
	Cause Cause
	Since time.Time
}

// Of tells which of an account's workspaces are locked. It costs two reads of the store at most, however many they are,
// up to a page of a list.
func Of(ctx context.Context, store ledger.Store, account wallet.AccountID, workspaces ...directory.Workspace) (map[wallet.WorkspaceID]Lock, error) {
	keys := []ledger.DocumentKey{arrears.Key(account)}
	on := map[wallet.CloudAccount]bool{}
	for _, w := range workspaces {
		if b := w.Current(); b.Account == account && b.Method == wallet.Cloud && !on[b.Cloud] {
			on[b.Cloud] = true
			keys = append(keys, cloudlink.Key(account, b.Cloud))
		}
	}
	found, err := read(ctx, store, keys)
	if err != nil {
		return nil, err
	}
	owed, err := byArrears(ctx, store, account, found)
	if err != nil {
		return nil, err
	}
	locks := map[wallet.WorkspaceID]Lock{}
	for _, w := range workspaces {
		b := w.Current()
		since, cause := owed, Arrears
		if b.Method == wallet.Cloud {
			cause = CloudUnlinked
			if since, err = byLink(found, cloudlink.Key(account, b.Cloud)); err != nil {
				return nil, err
			}
		}
		if b.Account == account && !since.IsZero() {
			locks[w.ID] = Lock{cause, later(since, b.From)}
		}
	}
	return locks, nil
}

// read loads documents, as many at once as a store may.
func read(ctx context.Context, store ledger.Store, keys []ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	const most = 100
	found, err := store.Documents(ctx, keys[:min(len(keys), most)]...)
	if err != nil || len(keys) <= most {
		return found, err
	}
	rest, err := read(ctx, store, keys[most:])
	maps.Copy(found, rest)
	return found, err
}

// byArrears is since when the account is locked; zero if it isn't, or has just repaid.
func byArrears(ctx context.Context, store ledger.Store, account wallet.AccountID, found map[ledger.DocumentKey]ledger.Document) (time.Time, error) {
	document, there := found[arrears.Key(account)]
	if !there {
		return time.Time{}, nil
	}
	s, err := ledger.Body[arrears.Standing](document)
	if err != nil || s.State != arrears.Locked {
		return time.Time{}, err
	}
	head, err := store.Head(ctx, account)
	if err != nil || !head.Arrears.IsPositive() {
		return time.Time{}, err
	}
	return s.Case.LockedAt, nil
}

// byLink is since when workspaces on a link are locked.
func byLink(found map[ledger.DocumentKey]ledger.Document, key ledger.DocumentKey) (time.Time, error) {
	document, there := found[key]
	if !there {
		return time.Time{}, nil
	}
	link, err := ledger.Body[cloudlink.Link](document)
	return link.LockedAt, err
}

// later is the later instant: a workspace that came under a lock is locked since it came.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
