package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Kind is what is wrong.
type Kind string

// The kinds of findings.
const (
	HeadDiffers     Kind = "head_differs"      // the journal gives another head than the one that is kept
	HeadBehind      Kind = "head_behind"       // the head knows less than the journal, or than was verified before
	Missing         Kind = "entry_missing"     // a number below the head's has no entry
	Misplaced       Kind = "entry_misplaced"   // an entry tells another number or account than its place does
	ChainBroken     Kind = "chain_broken"      // an entry doesn't bear the hash of the one before it
	Unbalanced      Kind = "entry_unbalanced"  // its postings don't lead from the balances before to those that it tells
	OutOfTime       Kind = "entry_out_of_time" // it spent a fund after its time, or cleared one before
	WrongCause      Kind = "cause_differs"     // its key isn't that of what it did
	CauseTwice      Kind = "cause_twice"       // two entries of one cause
	DocumentDiffers Kind = "document_differs"  // an order, a code or a charge tells something else than its entry
	Rewritten       Kind = "journal_rewritten"
	Damaged         Kind = "damaged"         // it can't even be read
	Unlisted        Kind = "grant_unlisted"  // an entry that granted funds isn't in the list of grants
	Forgotten       Kind = "lapse_forgotten" // nobody would look when a fund's time is over
	AccountMissing  Kind = "account_missing" // the list of all accounts lacks one that was audited before
)

const (
	findingKind = "audit-finding"
	findingList = "audit-findings"
	instant     = "2006-01-02T15:04:05.000Z" // sorts as time does
)

// Finding is one thing that is wrong in an account.
type Finding struct {
	ID      string           `json:"finding_id"`
	Account wallet.AccountID `json:"account_id"`
	Kind    Kind             `json:"kind"`
	Number  int64            `json:"number,omitempty"` // of the entry where it shows
	Key     wallet.Key       `json:"key,omitempty"`
	Detail  string           `json:"detail"`
	FoundAt time.Time        `json:"found_at"` // the first time
}

// String is the finding on one line.
func (f Finding) String() string {
	return fmt.Sprintf("%s: %s at entry %d %s: %s", f.Account, f.Kind, f.Number, f.Key, f.Detail)
}

// id is the same for the same thing found again: it is kept once.
func (f Finding) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s %d %q", f.Account, f.Kind, f.Number, f.Key))
	return hex.EncodeToString(sum[:12])
}

// rank is the finding's place in the list of all.
func (f Finding) rank() string { return f.FoundAt.UTC().Format(instant) + " " + f.ID }

// keep writes findings down, each once.
func (a *Auditor) keep(ctx context.Context, found []Finding) error {
	for i := range found {
		f := &found[i]
		f.ID, f.FoundAt = f.id(), a.Now().UTC().Truncate(time.Millisecond)
		document := ledger.Document{Key: ledger.DocumentKey{Kind: findingKind, ID: f.ID}}.With(f).In(findingList, f.rank())
		if err := a.Store.Put(ctx, document); err != nil && !errors.Is(err, ledger.ErrStale) {
			return fmt.Errorf("keep finding %s: %w", f, err)
		}
	}
	return nil
}

// Findings lists what was found, the last found first, from the one before a place ("": from the first). next is
// the place to go on before; "" at the end.
func Findings(ctx context.Context, store ledger.Store, before string, limit int) (found []Finding, next string, err error) {
	return ledger.PageOf[Finding](ctx, store, findingList, before, limit)
}
