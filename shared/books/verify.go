package books

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/wallet"
)

// Verified is what came of a verification.
type Verified struct {
	Number int64    // up to here the books were kept, and are compared
	Wrong  []string // the documents that say something else than the journal; none is well
}

// ErrMovedOn says that the follower went on in between.
var ErrMovedOn = errors.New("books: the follower moves on faster than it can be followed")

// Verify keeps an account's books a second time, from the first entry on and into memory, and compares them with those that
// are stored. Like the auditor it repairs nothing: books are put right by what caused the damage, or kept anew.
func Verify(ctx context.Context, store ledger.Store, account wallet.AccountID) (Verified, error) {
	for range 3 {
		before, err := follow.Load[Cover](ctx, store, consumer, account)
		if err != nil {
			return Verified{}, err
		}
		x := &second{Store: store, documents: map[ledger.DocumentKey]ledger.Document{}}
		if err := x.compare(ctx, account, before); err != nil {
			return Verified{}, err
		}
		after, err := follow.Load[Cover](ctx, store, consumer, account)
		if err != nil {
			return Verified{}, err
		}
		if after.Number == before.Number || len(x.wrong) == 0 {
			return Verified{before.Number, slices.Sorted(maps.Keys(x.wrong))}, nil
		}
	}
	return Verified{}, ErrMovedOn
}

// second is a store for books that are kept a second time. Volumes, which are the most of it, are compared when they are
// written, and then read from where they are.
type second struct {
	ledger.Store
	documents map[ledger.DocumentKey]ledger.Document
	wrong     map[string]bool
}

// Documents implements ledger.Store.
func (x *second) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	found := make(map[ledger.DocumentKey]ledger.Document, len(keys))
	var stored []ledger.DocumentKey
	for _, key := range keys {
		if key.Kind == volumeKind {
			stored = append(stored, key)
		} else if document, exists := x.documents[key]; exists {
			found[key] = document
		}
	}
	if len(stored) == 0 {
		return found, nil
	}
	volumes, err := x.Store.Documents(ctx, stored...)
	maps.Copy(found, volumes)
	return found, err
}

// Put implements ledger.Store.
func (x *second) Put(ctx context.Context, documents ...ledger.Document) error {
	for _, document := range documents {
		if document.Key.Kind == volumeKind {
			if err := x.same(ctx, document); err != nil {
				return err
			}
			continue
		}
		document.Version++
		x.documents[document.Key] = document
	}
	return nil
}

// same compares documents with those that are stored. What can't be read is wrong, too.
func (x *second) same(ctx context.Context, documents ...ledger.Document) error {
	keys := make([]ledger.DocumentKey, len(documents))
	for i, document := range documents {
		keys[i] = document.Key
	}
	stored, err := x.Store.Documents(ctx, keys...)
	if err != nil {
		return err
	}
	for _, document := range documents {
		want, err := unsqueeze(document.Body)
		if err != nil {
			return err
		}
		if got, err := unsqueeze(stored[document.Key].Body); err != nil || !bytes.Equal(got, want) {
			x.differs(document.Key)
		}
	}
	return nil
}

func (x *second) differs(key ledger.DocumentKey) {
	if x.wrong == nil {
		x.wrong = map[string]bool{}
	}
	x.wrong[key.Kind+" "+key.ID] = true
}

// compare keeps the books up to where those that are stored go.
func (x *second) compare(ctx context.Context, account wallet.AccountID, kept follow.Cursor[Cover]) error {
	keeper := NewKeeper(x, time.Now, slog.New(slog.DiscardHandler), &metric.Metrics{})
	again, err := keeper.Account(ctx, account, kept.Number)
	switch {
	case len(x.wrong) > 0: // a volume differs: whatever follows is no surprise
		return nil
	case err != nil:
		return err
	case again.Number != kept.Number:
		return ErrMovedOn // it is in the midst of a volume
	}
	for month := range kept.State.Indexed {
		if err := x.indexed(ctx, account, month); err != nil {
			return err
		}
	}
	var documents []ledger.Document
	for key, document := range x.documents {
		if key.Kind == usageKind || key.Kind == journalKind || key.Kind == contentsKind {
			documents = append(documents, document)
		}
	}
	mine, stored := again.State, kept.State
	if !maps.Equal(mine.Months, stored.Months) || !slices.Equal(mine.Starts, stored.Starts) || !slices.Equal(mine.Masks, stored.Masks) {
		x.differs(follow.CursorKey(consumer, account))
	}
	return x.same(ctx, documents...)
}

// indexed compares a month's index, whose documents may know more or less than a second run would have them know.
func (x *second) indexed(ctx context.Context, account wallet.AccountID, month string) error {
	keys := indexKeys(account, month)
	stored, err := x.Store.Documents(ctx, keys...)
	if err != nil {
		return err
	}
	b := Books{Store: x}
	m, err := readUsage(x.documents[monthKey(usageKind, account, month)].Body, "")
	if err != nil {
		return err
	}
	numbers := m.volumes(0, 1<<62)
	want := map[int]*index{}
	for shard, key := range keys {
		is, err := readIndex(stored[key].Body, "")
		if err != nil {
			x.differs(key)
			continue
		}
		if want[shard], err = readIndex(nil, ""); err != nil {
			return err
		}
		want[shard].Through = is.Through
	}
	for some := range slices.Chunk(numbers, together) {
		found, err := b.volumes(ctx, account, some)
		if err != nil {
			return err
		}
		for _, number := range some {
			for _, rows := range found[number].bills() {
				into := want[shardOf(rows[0].Workspace)]
				if into != nil && strings.HasPrefix(rows[0].Day, month) && number <= into.Through {
					into.add(rows, number)
				}
			}
		}
	}
	for shard, one := range want {
		if stored[keys[shard]].Body == nil && one.Through == 0 {
			continue
		}
		if err := x.same(ctx, ledger.Document{Key: keys[shard], Body: one.body()}); err != nil {
			return err
		}
	}
	return nil
}

// String is for people.
func (v Verified) String() string {
	if len(v.Wrong) == 0 {
		return fmt.Sprintf("the books are right, up to entry %d", v.Number)
	}
	return "the books are wrong: " + strings.Join(v.Wrong, ", ")
}
