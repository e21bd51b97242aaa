// Package ledger makes the wallet's decisions durable: one loop of load, decide and commit, and the contract
// of the store under it.
//
// A commit is all or nothing, and its conditions are of three kinds only, so that no failure has two meanings:
// an entry that exists was done before (compare, then answer as the first time, or refuse); a document that has
// moved must be loaded again; a head that has moved means that somebody else was faster. Whether there is enough
// money is no condition: it was decided on the head's version, and is true if that version is still there.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Store keeps heads, entries and documents. Every read but the lists is strongly consistent: it sees all that was
// committed before it began. Every write is conditional. Reads fail with ErrThrottled, ErrUnknown or a fault.
type Store interface {
	// Head loads a wallet's head. An account that isn't open has version 0, and that is no error.
	Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error)
	// Entries loads entries by their keys. Keys without an entry are absent from the answer.
	Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error)
	// Documents loads documents. Keys without a document are absent from the answer.
	Documents(ctx context.Context, keys ...DocumentKey) (map[DocumentKey]Document, error)

	// Commit writes one head, its entries and its documents, all or nothing. It fails with *TakenError, ErrStale or
	// ErrMoved, in this order of precedence, with ErrContended or ErrThrottled, when nothing was written, and with
	// ErrUnknown when that can't be known. A commit that changes the head's Due fails with ErrMoved, too, if somebody
	// else has changed it since the head was loaded: a deferral must not hide the lots that a grant brings.
	Commit(ctx context.Context, commit Commit) error
	// Put writes documents that move no money, all or nothing, with the errors of Commit.
	Put(ctx context.Context, documents ...Document) error

	// Journal lists entries of an account, newest first, from the one before number before (0: the newest).
	// The list may lag behind commits.
	Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error)
	// Grants is Journal for entries that brought vouchers or cards into the wallet.
	Grants(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error)
	// List lists documents by descending rank, from the one before rank before ("": the highest). It may lag.
	List(ctx context.Context, list, before string, limit int) ([]Document, error)

	// Due lists accounts of one of DueShards shards whose Head.Due has come, earliest first. It may lag.
	Due(ctx context.Context, shard int, now time.Time, limit int) ([]wallet.AccountID, error)
	// Defer sets the head's Due to next (zero: never), if the head is still of its version: else ErrMoved.
	Defer(ctx context.Context, head wallet.Head, next time.Time) error
}

// DueShards is the number of partitions over which the index of due wallets is spread.
const DueShards = 8

// MaxActions is how many items one commit may write, its head included.
const MaxActions = 100

// Commit is one atomic write.
type Commit struct {
	Before    wallet.Head // its version is the head's condition
	After     wallet.Head
	Entries   []wallet.Entry // none of which may exist
	Documents []Document     // each at the version at which it was loaded

	canonical [][]byte // of the entries, where the loop that decided them has them already
}

// Canonical is the canonical bytes of the entry at an index. Nobody may change them.
func (c *Commit) Canonical(entry int) []byte {
	if len(c.canonical) == len(c.Entries) {
		return c.canonical[entry]
	}
	return c.Entries[entry].Canonical()
}

// NeedsDue tells whether the head's Due must still be as it was loaded: the commit changes it, or brings lots, of which a
// Defer since then knew nothing.
func (c *Commit) NeedsDue() bool {
	return !c.After.Due.Equal(c.Before.Due) || slices.ContainsFunc(c.Entries, func(e wallet.Entry) bool { return len(e.Lots) > 0 })
}

// DocumentKey names a document: its kind ("recharge", "code", "workspace", ...) and its id within it.
type DocumentKey struct {
	Kind string
	ID   string
}

// Document is the state of something that isn't money: a recharge order, a voucher code, a workspace's bindings.
type Document struct {
	Key     DocumentKey
	Version int64  // as loaded; 0: it doesn't exist yet. Writing makes it Version+1
	Body    []byte // JSON, or bytes that aren't text in UTF-8
	List    string // the list that it is in; "" for none
	Rank    string // its place in the list
	// Until is when the store may forget it, a whole second; zero: never. It goes days later, so whoever reads such
	// documents must tell by himself that their time is over. Nothing that money depends on may have an end.
	Until time.Time
}

// The failures of a store. Those that are refusals may be handed to whoever asked: the same request, with the same
// key, can be sent again.
var (
	ErrStale     = errors.New("ledger: a document has moved")
	ErrMoved     = errors.New("ledger: the head has moved")
	ErrContended = retryable(refusal.Contended, "Others are writing to the same wallet.")
	ErrThrottled = retryable(refusal.Throttled, "The database asks for patience.")
	ErrUnknown   = retryable(refusal.Unavailable, "The database didn't answer in time; ask again with the same key.")
	ErrDamaged   = errors.New("ledger: what is stored is nothing that was ever committed") // of reads; no refusal: it is for the auditor
)

func retryable(kind refusal.Kind, detail string) error {
	return &refusal.Refusal{Kind: kind, Detail: detail, RetryAfter: 1}
}

// TakenError says that entries exist already: those that the store could tell, which may not be all.
type TakenError struct {
	Keys []wallet.Key
}

func (e *TakenError) Error() string { return fmt.Sprintf("ledger: entries exist: %v", e.Keys) }

// ShardOf is the shard of an account in the index of due wallets.
func ShardOf(account wallet.AccountID) int {
	h := fnv.New32a()
	h.Write([]byte(account))
	return int(h.Sum32() % DueShards)
}
