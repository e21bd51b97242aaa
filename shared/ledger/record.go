package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/refusal"
)

// Read loads a document and its body as a value. A document that isn't there is the refusal NotFound, with the
// returned Document ready to be created: its key set, at version 0.
func Read[T any](ctx context.Context, store Store, key DocumentKey) (value T, document Document, err error) {
	found, err := store.Documents(ctx, key)
	if err != nil {
		return value, Document{Key: key}, err
	}
	document, ok := found[key]
	if !ok {
		return value, Document{Key: key}, refusal.Of(refusal.NotFound, "There is no such %s.", key.Kind)
	}
	value, err = Body[T](document)
	return value, document, err
}

// Body is a document's body as a value.
func Body[T any](document Document) (value T, err error) {
	if err = json.Unmarshal(document.Body, &value); err != nil {
		err = fmt.Errorf("document %s %s v%d: %w", document.Key.Kind, document.Key.ID, document.Version, err)
	}
	return value, err
}

// Bodies are the bodies of documents as values, such as a list gives them.
func Bodies[T any](documents []Document, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	values := make([]T, len(documents))
	for i, document := range documents {
		if values[i], err = Body[T](document); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// PageOf is a page of a list, as values. next is the rank to go on before; "" at the list's end.
func PageOf[T any](ctx context.Context, store Store, list, before string, limit int) (values []T, next string, err error) {
	documents, err := store.List(ctx, list, before, limit)
	if values, err = Bodies[T](documents, err); err != nil {
		return nil, "", err
	}
	if len(documents) == limit {
		next = documents[limit-1].Rank
	}
	return values, next, nil
}

// SoonestFirst is the rank of an instant in a list that begins with the earliest: it turns the order of lists round, which
// begin with the highest rank.
func SoonestFirst(at time.Time, id string) string {
	return fmt.Sprintf("%013d#%s", 9_999_999_999_999-max(at.UnixMilli(), 0), id)
}

// With is the document with another value as its body.
func (d Document) With(value any) Document {
	body, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("document %s: %v", d.Key.Kind, err)) // our own types always marshal
	}
	d.Body = body
	return d
}

// Till is the document with an end, up to the next second: see Document.Until.
func (d Document) Till(until time.Time) Document {
	d.Until = until.UTC().Add(time.Second - 1).Truncate(time.Second)
	return d
}

// In is the document in a list, at a rank. An empty list takes it out of all.
func (d Document) In(list, rank string) Document {
	d.List, d.Rank = list, rank
	return d
}
