package books_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"billingcentre/shared/books"
	"billingcentre/shared/ledger"
)

// kept are the keys of the books' documents of an account, but for its cursor.
func (o *overlay) kept(account string) (keys []ledger.DocumentKey) {
	for key := range o.own {
		if strings.HasPrefix(key.Kind, "books-") && strings.HasPrefix(key.ID, account) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b ledger.DocumentKey) int { return strings.Compare(a.Kind+a.ID, b.Kind+b.ID) })
	return keys
}

// put writes a document's body, whatever its version is.
func (o *overlay) put(ctx context.Context, t *testing.T, key ledger.DocumentKey, body []byte) (before []byte) {
	t.Helper()
	found, err := o.Documents(ctx, key)
	if err == nil {
		before = found[key].Body
		err = o.Put(ctx, ledger.Document{Key: key, Version: found[key].Version, Body: body})
	}
	if err != nil {
		t.Fatal(err)
	}
	return before
}

// Each document of an account's books, exchanged for the same of another account, is found.
func TestABookThatSaysSomethingElseIsFound(t *testing.T) {
	defer books.Small()()
	w := newWorld(t, 9)
	shadow := &overlay{Store: w.store, own: map[ledger.DocumentKey]ledger.Document{}}
	w.open("acme")
	w.open("beta")
	for range 3 {
		w.live("acme", 150)
		w.live("beta", 150)
		if err := books.Keep(t.Context(), shadow, "acme"); err != nil {
			t.Fatal(err)
		}
		if err := books.Keep(t.Context(), shadow, "beta"); err != nil {
			t.Fatal(err)
		}
	}
	verify := func() books.Verified {
		t.Helper()
		v, err := books.Verify(t.Context(), shadow, "acme")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := verify(); len(v.Wrong) > 0 || v.Number < 400 {
		t.Fatal(v)
	}
	kinds := map[string]int{}
	for _, key := range shadow.kept("acme") {
		other := ledger.DocumentKey{Kind: key.Kind, ID: strings.Replace(key.ID, "acme", "beta", 1)}
		if bytes.Equal(shadow.own[other].Body, shadow.own[key].Body) || shadow.own[other].Body == nil {
			continue // such as the index of no workspace
		}
		if kinds[key.Kind]++; kinds[key.Kind] > 2 {
			continue
		}
		right := shadow.put(t.Context(), t, key, shadow.own[other].Body)
		if v := verify(); len(v.Wrong) == 0 || !slices.ContainsFunc(v.Wrong, func(name string) bool { return name == key.Kind+" "+key.ID }) {
			t.Errorf("%s: %s", key, v)
		}
		shadow.put(t.Context(), t, key, right)
	}
	for _, kind := range []string{"books-volume", "books-usage", "books-journal", "books-contents", "books-index"} {
		if kinds[kind] == 0 {
			t.Errorf("no %s was tried", kind)
		}
	}
	if v := verify(); len(v.Wrong) > 0 {
		t.Error(v)
	}
}
