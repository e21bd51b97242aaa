package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// The exact edges of the loop: how much one commit takes, what is read and written for what, and when it waits.

// with are intents whose commits write so many documents of so many bytes each.
func with(commands []wallet.Command, documents, size int) []ledger.Intent {
	list := intents(commands...)
	for i := range list {
		for n := range documents {
			key := ledger.DocumentKey{Kind: "order", ID: fmt.Sprintf("%s/%d", commands[i].Key(), n)}
			list[i].Documents = append(list[i].Documents, ledger.Document{Key: key, Body: bytes.Repeat([]byte("9"), size)})
		}
	}
	return list
}

// answered fails unless each intent was answered by its own entry, for the first time.
func answered(t *testing.T, list []ledger.Intent, outcomes []ledger.Outcome) {
	t.Helper()
	for i, o := range outcomes {
		if o.Err != nil || o.Repeated || o.Entry.Key != list[i].Command.Key() {
			t.Errorf("intent %d is answered by %q, %v", i, o.Entry.Key, o.Err)
		}
	}
}

func TestDocumentsTakeRoomInACommit(t *testing.T) {
	bills := func(n int) []wallet.Command { return ledgertest.Bills("b", n, "0.01") }
	giant := slices.Concat(intents(bills(1)...), with([]wallet.Command{ledgertest.Bill("giant", "1")}, 1, 4<<20), intents(ledgertest.Bill("after", "1")))
	for _, c := range []struct {
		what string
		list []ledger.Intent
		want []int // entries in each commit
	}{
		{"33 entries, 66 documents and the head are 100 items", with(bills(66), 2, 1), []int{33, 33}},
		{"14 times 210 KB are below 3 MB, in documents too", with(bills(30), 2, 105_000), []int{14, 14, 2}},
		{"what is too large for any commit is in one of its own", giant, []int{1, 1, 1}},
	} {
		t.Run(c.what, func(t *testing.T) {
			store := &weighed{Store: new(memory.Store)}
			open(t, store.Store, "acme", 100)
			answered(t, c.list, on(store).DoAll(t.Context(), "acme", c.list))
			if !slices.Equal(store.entries, c.want) {
				t.Errorf("commits of %d entries, want %d", store.entries, c.want)
			}
		})
	}
}

// Two that are exactly as large as a commit may be are one; with a byte more, they are two.
func TestACommitIsFullToTheByte(t *testing.T) {
	bills := ledgertest.Bills("b", 2, "0.01")
	run := func(size int) *weighed {
		store := &weighed{Store: new(memory.Store)}
		open(t, store.Store, "acme", 100)
		list := with(bills, 1, 1)
		list[1].Documents[0].Body = bytes.Repeat([]byte("9"), size)
		answered(t, list, on(store).DoAll(t.Context(), "acme", list))
		return store
	}
	small := run(1)
	head, err := small.Head(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	rest := 3<<20 - (small.bytes[0] - len(head.Canonical())) - 1 // beside the entries and the first one's document
	for size, want := range map[int][]int{rest: {2}, rest + 1: {1, 1}} {
		if got := run(size).entries; !slices.Equal(got, want) {
			t.Errorf("with a document of %d bytes, commits are of %d entries, want %d", size, got, want)
		}
	}
}

func TestARefusalAloneWritesNothing(t *testing.T) {
	store := new(memory.Store)
	open(t, store, "acme", 0)
	var operations []string
	buy := wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)}
	_, err := on(faults.Over(store, recorded(&operations))).Do(t.Context(), "acme", ledger.Intent{Command: buy})
	if want := []string{"Head", "Entries"}; !refusal.Is(err, refusal.Insufficient) || !slices.Equal(operations, want) {
		t.Errorf("%v, and it took %v", err, operations)
	}
}

func TestARefusalAmongOthersCostsNoCommit(t *testing.T) {
	store := new(memory.Store)
	open(t, store, "acme", 0)
	var operations []string
	buy := wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)}
	on(faults.Over(store, recorded(&operations))).DoAll(t.Context(), "acme", intents(ledgertest.Bill("a", "1"), buy, ledgertest.Bill("b", "1")))
	if count(operations, "Commit") != 1 {
		t.Errorf("it took %v", operations)
	}
}

func TestWhatFollowsARepetitionInABatchIsDoneToo(t *testing.T) {
	store := new(memory.Store)
	open(t, store, "acme", 0)
	putCode(t, store)
	bill := ledgertest.Bill("a", "1")
	outcomes := on(store).DoAll(t.Context(), "acme", []ledger.Intent{entering(store, "acme", "1"), entering(store, "acme", "1"), {Command: bill}})
	must(t, outcomes...)
	if !outcomes[1].Repeated || !sameEntry(outcomes[0].Receipt, outcomes[1].Receipt) || outcomes[2].Entry.Key != bill.Key() {
		t.Errorf("%+v", outcomes)
	}
}

// Waiting is for what others are in the way of: never for what can't be kept, exists already or has moved.
func TestOnlyTroubleIsWaitedFor(t *testing.T) {
	store := new(memory.Store)
	open(t, store, "acme", 100)
	bills := make([]wallet.Command, 20)
	for i := range bills {
		bills[i] = ledgertest.Bill(fmt.Sprintf("poison-%d", i), "1")
	}
	l := on(poisoned{store})
	l.Wait = func(context.Context, int) error {
		t.Error("it waited")
		return nil
	}
	for i, o := range l.DoAll(t.Context(), "acme", intents(bills...)) {
		if !errors.Is(o.Err, errPoison) {
			t.Errorf("bill %d: %v", i, o.Err)
		}
	}
	bill := ledgertest.Bill("b", "1")
	for range 2 {
		must(t, l.DoAll(t.Context(), "acme", intents(bill))...)
	}
	putCode(t, store)
	moved := entering(store, "acme", "1")
	prepare := moved.Prepare
	moved.Prepare = func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
		command, documents, err := prepare(ctx)
		if err == nil && documents[0].Version == 1 { // somebody else touches it meanwhile
			if err := store.Put(ctx, documents[0].With("")); err != nil {
				t.Error(err)
			}
		}
		return command, documents, err
	}
	must(t, l.DoAll(t.Context(), "acme", []ledger.Intent{moved})...)
}

// Once the head has got to where a doubtful write would have brought it, that write can't land any more: no is no.
func TestDoubtEndsWhenTheHeadIsThere(t *testing.T) {
	store := &straggler{Store: new(memory.Store)}
	open(t, store, "acme", 0)
	must(t, on(store).DoAll(t.Context(), "acme", intents(ledgertest.Cash("r", 100)))...)
	l := on(store)
	l.Wait = func(ctx context.Context, _ int) error { // meanwhile somebody else spends it all, with one entry
		_, err := on(store.Store).Do(ctx, "acme", ledger.Intent{Command: ledgertest.Bill("other", "150")})
		return err
	}
	store.hold = true
	buy := wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)}
	if _, err := l.Do(t.Context(), "acme", ledger.Intent{Command: buy}); !refusal.Is(err, refusal.Insufficient) {
		t.Errorf("told %v", err)
	}
}

func TestBackoffDoublesUpToASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for attempt, ceiling := range map[int]time.Duration{1: 20, 2: 40, 3: 80, 6: 640, 7: 1000, 11: 1000, 40: 1000} {
			ceiling *= time.Millisecond
			longest := time.Duration(0)
			for range 300 {
				began := time.Now()
				if err := ledger.Backoff(t.Context(), attempt); err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				if took < 1 {
					t.Errorf("attempt %d: no pause", attempt)
				}
				longest = max(longest, took)
			}
			if longest > ceiling || longest < ceiling*9/10 {
				t.Errorf("attempt %d: the longest pause is %s, want up to %s", attempt, longest, ceiling)
			}
		}
	})
}

func TestTermsAreReadNoFurtherThanNeeded(t *testing.T) {
	whole := on(new(memory.Store))
	settled := usedUp(t, whole)
	if terms, err := whole.Terms(t.Context(), settled); err != nil || len(terms) != 1 {
		t.Errorf("%v, %v", terms, err)
	}
	for endless, want := range map[bool]int{false: 1, true: 100} {
		store := &forgetful{Store: new(memory.Store), endless: endless}
		l := on(store)
		settled := usedUp(t, l)
		if _, err := l.Terms(t.Context(), settled); err == nil || store.reads != want {
			t.Errorf("endless %t: %d pages were read, %v", endless, store.reads, err)
		}
	}
}

func TestDocumentsAreValues(t *testing.T) {
	store, key := new(memory.Store), ledger.DocumentKey{Kind: "note", ID: "1"}
	if _, document, err := ledger.Read[string](t.Context(), store, key); !refusal.Is(err, refusal.NotFound) || document.Key != key {
		t.Errorf("of nothing: %+v, %v", document, err)
	}
	if err := store.Put(t.Context(), ledger.Document{Key: key}.With("what it says")); err != nil {
		t.Fatal(err)
	}
	value, document, err := ledger.Read[string](t.Context(), store, key)
	if err != nil || value != "what it says" || document.Version != 1 {
		t.Errorf("%q, %+v, %v", value, document, err)
	}
	if _, err := ledger.Body[int](document); err == nil || !strings.Contains(err.Error(), "note 1 v1") {
		t.Errorf("as another type: %v", err)
	}
	down := faults.Over(store, func(faults.Call) faults.Fault { return faults.Fault{Kind: faults.Throttled} })
	if _, document, err := ledger.Read[string](t.Context(), down, key); !errors.Is(err, ledger.ErrThrottled) || document.Key != key {
		t.Errorf("of a store that doesn't answer: %+v, %v", document, err)
	}
}

func TestAccountsSpreadOverAllShards(t *testing.T) {
	seen := map[int]bool{}
	for i := range 1000 {
		seen[ledger.ShardOf(wallet.AccountID(fmt.Sprint("account-", i)))] = true
	}
	for shard := range seen {
		if shard < 0 || shard >= ledger.DueShards {
			t.Errorf("shard %d", shard)
		}
	}
	if len(seen) != ledger.DueShards {
		t.Errorf("%d shards are used", len(seen))
	}
}

func TestListsOfDocumentsAreValues(t *testing.T) {
	one := ledger.Document{Key: ledger.DocumentKey{Kind: "note", ID: "1"}}.With(1)
	if got, err := ledger.Bodies[int]([]ledger.Document{one, one.With(2)}, nil); err != nil || !slices.Equal(got, []int{1, 2}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := ledger.Bodies[int]([]ledger.Document{one, one.With("two")}, nil); err == nil || got != nil {
		t.Errorf("with one of another type: %v, %v", got, err)
	}
	if _, err := ledger.Bodies[int](nil, ledger.ErrThrottled); !errors.Is(err, ledger.ErrThrottled) {
		t.Errorf("of a store that doesn't answer: %v", err)
	}
}

func TestPagesOfAListGoOnWhereTheyEnded(t *testing.T) {
	store := new(memory.Store)
	for i := range 5 {
		document := ledger.Document{Key: ledger.DocumentKey{Kind: "note", ID: fmt.Sprint(i)}}.With(i).In("notes", fmt.Sprint("r", i))
		if err := store.Put(t.Context(), document); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		before string
		limit  int
		want   []int
		next   string
	}{
		{"", 2, []int{4, 3}, "r3"},
		{"r3", 2, []int{2, 1}, "r1"},
		{"r1", 2, []int{0}, ""},
		{"", 5, []int{4, 3, 2, 1, 0}, "r0"}, // a full page: whether the list ends there, the next one tells
		{"r0", 5, []int{}, ""},
	} {
		got, next, err := ledger.PageOf[int](t.Context(), store, "notes", row.before, row.limit)
		if err != nil || !slices.Equal(got, row.want) || next != row.next {
			t.Errorf("%d from %q: %v, then %q, %v", row.limit, row.before, got, next, err)
		}
	}
	if got, next, err := ledger.PageOf[string](t.Context(), store, "notes", "", 2); err == nil || got != nil || next != "" {
		t.Errorf("of another type: %v, then %q, %v", got, next, err)
	}
	down := faults.Over(store, func(faults.Call) faults.Fault { return faults.Fault{Kind: faults.Throttled} })
	if _, _, err := ledger.PageOf[int](t.Context(), down, "notes", "", 2); !errors.Is(err, ledger.ErrThrottled) {
		t.Errorf("of a store that doesn't answer: %v", err)
	}
}

func TestADocumentEndsAtTheNextSecond(t *testing.T) {
	noon := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for after, want := range map[time.Duration]time.Duration{
		0: 0, 1: time.Second, time.Millisecond: time.Second, time.Second - 1: time.Second, time.Second: time.Second, time.Second + 1: 2 * time.Second,
	} {
		end := noon.Add(after).In(time.FixedZone("east", 8*60*60))
		if got := (ledger.Document{}).Till(end).Until; got != noon.Add(want) {
			t.Errorf("%s after noon: %s", after, got)
		}
	}
}

func TestTheSoonestIsListedFirst(t *testing.T) {
	last := "~"
	for _, ms := range []int64{-5, 0, 1, 999, 1_793_500_000_000, 9_999_999_999_999} {
		rank := ledger.SoonestFirst(time.UnixMilli(ms), "id")
		if ms > 0 && rank >= last || len(rank) != len("9999999999999#id") {
			t.Errorf("%d ms has the rank %s, after %s", ms, rank, last)
		}
		last = rank
	}
}
