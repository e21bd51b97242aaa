// Package memory is a small ledger.Store that keeps everything in one process: for tests of millions of steps, and
// for whoever wants to read what a store must do. It keeps canonical bytes, never pointers, so nothing that a caller
// holds can change what is stored.
package memory

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Store keeps heads, entries and documents in memory. The zero Store is empty and ready.
type Store struct {
	mu        sync.Mutex
	heads     map[wallet.AccountID]head
	entries   map[wallet.Key][]byte
	journal   map[wallet.AccountID][]wallet.Key // by number
	documents map[ledger.DocumentKey]ledger.Document
}

type head struct {
	canonical []byte
	version   int64
	due       time.Time
}

var _ ledger.Store = (*Store)(nil)

// Head implements ledger.Store.
func (s *Store) Head(_ context.Context, account wallet.AccountID) (wallet.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, open := s.heads[account]
	if !open {
		return wallet.Head{Account: account}, nil
	}
	h, err := wallet.DecodeHead(kept.canonical)
	if err != nil {
		return h, fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
	}
	h.Due = kept.due
	return h, nil
}

// Entries implements ledger.Store.
func (s *Store) Entries(_ context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.read(keys)
}

func (s *Store) read(keys []wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	found := make(map[wallet.Key]wallet.Entry, len(keys))
	for _, key := range keys {
		if b, ok := s.entries[key]; ok {
			entry, err := wallet.DecodeEntry(b)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
			}
			found[key] = entry
		}
	}
	return found, nil
}

// Documents implements ledger.Store.
func (s *Store) Documents(_ context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := make(map[ledger.DocumentKey]ledger.Document, len(keys))
	for _, key := range keys {
		if d, ok := s.documents[key]; ok {
			found[key] = copied(d)
		}
	}
	return found, nil
}

func copied(d ledger.Document) ledger.Document {
	d.Body = slices.Clone(d.Body)
	return d
}

// Commit implements ledger.Store.
func (s *Store) Commit(_ context.Context, c ledger.Commit) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := writable(c); err != nil {
		return err
	}
	var taken []wallet.Key
	for _, e := range c.Entries {
		if _, exists := s.entries[e.Key]; exists {
			taken = append(taken, e.Key)
		}
	}
	switch {
	case len(taken) > 0:
		return &ledger.TakenError{Keys: taken}
	case s.stale(c.Documents):
		return ledger.ErrStale
	case s.heads[c.After.Account].version != c.Before.Version, c.NeedsDue() && !s.heads[c.After.Account].due.Equal(c.Before.Due):
		return ledger.ErrMoved
	}
	s.write(c)
	return nil
}

// writable is the fault of a commit that DynamoDB would refuse: too many items, or one of them twice.
func writable(c ledger.Commit) error {
	items := map[any]bool{}
	for _, e := range c.Entries {
		items[e.Key] = true
	}
	for _, d := range c.Documents {
		items[d.Key] = true
	}
	switch written := len(c.Entries) + len(c.Documents); {
	case written+1 > ledger.MaxActions:
		return fmt.Errorf("memory: a commit of more than %d items", ledger.MaxActions)
	case len(items) < written:
		return errors.New("memory: a commit writes an item twice")
	}
	return nil
}

func (s *Store) write(c ledger.Commit) {
	if s.heads == nil {
		s.heads, s.entries, s.journal = map[wallet.AccountID]head{}, map[wallet.Key][]byte{}, map[wallet.AccountID][]wallet.Key{}
	}
	due := s.heads[c.After.Account].due
	if !c.After.Due.Equal(c.Before.Due) {
		due = c.After.Due
	}
	s.heads[c.After.Account] = head{c.After.Canonical(), c.After.Version, due}
	for i, e := range c.Entries {
		s.entries[e.Key] = c.Canonical(i)
		s.journal[e.Account] = append(s.journal[e.Account], e.Key)
	}
	s.put(c.Documents)
}

// Put implements ledger.Store.
func (s *Store) Put(_ context.Context, documents ...ledger.Document) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := writable(ledger.Commit{Documents: documents}); err != nil {
		return err
	}
	if s.stale(documents) {
		return ledger.ErrStale
	}
	s.put(documents)
	return nil
}

func (s *Store) stale(documents []ledger.Document) bool {
	return slices.ContainsFunc(documents, func(d ledger.Document) bool { return s.documents[d.Key].Version != d.Version })
}

func (s *Store) put(documents []ledger.Document) {
	if s.documents == nil {
		s.documents = map[ledger.DocumentKey]ledger.Document{}
	}
	for _, d := range documents {
		d.Version++
		s.documents[d.Key] = copied(d)
	}
}

// Journal implements ledger.Store.
func (s *Store) Journal(_ context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return s.list(account, before, limit, func(wallet.Entry) bool { return true })
}

// Grants implements ledger.Store.
func (s *Store) Grants(_ context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return s.list(account, before, limit, func(e wallet.Entry) bool { return e.Grants() })
}

func (s *Store) list(account wallet.AccountID, before int64, limit int, wanted func(wallet.Entry) bool) ([]wallet.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := s.journal[account]
	if before > 0 && before <= int64(len(keys)) {
		keys = keys[:before-1]
	}
	var listed []wallet.Entry
	for _, key := range slices.Backward(keys) {
		if len(listed) >= limit {
			break
		}
		found, err := s.read([]wallet.Key{key})
		if err != nil {
			return nil, err
		}
		if e := found[key]; wanted(e) {
			listed = append(listed, e)
		}
	}
	return listed, nil
}

// List implements ledger.Store.
func (s *Store) List(_ context.Context, list, before string, limit int) ([]ledger.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var listed []ledger.Document
	for _, d := range s.documents {
		if d.List == list && (before == "" || d.Rank < before) {
			listed = append(listed, copied(d))
		}
	}
	slices.SortFunc(listed, func(a, b ledger.Document) int { return cmp.Compare(b.Rank, a.Rank) })
	return listed[:min(limit, len(listed))], nil
}

// Due implements ledger.Store.
func (s *Store) Due(_ context.Context, shard int, now time.Time, limit int) ([]wallet.AccountID, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []wallet.AccountID
	for account, h := range s.heads {
		if !h.due.IsZero() && !h.due.After(now) && ledger.ShardOf(account) == shard {
			due = append(due, account)
		}
	}
	slices.SortFunc(due, func(a, b wallet.AccountID) int {
		return cmp.Or(s.heads[a].due.Compare(s.heads[b].due), cmp.Compare(a, b))
	})
	return due[:min(limit, len(due))], nil
}

// Defer implements ledger.Store.
func (s *Store) Defer(_ context.Context, of wallet.Head, next time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, open := s.heads[of.Account]
	if !open || kept.version != of.Version {
		return ledger.ErrMoved
	}
	kept.due = next
	s.heads[of.Account] = kept
	return nil
}
