package faults

import (
	"context"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Store is a ledger.Store whose calls fail as planned. Reads fail with the write's error for the same fault.
type Store struct {
	desk
	next ledger.Store
}

var _ ledger.Store = (*Store)(nil)

// Over puts faults over a store.
func Over(next ledger.Store, plan Plan) *Store { return &Store{desk: desk{plan: plan}, next: next} }

// run makes one call, or what its fault makes of it.
func (s *Store) run(operation string, write bool, do func() error) error {
	call, fault := s.ask(operation, write)
	defer s.through(call)
	switch fault.Kind {
	case Nothing:
		return do()
	case AnswerLost, ServerErrorDone:
		_ = do() // its answer is what is lost
	case Late:
		s.hold(call, fault.After, func() { _ = do() })
	case Throttled, ThrottledInside:
		return ledger.ErrThrottled
	case Conflict:
		return ledger.ErrContended
	}
	return ledger.ErrUnknown
}

// read is run for a call that gives something.
func read[T any](s *Store, operation string, do func() (T, error)) (result T, err error) {
	err = s.run(operation, false, func() (err error) { result, err = do(); return err })
	if err != nil {
		var none T
		return none, err
	}
	return result, nil
}

// Head implements ledger.Store.
func (s *Store) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	return read(s, "Head", func() (wallet.Head, error) { return s.next.Head(ctx, account) })
}

// Entries implements ledger.Store.
func (s *Store) Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	return read(s, "Entries", func() (map[wallet.Key]wallet.Entry, error) { return s.next.Entries(ctx, keys...) })
}

// Documents implements ledger.Store.
func (s *Store) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	return read(s, "Documents", func() (map[ledger.DocumentKey]ledger.Document, error) { return s.next.Documents(ctx, keys...) })
}

// Commit implements ledger.Store.
func (s *Store) Commit(ctx context.Context, commit ledger.Commit) error {
	return s.run("Commit", true, func() error { return s.next.Commit(context.WithoutCancel(ctx), commit) })
}

// Put implements ledger.Store.
func (s *Store) Put(ctx context.Context, documents ...ledger.Document) error {
	return s.run("Put", true, func() error { return s.next.Put(context.WithoutCancel(ctx), documents...) })
}

// Journal implements ledger.Store.
func (s *Store) Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return read(s, "Journal", func() ([]wallet.Entry, error) { return s.next.Journal(ctx, account, before, limit) })
}

// Grants implements ledger.Store.
func (s *Store) Grants(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return read(s, "Grants", func() ([]wallet.Entry, error) { return s.next.Grants(ctx, account, before, limit) })
}

// List implements ledger.Store.
func (s *Store) List(ctx context.Context, list, before string, limit int) ([]ledger.Document, error) {
	return read(s, "List", func() ([]ledger.Document, error) { return s.next.List(ctx, list, before, limit) })
}

// Due implements ledger.Store.
func (s *Store) Due(ctx context.Context, shard int, now time.Time, limit int) ([]wallet.AccountID, error) {
	return read(s, "Due", func() ([]wallet.AccountID, error) { return s.next.Due(ctx, shard, now, limit) })
}

// Defer implements ledger.Store.
func (s *Store) Defer(ctx context.Context, head wallet.Head, next time.Time) error {
	return s.run("Defer", true, func() error { return s.next.Defer(context.WithoutCancel(ctx), head, next) })
}
