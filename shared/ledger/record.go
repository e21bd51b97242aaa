package ledger

import (
	"context"
	"fmt"

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

// With is the document with another value as its body.
func (d Document) With(value any) Document {
	body, err := json.Marshal(value, json.Deterministic(true))
	if err != nil {
		panic(fmt.Sprintf("document %s: %v", d.Key.Kind, err)) // our own types always marshal
	}
	d.Body = body
	return d
}

// In is the document in a list, at a rank. An empty list takes it out of all.
func (d Document) In(list, rank string) Document {
	d.List, d.Rank = list, rank
	return d
}
