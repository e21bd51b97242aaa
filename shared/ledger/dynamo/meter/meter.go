// Package meter counts what calls of DynamoDB cost, by the rules that AWS documents: DynamoDB Local reports wrong
// figures for transactions, and tests and the bench must not depend on an account at AWS.
//
// It is a middleware of the SDK's client and reads requests and answers; it asks the database for nothing. What a
// write costs depends on the item that was there before, so the meter remembers the sizes and index keys of items
// that it saw written or read (the last hundred thousand). Where it has not seen an item:
//
//   - a put is taken for a new item, and an update for one of an item without other attributes;
//   - neither is taken to have been in an index.
//
// Other simplifications: an update expression is understood as SET name = :value and REMOVE name; a request that the
// SDK retries is charged once; index writes are charged once in a transaction too; a cancelled transaction is charged
// as if it had gone through, but for its index writes (AWS documents neither).
package meter

import (
	"context"
	"maps"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
)

// Schema is what the meter must know about the table: its key attributes, and those of its keys-only indexes.
type Schema struct {
	Keys    []string
	Indexes [][]string
}

// Reading is what calls have cost so far.
type Reading struct {
	Requests   int            // as the SDK sent them, its retries included
	Calls      map[string]int // by operation, retries not included
	Reads      float64        // read units
	Writes     float64        // write units, those of the indexes included
	IndexWrite float64        // write units of the indexes alone
	Refused    int            // conditional writes and transactions that failed on their conditions, or were cancelled
}

// Meter counts. It is safe for concurrent use.
type Meter struct {
	schema  Schema
	mu      sync.Mutex
	reading Reading
	known   map[string]image
}

// New makes a meter for a table of the schema.
func New(schema Schema) *Meter {
	return &Meter{schema: schema, known: map[string]image{}, reading: Reading{Calls: map[string]int{}}}
}

// Options puts the meter into a client: dynamodb.New(options, m.Options).
func (m *Meter) Options(o *dynamodb.Options) {
	o.APIOptions = append(o.APIOptions[:len(o.APIOptions):len(o.APIOptions)], m.install)
}

// Snapshot is the reading since the last Reset.
func (m *Meter) Snapshot() Reading {
	m.mu.Lock()
	defer m.mu.Unlock()
	reading := m.reading
	reading.Calls = maps.Clone(reading.Calls)
	return reading
}

// Reset starts a new reading; what is known about items stays.
func (m *Meter) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reading = Reading{Calls: map[string]int{}}
}

func (m *Meter) install(stack *middleware.Stack) error {
	err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Meter", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		m.mu.Lock()
		defer m.mu.Unlock()
		m.charge(in.Parameters, out.Result, err)
		return out, metadata, err
	}), middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("MeterRequests", func(
		ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	) (middleware.FinalizeOutput, middleware.Metadata, error) {
		m.mu.Lock()
		m.reading.Requests++
		m.mu.Unlock()
		return next.HandleFinalize(ctx, in)
	}), "Retry", middleware.After)
}

// charge counts one call. Calls of the control plane are free.
func (m *Meter) charge(request, answer any, err error) {
	switch in := request.(type) {
	case *dynamodb.GetItemInput:
		m.called("GetItem")
		if out, ok := answer.(*dynamodb.GetItemOutput); ok && err == nil {
			m.read(out.Item, in.ConsistentRead, 1)
		}
	case *dynamodb.BatchGetItemInput:
		m.called("BatchGetItem")
		if out, ok := answer.(*dynamodb.BatchGetItemOutput); ok && err == nil {
			m.readBatch(in, out)
		}
	case *dynamodb.TransactGetItemsInput:
		m.called("TransactGetItems")
		if out, ok := answer.(*dynamodb.TransactGetItemsOutput); ok && err == nil {
			for _, response := range out.Responses {
				m.read(response.Item, &yes, 2)
			}
		}
	case *dynamodb.QueryInput:
		m.called("Query")
		if out, ok := answer.(*dynamodb.QueryOutput); ok && err == nil {
			m.reading.Reads += readUnits(sizeOf(out.Items), in.ConsistentRead)
		}
	case *dynamodb.PutItemInput:
		m.called("PutItem")
		m.plain(change{put: in.Item}, err)
	case *dynamodb.UpdateItemInput:
		m.called("UpdateItem")
		m.plain(change{key: in.Key, update: in.UpdateExpression, names: in.ExpressionAttributeNames, values: in.ExpressionAttributeValues}, err)
	case *dynamodb.DeleteItemInput:
		m.called("DeleteItem")
		m.plain(change{key: in.Key}, err)
	case *dynamodb.TransactWriteItemsInput:
		m.called("TransactWriteItems")
		m.transaction(in.TransactItems, err)
	}
}

var yes = true

func (m *Meter) called(operation string) { m.reading.Calls[operation]++ }

// read charges one item, or the attempt to read one that isn't there.
func (m *Meter) read(item map[string]types.AttributeValue, consistent *bool, times float64) {
	m.reading.Reads += times * readUnits(Size(item), consistent)
	if len(item) > 0 {
		m.remember(m.key(item), m.imageOf(item))
	}
}

// readBatch charges items one by one: a batch isn't rounded as a whole.
func (m *Meter) readBatch(in *dynamodb.BatchGetItemInput, out *dynamodb.BatchGetItemOutput) {
	for table, asked := range in.RequestItems {
		missing := len(asked.Keys) - len(out.Responses[table]) - len(out.UnprocessedKeys[table].Keys)
		for range missing {
			m.read(nil, asked.ConsistentRead, 1)
		}
		for _, item := range out.Responses[table] {
			m.read(item, asked.ConsistentRead, 1)
		}
	}
}
