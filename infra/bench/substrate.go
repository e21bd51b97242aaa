package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/middleware"
	"golang.org/x/sync/errgroup"
)

const lanesAtOnce = 8 // accounts that the function settles at once

// recorder keeps the calls of a client, invocation by invocation.
type recorder struct {
	mu          sync.Mutex
	invocations [][]any
}

// next begins another invocation.
func (r *recorder) next() { r.invocations = append(r.invocations, nil) }

// reset forgets what was recorded.
func (r *recorder) reset() { r.invocations = nil }

func (r *recorder) options(o *sdk.Options) {
	o.APIOptions = append(slices.Clip(o.APIOptions), func(stack *middleware.Stack) error {
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("BenchRecorder", func(
			ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
		) (middleware.InitializeOutput, middleware.Metadata, error) {
			r.mu.Lock()
			last := len(r.invocations) - 1
			r.invocations[last] = append(r.invocations[last], in.Parameters)
			r.mu.Unlock()
			return next.HandleInitialize(ctx, in)
		}), middleware.Before)
	})
}

// lanes are the calls of one invocation by the wallet that they are about, each in order: the function works on
// wallets side by side, and on one after the other's calls. What is about no wallet comes first.
func lanes(calls []any) (first []any, wallets [][]any) {
	at := map[string]int{}
	for _, call := range calls {
		about := walletOf(call)
		if about == "" && len(wallets) == 0 {
			first = append(first, call)
			continue
		}
		i, known := at[about]
		if !known {
			i = len(wallets)
			at[about], wallets = i, append(wallets, nil)
		}
		wallets[i] = append(wallets[i], call)
	}
	return first, wallets
}

func walletOf(call any) string {
	var key map[string]types.AttributeValue
	switch in := call.(type) {
	case *sdk.GetItemInput:
		key = in.Key
	case *sdk.TransactWriteItemsInput:
		for _, item := range in.TransactItems {
			if item.Update != nil {
				key = item.Update.Key
			}
		}
	}
	if sort, ok := key["sk"].(*types.AttributeValueMemberS); !ok || sort.Value != "head" {
		return ""
	}
	return key["pk"].(*types.AttributeValueMemberS).Value
}

// replay sends one invocation's calls to another table, and nothing else.
func replay(ctx context.Context, client *sdk.Client, table string, calls []any) error {
	first, wallets := lanes(calls)
	for _, call := range first {
		if err := send(ctx, client, table, call); err != nil {
			return err
		}
	}
	var group errgroup.Group
	group.SetLimit(lanesAtOnce)
	for _, lane := range wallets {
		group.Go(func() error {
			for _, call := range lane {
				if err := send(ctx, client, table, call); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// send sends a recorded call to a table. A condition that failed when it was recorded fails again: that is no error.
func send(ctx context.Context, client *sdk.Client, table string, call any) error {
	var err error
	switch in := call.(type) {
	case *sdk.GetItemInput:
		other := *in
		other.TableName = &table
		_, err = client.GetItem(ctx, &other)
	case *sdk.BatchGetItemInput:
		other := *in
		other.RequestItems = map[string]types.KeysAndAttributes{}
		for _, keys := range in.RequestItems {
			other.RequestItems[table] = keys
		}
		_, err = client.BatchGetItem(ctx, &other)
	case *sdk.PutItemInput:
		other := *in
		other.TableName = &table
		_, err = client.PutItem(ctx, &other)
	case *sdk.TransactWriteItemsInput:
		_, err = client.TransactWriteItems(ctx, elsewhere(in, table))
		if _, canceled := errors.AsType[*types.TransactionCanceledException](err); canceled {
			err = nil
		}
	default:
		err = fmt.Errorf("the bench can't send %T again", call)
	}
	return err
}

func elsewhere(in *sdk.TransactWriteItemsInput, table string) *sdk.TransactWriteItemsInput {
	other := *in
	other.ClientRequestToken = nil
	other.TransactItems = slices.Clone(in.TransactItems)
	for i, item := range other.TransactItems {
		switch {
		case item.Put != nil:
			put := *item.Put
			put.TableName = &table
			other.TransactItems[i].Put = &put
		case item.Update != nil:
			update := *item.Update
			update.TableName = &table
			other.TransactItems[i].Update = &update
		}
	}
	return &other
}
