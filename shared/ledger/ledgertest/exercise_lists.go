package ledgertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// order is a document of a recharge order, at the version at which it was loaded.
func order(id string, version int64, body string) ledger.Document {
	return ledger.Document{Key: ledger.DocumentKey{Kind: "order", ID: id}, Version: version, Body: fmt.Appendf(nil, "%q", body)}
}

func put(t *testing.T, store ledger.Store, documents ...ledger.Document) {
	t.Helper()
	if err := store.Put(t.Context(), documents...); err != nil {
		t.Fatal(err)
	}
}

func versions(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	put(t, store)
	put(t, store, order("1", 0, "a"))
	put(t, store, order("1", 1, "b"))
	commit := acme.Decide(acme.Head(), Cash("1", 1))
	commit.Documents = []ledger.Document{order("1", 2, "c"), order("2", 0, "a")}
	if err := store.Commit(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	for _, stale := range []ledger.Document{order("1", 0, "x"), order("1", 2, "x"), order("1", 4, "x"), order("2", 0, "x"), order("3", 1, "x")} {
		if err := store.Put(t.Context(), stale); !errors.Is(err, ledger.ErrStale) {
			t.Errorf("put of %s at version %d: %v", stale.Key.ID, stale.Version, err)
		}
	}
	// The same kind of id in another kind is another document.
	put(t, store, ledger.Document{Key: ledger.DocumentKey{Kind: "code", ID: "1"}, Body: []byte("{}")})
	got, err := store.Documents(t.Context(), order("1", 0, "").Key, order("2", 0, "").Key, order("3", 0, "").Key)
	want := map[ledger.DocumentKey]ledger.Document{order("1", 0, "").Key: order("1", 3, "c"), order("2", 0, "").Key: order("2", 1, "a")}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// An end comes back as it was written, and a write without one takes it away.
func ends(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	at := time.Date(2026, 12, 1, 8, 30, 0, 1, time.FixedZone("", 8*3600))
	want := time.Date(2026, 12, 1, 0, 30, 1, 0, time.UTC)
	one, two := order("1", 0, "a").Till(at), order("2", 0, "a").Till(at).In("letters", "1")
	commit := acme.Decide(acme.Head(), Cash("1", 1))
	commit.Documents = []ledger.Document{two}
	if err := store.Commit(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	put(t, store, one)
	found, err := store.Documents(t.Context(), one.Key, two.Key)
	if err != nil || found[one.Key].Until != want || found[two.Key].Until != want {
		t.Errorf("%+v, %v", found, err)
	}
	listed, err := store.List(t.Context(), "letters", "", 1)
	if err != nil || len(listed) != 1 || listed[0].Until != want {
		t.Errorf("%+v, %v", listed, err)
	}
	put(t, store, order("1", 1, "b"))
	if found, err = store.Documents(t.Context(), one.Key); err != nil || !found[one.Key].Until.IsZero() {
		t.Errorf("%+v, %v", found, err)
	}
}

func bytesThatAreNoText(t *testing.T, store ledger.Store) {
	key := ledger.DocumentKey{Kind: "books", ID: "1"}
	for version, body := range []string{"\x81\x00\xff\xfe", "\x81", `{"text":"again"}`} {
		put(t, store, ledger.Document{Key: key, Version: int64(version), Body: []byte(body)})
		got, err := store.Documents(t.Context(), key)
		if err != nil || string(got[key].Body) != body {
			t.Errorf("%q, %v", got[key].Body, err)
		}
	}
}

func allOrNone(t *testing.T, store ledger.Store) {
	put(t, store, order("1", 0, "a"), order("2", 0, "a"))
	if err := store.Put(t.Context(), order("1", 1, "b"), order("2", 0, "b"), order("3", 0, "b")); !errors.Is(err, ledger.ErrStale) {
		t.Errorf("put with one stale: %v", err)
	}
	got, err := store.Documents(t.Context(), order("1", 0, "").Key, order("3", 0, "").Key)
	want := map[ledger.DocumentKey]ledger.Document{order("1", 0, "").Key: order("1", 1, "a")}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func listPages(t *testing.T, store ledger.Store) {
	var documents []ledger.Document
	for i := range 7 {
		d := order(fmt.Sprint(i), 0, "a")
		d.List, d.Rank = "orders", fmt.Sprintf("%03d", i)
		documents = append(documents, d)
	}
	unlisted, elsewhere := order("u", 0, "a"), order("e", 0, "a")
	elsewhere.List, elsewhere.Rank = "other", "003"
	put(t, store, append(documents, unlisted, elsewhere)...)
	gone, moved := documents[3], documents[5]
	gone.Version, gone.List, gone.Rank = 1, "", ""
	moved.Version, moved.Rank = 1, "100"
	put(t, store, gone, moved)
	for _, c := range []struct {
		before string
		limit  int
		want   []string
	}{
		{"", 3, []string{"5", "6", "4"}},
		{"004", 3, []string{"2", "1", "0"}},
		{"", 100, []string{"5", "6", "4", "2", "1", "0"}},
		{"000", 3, nil},
		{"", 0, nil},
	} {
		var got []string
		Eventually(t, fmt.Sprintf("before %q: %v", c.before, c.want), func() bool {
			page, err := store.List(t.Context(), "orders", c.before, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			got = nil
			for _, d := range page {
				got = append(got, d.Key.ID)
			}
			return slices.Equal(got, c.want)
		})
	}
}

func journalPages(t *testing.T, store ledger.Store) {
	acme, other := Open(t, store, "acme"), Open(t, store, "acme2")
	acme.Must(Bills("b", 11, "0.01")...) // two digits: 12 comes before 9
	other.Must(Bill("c", "1"))
	for _, c := range []struct {
		before int64
		limit  int
		want   []int64
	}{
		{0, 4, []int64{12, 11, 10, 9}},
		{9, 4, []int64{8, 7, 6, 5}},
		{3, 4, []int64{2, 1}},
		{1, 4, nil},
		{99, 2, []int64{12, 11}},
		{0, 0, nil},
	} {
		Eventually(t, fmt.Sprintf("before %d: %v", c.before, c.want), func() bool {
			page, err := store.Journal(t.Context(), "acme", c.before, c.limit)
			if err != nil {
				t.Fatal(err)
			}
			return slices.Equal(numbers(page), c.want)
		})
	}
}

func numbers(entries []wallet.Entry) []int64 {
	var numbers []int64
	for _, e := range entries {
		numbers = append(numbers, e.Number)
	}
	return numbers
}

func grants(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	acme.Must(Cash("r", 10), acme.Voucher("v1", 4, 30), Bill("b", "4"), acme.Voucher("v2", 4, 30))
	voucher := acme.Voucher("v1", 4, 30).Key()
	found, err := store.Entries(t.Context(), "bill:b", voucher)
	if err != nil {
		t.Fatal(err)
	}
	// A reversal brings the used-up voucher back, but grants nothing.
	lot := found[voucher].Lots[0]
	acme.Must(wallet.Reverse{Settled: found["bill:b"], Granted: map[wallet.LotID]wallet.Lot{lot.ID: lot}, Once: "1", Reason: "wrong"})
	for before, want := range map[int64][]int64{0: {5, 3}, 5: {3}, 3: nil} {
		Eventually(t, fmt.Sprintf("before %d: %v", before, want), func() bool {
			page, err := store.Grants(t.Context(), "acme", before, 10)
			if err != nil {
				t.Fatal(err)
			}
			return slices.Equal(numbers(page), want)
		})
	}
	CheckReplay(t, store, "acme")
}

// sameShard gives so many account ids of one shard.
func sameShard(count int) (ids []wallet.AccountID) {
	for i := 0; len(ids) < count; i++ {
		if id := wallet.AccountID(fmt.Sprintf("acme-%d", i)); ledger.ShardOf(id) == 3 {
			ids = append(ids, id)
		}
	}
	return ids
}

// wantDue waits for what the index of shard 3 says.
func wantDue(t *testing.T, store ledger.Store, now time.Time, limit int, want ...wallet.AccountID) {
	t.Helper()
	var got []wallet.AccountID
	Eventually(t, fmt.Sprintf("due at %s: %v", now, want), func() (so bool) {
		var err error
		if got, err = store.Due(t.Context(), 3, now, limit); err != nil {
			t.Fatal(err)
		}
		return slices.Equal(got, want)
	})
}

func due(t *testing.T, store ledger.Store) {
	ids := sameShard(3)
	for i, days := range []int{30, 10, 20} {
		acme := Open(t, store, ids[i])
		acme.Must(acme.Voucher("v", 4, days))
	}
	at := func(days int) time.Time { return Now.AddDate(0, 0, days).Add(-wallet.DefaultPolicy().ExpiryNotice) }
	wantDue(t, store, at(10).Add(-time.Millisecond), 10)
	wantDue(t, store, at(10), 10, ids[1])
	wantDue(t, store, at(30), 10, ids[1], ids[2], ids[0])
	wantDue(t, store, at(30), 2, ids[1], ids[2])
	wantDue(t, store, at(30), 0)
	if other, err := store.Due(t.Context(), 4, at(30), 10); err != nil || len(other) != 0 {
		t.Errorf("another shard has %v, %v", other, err)
	}
}

func deferred(t *testing.T, store ledger.Store) {
	id := sameShard(1)[0]
	acme := Open(t, store, id)
	if err := store.Defer(t.Context(), wallet.Head{Account: "nobody"}, Now); !errors.Is(err, ledger.ErrMoved) {
		t.Errorf("defer of an account that isn't open: %v", err)
	}
	old := acme.Head()
	acme.Must(acme.Voucher("v", 4, 10))
	if err := store.Defer(t.Context(), old, Now); !errors.Is(err, ledger.ErrMoved) {
		t.Errorf("defer of a head that has moved: %v", err)
	}
	head, later := acme.Head(), Now.AddDate(1, 0, 0)
	if err := store.Defer(t.Context(), head, later); err != nil {
		t.Fatal(err)
	}
	if got := acme.Head(); !got.Due.Equal(later) || got.Version != head.Version {
		t.Errorf("deferred: %+v", got)
	}
	wantDue(t, store, later.Add(-1), 10)
	wantDue(t, store, later, 10, id)
	if err := store.Defer(t.Context(), head, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if got := acme.Head(); !got.Due.IsZero() {
		t.Errorf("deferred for ever: %+v", got)
	}
	wantDue(t, store, later.AddDate(10, 0, 0), 10)
}

func settlementLeavesDue(t *testing.T, store ledger.Store) {
	acme := Open(t, store, sameShard(1)[0])
	acme.Must(acme.Voucher("v", 4, 10))
	head, later := acme.Head(), Now.AddDate(0, 6, 0)
	commit := acme.Decide(head, Bill("b", "1"))
	if err := store.Defer(t.Context(), head, later); err != nil {
		t.Fatal(err)
	}
	if err := store.Commit(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	if got := acme.Head(); !got.Due.Equal(later) || got.Version != head.Version+1 {
		t.Errorf("head = %+v", got)
	}
}

func grantAfterDefer(t *testing.T, store ledger.Store) {
	acme := Open(t, store, sameShard(1)[0])
	acme.Must(acme.Voucher("v", 4, 10))
	head := acme.Head()
	commit := acme.Decide(head, acme.Voucher("w", 4, 60)) // doesn't change Due
	if err := store.Defer(t.Context(), head, Now.AddDate(0, 6, 0)); err != nil {
		t.Fatal(err)
	}
	if err := store.Commit(t.Context(), commit); !errors.Is(err, ledger.ErrMoved) {
		t.Errorf("commit: %v", err)
	}
	acme.Must(acme.Voucher("w", 4, 60))
	if got, want := acme.Head().Due, Now.AddDate(0, 0, 57); !got.Equal(want) {
		t.Errorf("due at %s, want %s", got, want)
	}
}
