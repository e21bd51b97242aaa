package books_test

import (
	"context"
	"sync"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
)

// overlay keeps the documents of one run by itself, over a journal that several share.
type overlay struct {
	ledger.Store
	mu  sync.Mutex
	own map[ledger.DocumentKey]ledger.Document

	documents memory.Store
}

func (o *overlay) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	return o.documents.Documents(ctx, keys...)
}

func (o *overlay) Put(ctx context.Context, documents ...ledger.Document) error {
	if err := o.documents.Put(ctx, documents...); err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range documents {
		o.own[d.Key] = d
	}
	return nil
}
