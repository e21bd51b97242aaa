package dynamo

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// The key conditions of the indexes. LIST and SHARD are reserved words.
const (
	inList  = "#partition = :partition"
	below   = " AND #rank < :before"
	dueTill = "#shard = :shard AND due <= :now"
)

// Journal implements ledger.Store.
func (s *Store) Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return s.entryPage(ctx, "lists", "list", account, before, limit)
}

// Grants implements ledger.Store.
func (s *Store) Grants(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	return s.entryPage(ctx, "grants", "grants", account, before, limit)
}

func (s *Store) entryPage(ctx context.Context, index, partition string, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	last := ""
	if before > 0 {
		last = rank(before)
	}
	page, err := readPage(ctx, s, s.ranked(index, partition, headPrefix+string(account), last), limit,
		func(_ place, pk string, found item) (wallet.Entry, bool, error) {
			entry, err := decodeEntry(pk, found)
			return entry, true, err
		})
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", index, account, err)
	}
	return page, nil
}

// List implements ledger.Store. A document that has left its place since the index saw it isn't listed there.
func (s *Store) List(ctx context.Context, list, before string, limit int) ([]ledger.Document, error) {
	page, err := readPage(ctx, s, s.ranked("lists", "list", listPrefix+list, before), limit,
		func(at place, pk string, found item) (ledger.Document, bool, error) {
			document, err := decodeDocument(pk, found)
			return document, document.List == list && document.Rank == at.rank, err
		})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", list, err)
	}
	return page, nil
}

// Due implements ledger.Store.
func (s *Store) Due(ctx context.Context, shard int, now time.Time, limit int) ([]wallet.AccountID, error) {
	query := &dynamodb.QueryInput{
		TableName: s.table, IndexName: aws.String("due"), KeyConditionExpression: aws.String(dueTill), ExpressionAttributeNames: shardName,
		ExpressionAttributeValues: item{":shard": str(strconv.Itoa(shard)), ":now": number(now.UnixMilli())},
	}
	var due []wallet.AccountID
	for more := true; more && len(due) < limit; {
		places, err := s.walk(ctx, query, limit-len(due))
		if err != nil {
			return nil, fmt.Errorf("due in shard %d: %w", shard, err)
		}
		for _, at := range places {
			due = append(due, wallet.AccountID(strings.TrimPrefix(text(at.key, "pk"), headPrefix)))
		}
		more = query.ExclusiveStartKey != nil
	}
	return due, nil
}

// ranked is a query of one partition of an index by descending rank, from the one before rank before.
func (s *Store) ranked(index, partition, value, before string) *dynamodb.QueryInput {
	query := &dynamodb.QueryInput{
		TableName: s.table, IndexName: &index, KeyConditionExpression: aws.String(inList), ScanIndexForward: aws.Bool(false),
		ExpressionAttributeNames:  map[string]string{"#partition": partition},
		ExpressionAttributeValues: item{":partition": str(value)},
	}
	if before != "" {
		query.KeyConditionExpression = aws.String(inList + below)
		query.ExpressionAttributeNames["#rank"] = "rank"
		query.ExpressionAttributeValues[":before"] = str(before)
	}
	return query
}

// place is where an index has an item.
type place struct {
	key  item
	rank string
}

// readPage reads what an index names from the table itself, in the index's order: two calls for a page of up to a
// hundred. Only where the index lags behind, and names what is gone, does it go on to fill the page.
func readPage[T any](ctx context.Context, s *Store, query *dynamodb.QueryInput, limit int, decode func(place, string, item) (T, bool, error)) ([]T, error) {
	var page []T
	for more := true; more && len(page) < limit; {
		places, err := s.walk(ctx, query, limit-len(page))
		if err != nil {
			return nil, err
		}
		keys := make([]item, len(places))
		for i, at := range places {
			keys[i] = at.key
		}
		items, err := s.read(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, at := range places {
			pk := text(at.key, "pk")
			found, exists := items[pk]
			if !exists {
				continue
			}
			one, listed, err := decode(at, pk, found)
			if err != nil {
				return nil, err
			}
			if listed {
				page = append(page, one)
			}
		}
		more = query.ExclusiveStartKey != nil
	}
	return page, nil
}

// walk returns the next places of a query, which it moves on; at its end ExclusiveStartKey is nil.
func (s *Store) walk(ctx context.Context, query *dynamodb.QueryInput, limit int) ([]place, error) {
	query.Limit = aws.Int32(int32(min(limit, 10*batch)))
	out, err := s.client.Query(ctx, query)
	if err != nil {
		return nil, readFailure(ctx, err)
	}
	query.ExclusiveStartKey = out.LastEvaluatedKey
	if len(out.LastEvaluatedKey) == 0 {
		query.ExclusiveStartKey = nil
	}
	places := make([]place, 0, len(out.Items))
	for _, found := range out.Items {
		places = append(places, place{key: item{"pk": found["pk"], "sk": found["sk"]}, rank: text(found, "rank")})
	}
	return slices.Clip(places), nil
}
