package sim

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// wire is the store as a worker sees it: at the far end of a network.
type wire struct {
	worker *worker
	store  ledger.Store
}

var _ ledger.Store = wire{}

func read[T any](w wire, ctx context.Context, label string, do func(context.Context) (T, error)) (T, error) {
	var found T
	err := w.worker.leave(ctx, label, false, ledger.ErrUnknown, func() (err error) { found, err = do(context.Background()); return err })
	if err != nil {
		var none T
		return none, err
	}
	return found, nil
}

// listed is a read of a list, which may lag behind: what it gave before, it may give again (T-35).
func listed[T any](w wire, ctx context.Context, label string, do func(context.Context) (T, error)) (T, error) {
	return read(w, ctx, label, func(ctx context.Context) (T, error) {
		s := w.worker.sim
		if before, ok := s.lists[label].(T); ok && s.weather.stale > 0 && s.lag.Float64() < s.weather.stale {
			s.tell("  as before")
			return before, nil
		}
		found, err := do(ctx)
		if err == nil {
			s.lists[label] = found
		}
		return found, err
	})
}

func (w wire) write(ctx context.Context, about wallet.AccountID, label string, do func(context.Context) error) error {
	return w.worker.park(ctx, &call{
		worker: w.worker, label: label, about: about, write: true, failed: ledger.ErrUnknown, answer: make(chan error, 1),
		do: func() error { return do(context.Background()) },
	})
}

func (w wire) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	return read(w, ctx, "head "+string(account), func(ctx context.Context) (wallet.Head, error) { return w.store.Head(ctx, account) })
}

func (w wire) Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	return read(w, ctx, "entries "+join(keys), func(ctx context.Context) (map[wallet.Key]wallet.Entry, error) {
		return w.store.Entries(ctx, keys...)
	})
}

func (w wire) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	return read(w, ctx, "documents "+join(keys), func(ctx context.Context) (map[ledger.DocumentKey]ledger.Document, error) {
		return w.store.Documents(ctx, keys...)
	})
}

func (w wire) Commit(ctx context.Context, commit ledger.Commit) error {
	keys := make([]wallet.Key, len(commit.Entries))
	for i := range keys {
		keys[i] = commit.Entries[i].Key
	}
	label := fmt.Sprintf("commit %s v%d %s", commit.After.Account, commit.After.Version, join(keys))
	return w.write(ctx, commit.After.Account, label, func(ctx context.Context) error {
		err := w.store.Commit(ctx, commit)
		if err == nil || errors.Is(err, ledger.ErrUnknown) && w.worker.sim.kept(commit) {
			w.worker.landed = append(w.worker.landed, commit)
		}
		return err
	})
}

// kept tells whether a commit is there, of which its store couldn't tell.
func (s *Simulation) kept(commit ledger.Commit) bool {
	last := commit.Entries[len(commit.Entries)-1]
	found, err := s.truth.Entries(plain(), last.Key)
	if err != nil {
		s.violated("truth: %v", err)
	}
	e := found[last.Key]
	return e.Key == last.Key && e.Hash() == last.Hash()
}

func (w wire) Put(ctx context.Context, documents ...ledger.Document) error {
	keys := make([]ledger.DocumentKey, len(documents))
	for i, d := range documents {
		keys[i] = d.Key
	}
	return w.write(ctx, "", "put "+join(keys), func(ctx context.Context) error { return w.store.Put(ctx, documents...) })
}

func (w wire) Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return listed(w, ctx, fmt.Sprintf("journal %s %d", account, before), func(ctx context.Context) ([]wallet.Entry, error) {
		return w.store.Journal(ctx, account, before, limit)
	})
}

func (w wire) Grants(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return listed(w, ctx, fmt.Sprintf("grants %s %d", account, before), func(ctx context.Context) ([]wallet.Entry, error) {
		return w.store.Grants(ctx, account, before, limit)
	})
}

func (w wire) List(ctx context.Context, list, before string, limit int) ([]ledger.Document, error) {
	return listed(w, ctx, "list "+list+" "+before, func(ctx context.Context) ([]ledger.Document, error) {
		return w.store.List(ctx, list, before, limit)
	})
}

func (w wire) Due(ctx context.Context, shard int, now time.Time, limit int) ([]wallet.AccountID, error) {
	return listed(w, ctx, fmt.Sprintf("due %d", shard), func(ctx context.Context) ([]wallet.AccountID, error) {
		return w.store.Due(ctx, shard, now, limit)
	})
}

func (w wire) Defer(ctx context.Context, head wallet.Head, next time.Time) error {
	label := fmt.Sprintf("defer %s v%d %s", head.Account, head.Version, next.Format(time.RFC3339))
	return w.write(ctx, head.Account, label, func(ctx context.Context) error { return w.store.Defer(ctx, head, next) })
}

// join writes keys in an order of their own: callers may have them from a map.
func join[K any](keys []K) string {
	texts := make([]string, len(keys))
	for i, key := range keys {
		texts[i] = fmt.Sprint(key)
	}
	slices.Sort(texts)
	return strings.Join(texts, " ")
}
