package books

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// An index tells which volumes have rows of a workspace. Accounts with few workspaces need none: all volumes of a month
// are read soon enough. In a month with more of them, rows of one workspace of thousands would be looked for in vain in
// most volumes; so each workspace's are noted, in documents by hash of its id. An index is a copy, too: each of its
// documents says up to which volume it knows, and is written by itself, every few volumes; what is not in it yet is read.

const (
	indexKind   = "books-index"
	indexShards = 16
)

// Tests make them small.
var (
	indexFrom  = 64 // volumes of a month that need no index
	indexEvery = 32 // volumes that may be missing from it
)

// index is one of a month's documents.
type index struct {
	Through int64                          `json:"t"`
	Volumes map[wallet.WorkspaceID][]int64 `json:"v"` // the first, and then how far it is to the next

	last map[wallet.WorkspaceID]int64
}

func shardOf(workspace wallet.WorkspaceID) int {
	h := fnv.New32a()
	h.Write([]byte(workspace))
	return int(h.Sum32() % indexShards)
}

func indexKey(account wallet.AccountID, month string, shard int) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: indexKind, ID: fmt.Sprintf("%s#%s#%d", account, month, shard)}
}

func readIndex(body []byte) (*index, error) {
	x := &index{Volumes: map[wallet.WorkspaceID][]int64{}, last: map[wallet.WorkspaceID]int64{}}
	if body == nil {
		return x, nil
	}
	if err := unpacked(body, x); err != nil {
		return nil, err
	}
	for workspace, steps := range x.Volumes {
		for _, step := range steps {
			x.last[workspace] += step
		}
	}
	return x, nil
}

// add notes a volume, which is not before those that are noted.
func (x *index) add(workspace wallet.WorkspaceID, volume int64) {
	if step := volume - x.last[workspace]; step > 0 {
		x.Volumes[workspace] = append(x.Volumes[workspace], step)
		x.last[workspace] = volume
	}
}

// of are the volumes that have rows of a workspace, as far as the index goes.
func (x *index) of(workspace wallet.WorkspaceID) map[int64]bool {
	has, at := map[int64]bool{}, int64(0)
	for _, step := range x.Volumes[workspace] {
		at += step
		has[at] = true
	}
	return has
}

// volumes are those that have rows of a month, up to one of them.
func (m *usageMonth) volumes(after, through int64) []int64 {
	all := map[int64]bool{}
	for _, day := range m.Days {
		for _, run := range day.Runs {
			for volume := max(run[0], after+1); volume <= min(run[1], through); volume++ {
				all[volume] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// index notes the volumes of the months that a step has changed, where there are enough of them.
func (b *Books) index(ctx context.Context, l *leaf, cover *Cover, through int64) error {
	for _, key := range l.keysOf(usageKind) {
		m, month := l.documents[key].usage, l.documents[key].month
		fresh := m.volumes(cover.Indexed[month], through)
		if len(fresh) < indexEvery || len(fresh) <= indexFrom && cover.Indexed[month] == 0 {
			continue
		}
		done, err := b.indexMonth(ctx, l.account, month, fresh)
		if err != nil {
			return err
		}
		if done {
			cover.Indexed[month] = fresh[len(fresh)-1]
		}
	}
	return nil
}

// indexMonth writes a month's index anew, document by document. It isn't done when somebody else was writing it.
func (b *Books) indexMonth(ctx context.Context, account wallet.AccountID, month string, fresh []int64) (done bool, err error) {
	keys := make([]ledger.DocumentKey, indexShards)
	for shard := range keys {
		keys[shard] = indexKey(account, month, shard)
	}
	documents, err := b.Store.Documents(ctx, keys...)
	if err != nil {
		return false, err
	}
	shards := make([]*index, indexShards)
	for shard, key := range keys {
		if shards[shard], err = readIndex(documents[key].Body); err != nil {
			return false, err
		}
	}
	for some := range slices.Chunk(fresh, together) {
		found, err := b.volumes(ctx, account, some)
		if err != nil {
			return false, err
		}
		for _, number := range some {
			for _, rows := range found[number].bills() {
				x := shards[shardOf(rows[0].Workspace)]
				if monthOf(rows[0].Day) == month && number > x.Through {
					x.add(rows[0].Workspace, number)
				}
			}
		}
	}
	for shard, x := range shards {
		x.Through = max(x.Through, fresh[len(fresh)-1])
		err := b.Store.Put(ctx, ledger.Document{Key: keys[shard], Version: documents[keys[shard]].Version, Body: packed(x)})
		if errors.Is(err, ledger.ErrStale) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}
