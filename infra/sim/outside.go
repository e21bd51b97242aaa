package sim

import (
	"context"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// outside is a store that lives outside of a seed's bubble, such as a database behind a network: its calls are made by
// a goroutine that began before the bubble, one after the other, while the simulation waits.
type outside struct {
	next  ledger.Store
	calls chan func()
	ended chan struct{}
}

// Outside takes calls for a store until close is called.
func Outside(next ledger.Store) (store ledger.Store, close func()) {
	o := &outside{next: next, calls: make(chan func()), ended: make(chan struct{})}
	go func() {
		for call := range o.calls {
			call()
			o.ended <- struct{}{}
		}
	}()
	return o, func() { o.stop() }
}

func (o *outside) stop() { close(o.calls) }

// there makes one call out there.
func there[T any](o *outside, call func() (T, error)) (found T, err error) {
	o.calls <- func() { found, err = call() }
	<-o.ended
	return found, err
}

func (o *outside) write(call func() error) error {
	_, err := there(o, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (o *outside) Head(_ context.Context, account wallet.AccountID) (wallet.Head, error) {
	return there(o, func() (wallet.Head, error) { return o.next.Head(plain(), account) })
}

func (o *outside) Entries(_ context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	return there(o, func() (map[wallet.Key]wallet.Entry, error) { return o.next.Entries(plain(), keys...) })
}

func (o *outside) Documents(_ context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	return there(o, func() (map[ledger.DocumentKey]ledger.Document, error) { return o.next.Documents(plain(), keys...) })
}

func (o *outside) Commit(_ context.Context, commit ledger.Commit) error {
	return o.write(func() error { return o.next.Commit(plain(), commit) })
}

func (o *outside) Put(_ context.Context, documents ...ledger.Document) error {
	return o.write(func() error { return o.next.Put(plain(), documents...) })
}

func (o *outside) Journal(_ context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return there(o, func() ([]wallet.Entry, error) { return o.next.Journal(plain(), account, before, limit) })
}

func (o *outside) Grants(_ context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return there(o, func() ([]wallet.Entry, error) { return o.next.Grants(plain(), account, before, limit) })
}

func (o *outside) List(_ context.Context, list, before string, limit int) ([]ledger.Document, error) {
	return there(o, func() ([]ledger.Document, error) { return o.next.List(plain(), list, before, limit) })
}

func (o *outside) Due(_ context.Context, shard int, now time.Time, limit int) ([]wallet.AccountID, error) {
	return there(o, func() ([]wallet.AccountID, error) { return o.next.Due(plain(), shard, now, limit) })
}

func (o *outside) Defer(_ context.Context, head wallet.Head, next time.Time) error {
	return o.write(func() error { return o.next.Defer(plain(), head, next) })
}
