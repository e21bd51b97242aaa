package dynamo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

const (
	batch      = 100 // keys of one BatchGetItem
	batchTries = 8   // for keys that BatchGetItem leaves unprocessed
)

// Store is a ledger.Store in a DynamoDB table. It has no state of its own.
type Store struct {
	client *dynamodb.Client
	table  *string
}

var _ ledger.Store = (*Store)(nil)

// New returns the store in a table, through a client with the given one's options.
func New(client *dynamodb.Client, table string) *Store {
	watched := dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.APIOptions = append(slices.Clip(o.APIOptions), watch)
	})
	return &Store{client: watched, table: &table}
}

// Head implements ledger.Store: one read unit for each 4 KB.
func (s *Store) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	found, err := s.get(ctx, headKey(account))
	switch {
	case err != nil:
		return wallet.Head{}, fmt.Errorf("head of %s: %w", account, err)
	case found == nil:
		return wallet.Head{Account: account}, nil
	}
	return decodeHead(account, found)
}

// Entries implements ledger.Store: one call for a single key, and one for each hundred of several.
func (s *Store) Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	wanted := make([]item, len(keys))
	for i, key := range keys {
		wanted[i] = entryKey(key)
	}
	items, err := s.read(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("entries: %w", err)
	}
	entries := make(map[wallet.Key]wallet.Entry, len(items))
	for pk, found := range items {
		entry, err := decodeEntry(pk, found)
		if err != nil {
			return nil, err
		}
		entries[entry.Key] = entry
	}
	return entries, nil
}

// Documents implements ledger.Store, with as many calls as Entries.
func (s *Store) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	wanted := make([]item, len(keys))
	for i, key := range keys {
		wanted[i] = documentKey(key)
	}
	items, err := s.read(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("documents: %w", err)
	}
	documents := make(map[ledger.DocumentKey]ledger.Document, len(items))
	for pk, found := range items {
		document, err := decodeDocument(pk, found)
		if err != nil {
			return nil, err
		}
		documents[document.Key] = document
	}
	return documents, nil
}

// get reads one item, strongly consistent; nil when there is none.
func (s *Store) get(ctx context.Context, key item) (item, error) {
	out, err := s.client.GetItem(ctx, &dynamodb.GetItemInput{TableName: s.table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, readFailure(ctx, err)
	}
	if len(out.Item) == 0 {
		return nil, nil
	}
	return out.Item, nil
}

// read reads items by their keys, strongly consistent, and returns those that exist by their pk.
func (s *Store) read(ctx context.Context, keys []item) (map[string]item, error) {
	unique := make(map[string]item, len(keys))
	for _, key := range keys {
		unique[text(key, "pk")] = key
	}
	found := make(map[string]item, len(unique))
	if len(unique) == 1 {
		for pk, key := range unique {
			one, err := s.get(ctx, key)
			if one != nil {
				found[pk] = one
			}
			return found, err
		}
	}
	for chunk := range slices.Chunk(slices.Collect(maps.Values(unique)), batch) {
		if err := s.readBatch(ctx, chunk, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// readBatch reads at most a hundred items into found. What the database leaves out for lack of capacity, or of room
// in its answer, is asked for again: at once while it gives something, with patience when it gives nothing.
func (s *Store) readBatch(ctx context.Context, keys []item, found map[string]item) error {
	for attempt := 0; len(keys) > 0; {
		out, err := s.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
			*s.table: {Keys: keys, ConsistentRead: aws.Bool(true)},
		}})
		if err != nil {
			return readFailure(ctx, err)
		}
		for _, one := range out.Responses[*s.table] {
			found[text(one, "pk")] = one
		}
		keys = out.UnprocessedKeys[*s.table].Keys
		if len(keys) == 0 || len(out.Responses[*s.table]) > 0 {
			attempt = 0
			continue
		}
		if attempt++; attempt == batchTries {
			return fmt.Errorf("%w (%d keys of a batch stay unprocessed)", ledger.ErrThrottled, len(keys))
		}
		if err := ledger.Backoff(ctx, attempt); err != nil {
			return fmt.Errorf("%w: %w", ledger.ErrUnknown, err)
		}
	}
	return nil
}
