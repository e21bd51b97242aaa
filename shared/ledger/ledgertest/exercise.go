package ledgertest

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Exercise runs the whole contract, each case on a store of its own.
func Exercise(t *testing.T, fresh func(t *testing.T) ledger.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, ledger.Store)
	}{
		{"an account that isn't open has a head of version 0", unopened},
		{"what was committed is read back, byte for byte", readBack},
		{"a commit of 99 entries is one commit", ninetyNine},
		{"a commit of more than 100 items is a fault", tooMany},
		{"nothing is written twice in one commit", twiceInOne},
		{"taken before stale before moved, and nothing is written", precedence},
		{"of many commits on one version, one wins", oneWins},
		{"what a caller changes afterwards changes nothing", copies},
		{"a document moves one version at a time", versions},
		{"a document may have an end", ends},
		{"a document may be bytes that aren't text", bytesThatAreNoText},
		{"documents are put all or none", allOrNone},
		{"a list has its documents by descending rank, page by page", listPages},
		{"a journal has its entries, newest first, page by page", journalPages},
		{"grants are the entries that brought new lots", grants},
		{"due wallets come earliest first, by shard", due},
		{"a wallet is deferred while its head hasn't moved", deferred},
		{"a settlement leaves a deferred wallet deferred", settlementLeavesDue},
		{"a grant that a deferral didn't know of isn't lost to the schedule", grantAfterDefer},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
	}
}

func unopened(t *testing.T, store ledger.Store) {
	head, err := store.Head(t.Context(), "nobody")
	if err != nil || head.Version != 0 || head.Account != "nobody" {
		t.Errorf("head = %+v, %v", head, err)
	}
	if found, err := store.Entries(t.Context()); err != nil || len(found) != 0 {
		t.Errorf("no keys give %v, %v", found, err)
	}
	if found, err := store.Documents(t.Context(), ledger.DocumentKey{Kind: "order", ID: "none"}); err != nil || len(found) != 0 {
		t.Errorf("an absent document gives %v, %v", found, err)
	}
	if page, err := store.Journal(t.Context(), "nobody", 0, 10); err != nil || len(page) != 0 {
		t.Errorf("its journal is %v, %v", page, err)
	}
}

func readBack(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	commit := acme.Must(Cash("r1", 100), acme.Voucher("v1", 4, 30), Bill("b1", "13.4"))
	head := acme.Head()
	if !bytes.Equal(head.Canonical(), commit.After.Canonical()) || !head.Due.Equal(commit.After.Due) {
		t.Errorf("head = %+v, want %+v", head, commit.After)
	}
	keys := []wallet.Key{"bill:b1", "recharge:r1", "bill:never", "bill:b1"}
	found, err := store.Entries(t.Context(), keys...)
	if err != nil || len(found) != 2 {
		t.Fatalf("entries = %v, %v", found, err)
	}
	for _, want := range []wallet.Entry{commit.Entries[0], commit.Entries[2]} {
		got := found[want.Key]
		if !bytes.Equal(got.Canonical(), want.Canonical()) {
			t.Errorf("entry %s = %+v, want %+v", want.Key, got, want)
		}
	}
	CheckReplay(t, store, "acme")
}

func ninetyNine(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	commit := acme.Must(Bills("b", ledger.MaxActions-1, "0.01")...)
	var keys []wallet.Key
	for _, e := range commit.Entries {
		keys = append(keys, e.Key)
	}
	if found, err := store.Entries(t.Context(), append(keys, "bill:x", "bill:y")...); err != nil || len(found) != len(keys) {
		t.Errorf("%d of %d entries are found, %v", len(found), len(keys), err)
	}
	CheckReplay(t, store, "acme")
}

func tooMany(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	wantFault(t, acme, acme.Decide(acme.Head(), Bills("b", ledger.MaxActions, "0.01")...))
}

func twiceInOne(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	wantFault(t, acme, acme.Decide(acme.Head(), Bill("b", "1"), Bill("b", "1")))
	commit := acme.Decide(acme.Head(), Bill("b", "1"))
	commit.Documents = []ledger.Document{order("1", 0, "a"), order("1", 0, "b")}
	wantFault(t, acme, commit)
	if err := store.Put(t.Context(), commit.Documents...); err == nil || known(err) {
		t.Errorf("put twice in one: %v", err)
	}
}

// wantFault commits what no store may take: a bug of the caller, not to be tried again.
func wantFault(t *testing.T, a Account, commit ledger.Commit) {
	t.Helper()
	before := a.Head()
	if err := a.Store.Commit(t.Context(), commit); err == nil || known(err) {
		t.Errorf("commit: %v, want a fault", err)
	}
	if after := a.Head(); after.Version != before.Version {
		t.Errorf("it moved the head to version %d", after.Version)
	}
}

// known tells the failures that the contract has names for.
func known(err error) bool {
	var taken *ledger.TakenError
	named := []error{ledger.ErrStale, ledger.ErrMoved, ledger.ErrContended, ledger.ErrThrottled, ledger.ErrUnknown}
	return errors.As(err, &taken) || slices.ContainsFunc(named, func(name error) bool { return errors.Is(err, name) })
}

func precedence(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	old := acme.Head()
	acme.Must(Cash("r1", 100), Bill("b1", "1"))
	put(t, store, order("1", 0, "new"))
	stale := order("1", 0, "newer")
	current := acme.Head()
	for _, c := range []struct {
		name  string
		head  wallet.Head
		bills []string
		order *ledger.Document
		taken []wallet.Key
		want  error
	}{
		{"an entry exists, a document is stale, the head has moved", old, []string{"b2", "b1"}, &stale, []wallet.Key{"bill:b1"}, nil},
		{"an entry exists", current, []string{"b1", "b2"}, nil, []wallet.Key{"bill:b1"}, nil},
		{"a document is stale, the head has moved", old, []string{"b2"}, &stale, nil, ledger.ErrStale},
		{"a document is stale", current, []string{"b2"}, &stale, nil, ledger.ErrStale},
		{"the head has moved", old, []string{"b2"}, nil, nil, ledger.ErrMoved},
		{"the head was never there", wallet.Head{Account: "acme"}, nil, nil, nil, ledger.ErrMoved},
	} {
		var commands []wallet.Command
		for _, id := range c.bills {
			commands = append(commands, Bill(id, "1"))
		}
		commit := acme.Decide(c.head, commands...)
		if c.order != nil {
			commit.Documents = append(commit.Documents, order("fresh", 0, "x"), *c.order)
		}
		err := store.Commit(t.Context(), commit)
		var taken *ledger.TakenError
		switch {
		case c.want != nil && !errors.Is(err, c.want):
			t.Errorf("%s: %v", c.name, err)
		case c.want == nil && (!errors.As(err, &taken) || !slices.Equal(taken.Keys, c.taken)):
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if head := acme.Head(); !bytes.Equal(head.Canonical(), current.Canonical()) {
		t.Errorf("a failed commit left %+v", head)
	}
	if found, err := store.Entries(t.Context(), "bill:b2"); err != nil || len(found) != 0 {
		t.Errorf("a failed commit left %v, %v", found, err)
	}
	if found, err := store.Documents(t.Context(), order("fresh", 0, "").Key, stale.Key); err != nil || len(found) != 1 || string(found[stale.Key].Body) != `"new"` {
		t.Errorf("a failed commit left %v, %v", found, err)
	}
	CheckReplay(t, store, "acme")
}

func oneWins(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	head := acme.Head()
	const writers = 8
	errs := make([]error, writers)
	var wait sync.WaitGroup
	for i, bill := range Bills("b", writers, "1") {
		commit := acme.Decide(head, bill)
		wait.Go(func() { errs[i] = store.Commit(t.Context(), commit) })
	}
	wait.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, ledger.ErrMoved):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d commits won", won)
	}
	CheckReplay(t, store, "acme")
}

func copies(t *testing.T, store ledger.Store) {
	acme := Open(t, store, "acme")
	commit := acme.Decide(acme.Head(), acme.Voucher("v", 4, 30), Bill("b", "3"))
	body := []byte(`"mine"`)
	commit.Documents = []ledger.Document{{Key: ledger.DocumentKey{Kind: "order", ID: "1"}, Body: body}}
	want := commit.After.Canonical()
	entry := commit.Entries[1].Canonical()
	if err := store.Commit(t.Context(), commit); err != nil {
		t.Fatal(err)
	}
	body[1] = 'x'
	commit.After.Lots[0].Remaining = money.Zero(money.CNY)
	commit.Entries[1].Postings[0].Amount = money.Zero(money.CNY)
	for range 2 { // the second time after what was read was changed
		head := acme.Head()
		if !bytes.Equal(head.Canonical(), want) {
			t.Fatalf("head = %+v", head)
		}
		head.Lots[0].Remaining = money.Zero(money.CNY)
		found, err := store.Entries(t.Context(), "bill:b")
		got := found["bill:b"]
		if err != nil || !bytes.Equal(got.Canonical(), entry) {
			t.Fatalf("entry = %+v, %v", found, err)
		}
		found["bill:b"].Postings[0].Amount = money.Zero(money.CNY)
		documents, err := store.Documents(t.Context(), commit.Documents[0].Key)
		if err != nil || string(documents[commit.Documents[0].Key].Body) != `"mine"` {
			t.Fatalf("document = %v, %v", documents, err)
		}
		documents[commit.Documents[0].Key].Body[1] = 'y'
	}
}
