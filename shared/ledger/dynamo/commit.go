package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Conditions check versions and uniqueness, and nothing else: none of them has two meanings.
var (
	isNew             = aws.String("attribute_not_exists(pk)")
	isOfVersion       = aws.String("version = :before")
	isOfVersionNotDue = aws.String("version = :before AND attribute_not_exists(due)")
	isOfVersionAndDue = aws.String("version = :before AND due = :seen")
)

// Updates of a head. SHARD is a reserved word.
var (
	setBody        = aws.String("SET version = :after, body = :body")
	setBodyAndDue  = aws.String("SET version = :after, body = :body, #shard = :shard, due = :due")
	setBodyDropDue = aws.String("SET version = :after, body = :body REMOVE #shard, due")
	setDue         = aws.String("SET #shard = :shard, due = :due")
	dropDue        = aws.String("REMOVE #shard, due")

	shardName = map[string]string{"#shard": "shard"}
)

// Commit implements ledger.Store as one transaction. Its actions are in the order in which their failures count:
// entries, documents, the head.
func (s *Store) Commit(ctx context.Context, commit ledger.Commit) error {
	actions := make([]types.TransactWriteItem, 0, len(commit.Entries)+len(commit.Documents)+1)
	for i := range commit.Entries {
		encoded, err := encodeEntry(&commit.Entries[i], commit.Canonical(i))
		if err != nil {
			return err
		}
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{TableName: s.table, Item: encoded, ConditionExpression: isNew}})
	}
	actions = s.putDocuments(actions, commit.Documents)
	actions = append(actions, types.TransactWriteItem{Update: s.updateHead(&commit)})
	err := s.transact(ctx, actions, func(failed []int) error { return commitFailure(&commit, failed) })
	if err != nil {
		return fmt.Errorf("commit on %s: %w", commit.After.Account, err)
	}
	return nil
}

// commitFailure is what the failed conditions of a commit mean, the first kind of them that there is.
func commitFailure(commit *ledger.Commit, failed []int) error {
	var taken []wallet.Key
	for _, i := range failed {
		if i < len(commit.Entries) {
			taken = append(taken, commit.Entries[i].Key)
		}
	}
	switch {
	case len(taken) > 0:
		return &ledger.TakenError{Keys: taken}
	case failed[0] < len(commit.Entries)+len(commit.Documents):
		return ledger.ErrStale
	}
	return ledger.ErrMoved
}

// updateHead moves a head on. Due is written only by a commit that changes it. Such a commit, and one that brings
// lots, must have seen the latest Due: a Defer in between knew nothing of the new lots, and would keep the schedule
// away from them. Settlements don't mind.
func (s *Store) updateHead(commit *ledger.Commit) *types.Update {
	before, after := &commit.Before, &commit.After
	values := item{":after": number(after.Version), ":body": blob(after.Canonical())}
	update := &types.Update{TableName: s.table, Key: headKey(after.Account), ExpressionAttributeValues: values}
	switch {
	case before.Version == 0:
		update.ConditionExpression = isNew
	case !commit.NeedsDue():
		update.ConditionExpression = isOfVersion
	case before.Due.IsZero():
		update.ConditionExpression = isOfVersionNotDue
	default:
		update.ConditionExpression = isOfVersionAndDue
		values[":seen"] = number(before.Due.UnixMilli())
	}
	if before.Version > 0 {
		values[":before"] = number(before.Version)
	}
	if !after.Due.Equal(before.Due) {
		update.ExpressionAttributeNames = shardName
	}
	switch {
	case after.Due.Equal(before.Due):
		update.UpdateExpression = setBody
	case after.Due.IsZero():
		update.UpdateExpression = setBodyDropDue
	default:
		update.UpdateExpression = setBodyAndDue
		values[":shard"], values[":due"] = shard(after.Account), number(after.Due.UnixMilli())
	}
	return update
}

func (s *Store) putDocuments(actions []types.TransactWriteItem, documents []ledger.Document) []types.TransactWriteItem {
	for i := range documents {
		put := &types.Put{TableName: s.table, Item: encodeDocument(&documents[i])}
		put.ConditionExpression, put.ExpressionAttributeValues = documentCondition(&documents[i])
		actions = append(actions, types.TransactWriteItem{Put: put})
	}
	return actions
}

func documentCondition(document *ledger.Document) (condition *string, values item) {
	if document.Version == 0 {
		return isNew, nil
	}
	return isOfVersion, item{":before": number(document.Version)}
}

// transact runs one transaction. failed gives the error for the actions, by index, whose conditions failed. The
// token makes the SDK's own retries of this call one request for the database.
func (s *Store) transact(ctx context.Context, actions []types.TransactWriteItem, failed func(indexes []int) error) error {
	if err := transactable(actions); err != nil {
		return err
	}
	ctx, doubt := watched(ctx)
	_, err := s.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
		TransactItems: actions, ClientRequestToken: aws.String(rand.Text()),
	})
	if err == nil {
		return nil
	}
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
		return cancellation(ctx, canceled, doubt.Load(), failed)
	}
	return writeFailure(ctx, err, doubt.Load())
}

// transactable is the fault of what AWS would refuse: too many actions, or two of one item. (DynamoDB Local takes the
// latter, and fails on its conditions.)
func transactable(actions []types.TransactWriteItem) error {
	if len(actions) > ledger.MaxActions {
		return fmt.Errorf("dynamo: a transaction of %d actions, more than %d", len(actions), ledger.MaxActions)
	}
	written := make(map[string]bool, len(actions))
	for _, action := range actions {
		if action.Put != nil {
			pk := text(action.Put.Item, "pk")
			if written[pk] {
				return fmt.Errorf("dynamo: a transaction writes %s twice", pk)
			}
			written[pk] = true
		}
	}
	return nil
}

// Put implements ledger.Store. A document alone is written without a transaction, at half its price.
func (s *Store) Put(ctx context.Context, documents ...ledger.Document) error {
	var err error
	switch {
	case len(documents) == 0:
		return nil
	case len(documents) == 1:
		err = s.putOne(ctx, &documents[0])
	default:
		err = s.transact(ctx, s.putDocuments(nil, documents), func([]int) error { return ledger.ErrStale })
	}
	if err != nil {
		return fmt.Errorf("put %s %s: %w", documents[0].Key.Kind, documents[0].Key.ID, err)
	}
	return nil
}

// putOne writes one document. A retry of the SDK whose first try was written, though its answer was lost, fails on
// the first try's success: the token in the item tells whose it is.
func (s *Store) putOne(ctx context.Context, document *ledger.Document) error {
	ctx, doubt := watched(ctx)
	token := rand.Text()
	put := &dynamodb.PutItemInput{
		TableName: s.table, Item: encodeDocument(document),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	put.Item["token"] = str(token)
	put.ConditionExpression, put.ExpressionAttributeValues = documentCondition(document)
	_, err := s.client.PutItem(ctx, put)
	if failed, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		switch {
		case text(failed.Item, "token") == token:
			return nil
		case doubt.Load() && integer(failed.Item, "version") > document.Version+1:
			return ledger.ErrUnknown // ours may have been there, before another moved it on
		}
		return ledger.ErrStale
	}
	return writeFailure(ctx, err, doubt.Load())
}

// Defer implements ledger.Store. It leaves the version alone, and no retry of it can do harm.
func (s *Store) Defer(ctx context.Context, head wallet.Head, next time.Time) error {
	ctx, doubt := watched(ctx)
	update := &dynamodb.UpdateItemInput{
		TableName: s.table, Key: headKey(head.Account),
		ConditionExpression: isOfVersion, UpdateExpression: dropDue, ExpressionAttributeNames: shardName,
		ExpressionAttributeValues: item{":before": number(head.Version)},
	}
	if !next.IsZero() {
		update.UpdateExpression = setDue
		update.ExpressionAttributeValues[":shard"] = shard(head.Account)
		update.ExpressionAttributeValues[":due"] = number(next.UnixMilli())
	}
	_, err := s.client.UpdateItem(ctx, update)
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return ledger.ErrMoved
	}
	if err = writeFailure(ctx, err, doubt.Load()); err != nil {
		return fmt.Errorf("defer %s: %w", head.Account, err)
	}
	return nil
}

func shard(account wallet.AccountID) types.AttributeValue {
	return str(strconv.Itoa(ledger.ShardOf(account)))
}
