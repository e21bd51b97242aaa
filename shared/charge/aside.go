package charge

import (
	"context"
	"fmt"
	"strconv"

	"billingcentre/shared/ledger"
	"billingcentre/shared/quarantine"
)

// Source is what the quarantine calls the charges and records that can't be read.
const Source = "cloud-charges"

// load is a charge as its document tells it.
func load(document ledger.Document) (pending, error) {
	c, err := ledger.Body[Charge](document)
	if err == nil && string(c.Bill) != document.Key.ID {
		err = unlike(document.Key, string(c.Bill))
	}
	if err != nil {
		return pending{}, err
	}
	minor, err := c.minor()
	return pending{c, document, minor}, err
}

// hold is a record as its document tells it.
func hold(document ledger.Document) (held, error) {
	r, err := ledger.Body[Record](document)
	if err == nil && r.ID != document.Key.ID {
		err = unlike(document.Key, r.ID)
	}
	return held{r, document}, err
}

func unlike(key ledger.DocumentKey, id string) error {
	return fmt.Errorf("document %s %s: it tells of %q", key.Kind, key.ID, id)
}

// aside leaves out what can't be read, and shows it to an operator: damage of one charge or record must keep no other
// from its cloud. It stays in its list, so that every round tells of it again, and goes on with it once it is put right.
func (d *Desk) aside(ctx context.Context, document ledger.Document, why error, round *Round) {
	round.Aside++
	d.Log.ErrorContext(ctx, "it can't be read", "document", document.Key.Kind, "id", document.Key.ID, "version", document.Version, "error", why.Error())
	if d.Quarantine == nil {
		return
	}
	version := strconv.FormatInt(document.Version, 10)
	if err := d.Quarantine.Keep(ctx, quarantine.Message{
		ID: idOf(document.Key.Kind, document.Key.ID, version), Source: Source, Kind: "internal", Detail: why.Error(), Body: document.Body,
		Attributes: map[string]string{"document": document.Key.Kind, "id": document.Key.ID, "version": version},
	}); err != nil {
		d.Log.ErrorContext(ctx, "it couldn't be quarantined", "document", document.Key.Kind, "id", document.Key.ID, "error", err.Error())
	}
}

// readable reads on in a list until it has as many values as are wanted, or the list ends. What can't be read is left
// out: whoever works through the others mustn't be kept from it. next is the rank to go on before; "" at the list's end.
func readable[T any](ctx context.Context, store ledger.Store, list, before string, limit int, read func(ledger.Document) (T, error)) (values []T, next string, err error) {
	for {
		documents, err := store.List(ctx, list, before, limit)
		if err != nil {
			return nil, "", err
		}
		for _, document := range documents {
			before = document.Rank
			if value, err := read(document); err == nil {
				if values = append(values, value); len(values) == limit {
					return values, before, nil
				}
			}
		}
		if len(documents) < limit {
			return values, "", nil
		}
	}
}
