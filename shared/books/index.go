package books

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// An index tells which volumes have rows of a workspace, and their sum. Accounts with few workspaces need none: all volumes
// of a month are read soon enough. In a month with more of them, rows of one workspace of thousands would be looked for in
// vain in most volumes; so each workspace's are noted, in documents by hash of its id. Each of them says up to which volume
// it knows, and is written by itself, every few volumes, under a condition on its own version: so a volume is in its sums
// once. It never knows more than the cursor. What it doesn't know yet is read.

const (
	indexKind   = "books-index"
	indexShards = 16
	indexSize   = 350 << 10 // of a document: beyond, it stays as it is, and what it doesn't know is read
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
	Sums    map[wallet.WorkspaceID]*tally  `json:"s"`

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

// indexKeys are the keys of a month's documents, by shard.
func indexKeys(account wallet.AccountID, month string) []ledger.DocumentKey {
	keys := make([]ledger.DocumentKey, indexShards)
	for shard := range keys {
		keys[shard] = indexKey(account, month, shard)
	}
	return keys
}

func readIndex(body []byte, currency money.Currency) (*index, error) {
	x := &index{Volumes: map[wallet.WorkspaceID][]int64{}, Sums: map[wallet.WorkspaceID]*tally{}, last: map[wallet.WorkspaceID]int64{}}
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
	for _, sum := range x.Sums {
		if err := sum.thaw(currency); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (x *index) body() []byte {
	for _, sum := range x.Sums {
		sum.Exact = sum.exact.String()
	}
	return packed(x)
}

// add notes the rows of an entry in a volume, which is not before those that are noted.
func (x *index) add(rows []Row, volume int64) {
	workspace := rows[0].Workspace
	if step := volume - x.last[workspace]; step > 0 {
		x.Volumes[workspace] = append(x.Volumes[workspace], step)
		x.last[workspace] = volume
	}
	if x.Sums[workspace] == nil {
		x.Sums[workspace] = newTally(rows[0].Payable.Currency())
	}
	x.Sums[workspace].rows(rows, 1)
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

// index notes the volumes of the months that a step has changed, where there are enough of them, up to one that the cursor
// had passed before the step.
func (b *Books) index(ctx context.Context, l *leaf, cover *Cover, through int64, currency money.Currency) error {
	for _, key := range l.keysOf(usageKind) {
		m, month := l.documents[key].usage, l.documents[key].month
		fresh := m.volumes(cover.Indexed[month], through)
		if len(fresh) < indexEvery || len(fresh) <= indexFrom && cover.Indexed[month] == 0 {
			continue
		}
		done, err := b.indexMonth(ctx, l.account, month, fresh, currency)
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
func (b *Books) indexMonth(ctx context.Context, account wallet.AccountID, month string, fresh []int64, currency money.Currency) (done bool, err error) {
	keys := indexKeys(account, month)
	documents, err := b.Store.Documents(ctx, keys...)
	if err != nil {
		return false, err
	}
	shards := make([]*index, indexShards)
	for shard, key := range keys {
		if shards[shard], err = readIndex(documents[key].Body, currency); err != nil {
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
					x.add(rows, number)
				}
			}
		}
	}
	for shard, x := range shards {
		x.Through = max(x.Through, fresh[len(fresh)-1])
		body := x.body()
		if len(body) > indexSize {
			continue
		}
		err := b.Store.Put(ctx, ledger.Document{Key: keys[shard], Version: documents[keys[shard]].Version, Body: body})
		if errors.Is(err, ledger.ErrStale) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// indexSums adds up whole months of one or all workspaces, as far as they are indexed, and what isn't in their index yet. It
// tells which months it has done.
func (v *View) indexSums(ctx context.Context, f Filter, sums *sums) (done map[string]bool, err error) {
	done = map[string]bool{}
	for _, month := range v.months(f, false) {
		if v.cover.Indexed[month] == 0 || f.From > month+"-01" || f.Until < month+"-31" {
			continue
		}
		shards, err := v.shards(ctx, month, f.Workspace)
		if err != nil {
			return nil, err
		}
		least := v.base / stride
		for _, x := range shards {
			if x.Through > v.base/stride {
				shards = nil // the follower has moved on since the view was opened: the sums know too much
				break
			}
			least = min(least, x.Through)
		}
		if len(shards) == 0 {
			continue
		}
		for _, x := range shards {
			for workspace, sum := range x.Sums {
				if f.Workspace == "" || f.Workspace == workspace {
					sums.group("", workspace, "").add(sum, 1)
				}
			}
		}
		rest := f
		rest.After = lastOf(least)
		for s, err := range v.steps(ctx, rest, walk{wanted: func(day string) bool { return monthOf(day) == month }}) {
			if err != nil {
				return nil, err
			}
			for _, rows := range s.bills {
				if x := shards[shardOf(rows[0].Workspace)]; x == nil || volumeOf(rows[0].Entry) > x.Through {
					sums.rows(chosen(rows, rest, f.Through), 1)
				}
			}
		}
		done[month] = true
	}
	return done, nil
}

// shards reads a month's index: all of it, or the one document that has a workspace.
func (v *View) shards(ctx context.Context, month string, workspace wallet.WorkspaceID) (map[int]*index, error) {
	keys := indexKeys(v.Head.Account, month)
	first := 0
	if workspace != "" {
		first = shardOf(workspace)
		keys = keys[first : first+1]
	}
	documents, err := v.books.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	shards := make(map[int]*index, len(keys))
	for i, key := range keys {
		if shards[first+i], err = readIndex(documents[key].Body, v.Head.Currency); err != nil {
			return nil, err
		}
	}
	return shards, nil
}
