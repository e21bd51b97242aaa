package books

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/wallet"
)

const (
	consumer    = "books"
	mostEntries = 300 // of one step, when the follower is behind
	mostMonths  = 40  // documents of one step: a transaction takes a hundred, and 4 MB
)

// Cover is what is remembered of an account's books beside how far they go.
type Cover struct {
	Indexed map[string]int64 `json:"indexed,omitempty"` // usage months that have an index, with the last volume in it
	Months  map[string]int64 `json:"months,omitempty"`  // usage months that have rows, with the last entry that changed each
	Starts  []int64          `json:"starts,omitempty"`  // when each table of contents begins, in milliseconds since 1970
	Masks   []uint32         `json:"masks,omitempty"`   // what entries there are in each table's volumes
}

// Keeper keeps the books: it is a follower of all journals.
type Keeper = follow.Consumer[Cover]

// NewKeeper makes the follower that keeps the books of a store.
func NewKeeper(store ledger.Store, now func() time.Time, log *slog.Logger, metrics *metric.Metrics) *Keeper {
	b := &Books{Store: store}
	return &Keeper{
		Name: consumer, Store: store, Directory: &directory.Directory{Store: store, Now: now}, Now: now, Log: log, Metrics: metrics,
		Stride: stride, Most: mostEntries, Consume: b.consume,
	}
}

// Keep brings one account's books up to its head, as far as whole volumes go.
func Keep(ctx context.Context, store ledger.Store, account wallet.AccountID) error {
	head, err := store.Head(ctx, account)
	if err == nil {
		_, err = NewKeeper(store, time.Now, slog.New(slog.DiscardHandler), &metric.Metrics{}).Account(ctx, account, head.Version)
	}
	return err
}

// consume keeps what entries say, which end with a volume's last. First the volumes are written; they are copies, and
// nothing points to them yet. Then what they change in the months and the tables of contents is handed back, to be
// written together with the cursor.
func (b *Books) consume(ctx context.Context, at follow.Cursor[Cover], entries []wallet.Entry) (follow.Step[Cover], error) {
	head, err := b.headAfter(ctx, at.Account, at.Number)
	if err != nil {
		return follow.Step[Cover]{}, err
	}
	settled, err := b.reversed(ctx, entries)
	if err != nil {
		return follow.Step[Cover]{}, err
	}
	changes, err := changesOf(head, entries) // replays them all: what doesn't follow from the journal is not kept
	if err != nil {
		return follow.Step[Cover]{}, err
	}
	if err := b.keepVolumes(ctx, at.Account, head, entries, settled); err != nil {
		return follow.Step[Cover]{}, err
	}
	zone, err := zoneOf(head, entries)
	if err != nil {
		return follow.Step[Cover]{}, err
	}
	l := leaf{account: at.Account, zone: zone, documents: map[ledger.DocumentKey]*sheet{}}
	taken := 0
	for taken < len(changes) && l.room(changes[taken], settled) {
		taken++
	}
	currency := entries[0].Balances.Cash.Currency()
	if err := l.load(ctx, b.Store, currency); err != nil {
		return follow.Step[Cover]{}, err
	}
	cover := at.State.clone()
	for i, c := range changes[:taken] {
		l.fold(&cover, c, changes[i:], settled)
	}
	err = b.index(ctx, &l, &cover, at.Number/stride, currency)
	return follow.Step[Cover]{Taken: taken, State: cover, Documents: l.written()}, err
}

// headAfter is the head after an entry up to which the books were kept.
func (b *Books) headAfter(ctx context.Context, account wallet.AccountID, number int64) (wallet.Head, error) {
	if number == 0 {
		return wallet.Head{Account: account}, nil
	}
	found, err := b.volumes(ctx, account, []int64{volumeOf(number)})
	if err != nil {
		return wallet.Head{}, err
	}
	return found[volumeOf(number)].after(number)
}

// reversed reads the entries that settled the bills which some entries reverse.
func (b *Books) reversed(ctx context.Context, entries []wallet.Entry) (map[wallet.BillID]wallet.Entry, error) {
	settled := map[wallet.BillID]wallet.Entry{}
	var keys []wallet.Key
	for _, e := range entries {
		if e.Reversal != nil {
			keys = append(keys, wallet.BillKey(e.Reversal.Bill))
		}
	}
	if len(keys) == 0 {
		return settled, nil
	}
	found, err := b.Store.Entries(ctx, keys...)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		e, ok := found[key]
		if !ok || e.Settlement == nil {
			return nil, fmt.Errorf("%w: %s was reversed, but not settled", ledger.ErrDamaged, key)
		}
		settled[e.Settlement.Bill] = e
	}
	return settled, nil
}

// keepVolumes writes the volumes that begin among the entries.
func (b *Books) keepVolumes(ctx context.Context, account wallet.AccountID, head wallet.Head, entries []wallet.Entry, settled map[wallet.BillID]wallet.Entry) error {
	for len(entries) > 0 {
		number := volumeOf(entries[0].Number)
		n := int(lastOf(number) - entries[0].Number + 1)
		own := entries[:n]
		if n == stride { // otherwise it was written when its first entries were consumed
			if err := b.keep(ctx, account, number, &volume{before: head, entries: own, settled: settled}); err != nil {
				return err
			}
		}
		var err error
		if head, err = replay(head, own, lastOf(number)); err != nil {
			return err
		}
		entries = entries[n:]
	}
	return nil
}

// zoneOf is the account's zone, of which the first entry tells.
func zoneOf(head wallet.Head, entries []wallet.Entry) (*time.Location, error) {
	name := head.Zone
	if head.Version == 0 && entries[0].Opening != nil {
		name = entries[0].Opening.Zone
	}
	return directory.Zone(name)
}

func (c Cover) clone() Cover {
	months := maps.Clone(c.Months)
	if months == nil {
		months = map[string]int64{}
	}
	indexed := maps.Clone(c.Indexed)
	if indexed == nil {
		indexed = map[string]int64{}
	}
	return Cover{indexed, months, slices.Clone(c.Starts), slices.Clone(c.Masks)}
}
