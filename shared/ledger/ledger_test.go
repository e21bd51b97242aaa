package ledger_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/ledgertest/faults"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// ground is a store, and the same store seen through faults.
type ground struct {
	store  ledger.Store
	faulty func(faults.Plan) (store ledger.Store, land func())
}

// grounds are the stores that every test of the loop runs on.
var grounds = map[string]func(testing.TB) ground{
	"memory": func(testing.TB) ground {
		store := new(memory.Store)
		return ground{store, func(plan faults.Plan) (ledger.Store, func()) {
			faulty := faults.Over(store, plan)
			return faulty, faulty.Land
		}}
	},
	"dynamo": func(t testing.TB) ground {
		client, table := dynamodbtest.Client(t)
		base := client.Options().HTTPClient.(*http.Client).Transport
		return ground{dynamo.New(client, table), func(plan faults.Plan) (ledger.Store, func()) {
			transport := faults.Under(base, plan)
			faulty := dynamodb.New(client.Options(), func(o *dynamodb.Options) {
				o.HTTPClient = &http.Client{Transport: transport}
				o.Retryer = aws.NopRetryer{} // every failure is the loop's
			})
			return dynamo.New(faulty, table), transport.Land
		}}
	},
}

// everywhere runs a test on every store.
func everywhere(t *testing.T, test func(*testing.T, ground)) {
	for name, make := range grounds {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

// on is a ledger on a store, whose clock stands still and which waits for nobody.
func on(store ledger.Store) *ledger.Ledger {
	return &ledger.Ledger{
		Store: store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return ledgertest.Now },
		Wait: func(ctx context.Context, _ int) error { return ctx.Err() },
	}
}

// patient is a ledger that waits as in production: for races.
func patient(store ledger.Store) *ledger.Ledger {
	l := on(store)
	l.Wait = nil
	return l
}

// intents wraps commands.
func intents(commands ...wallet.Command) []ledger.Intent {
	list := make([]ledger.Intent, len(commands))
	for i, command := range commands {
		list[i].Command = command
	}
	return list
}

// insist asks again, with the same key, while the answer is that one may.
func insist(ctx context.Context, l *ledger.Ledger, account wallet.AccountID, intent ledger.Intent) (receipt ledger.Receipt, err error) {
	for range 100 {
		receipt, err = l.Do(ctx, account, intent)
		if !refusal.Is(err, refusal.Contended) && !refusal.Is(err, refusal.Throttled) && !refusal.Is(err, refusal.Unavailable) {
			return receipt, err
		}
	}
	return receipt, err
}

// open opens an account with so much cash.
func open(t testing.TB, store ledger.Store, id wallet.AccountID, units int64) {
	t.Helper()
	acme := ledgertest.Open(t, store, id)
	if units > 0 {
		acme.Must(ledgertest.Cash("first-"+string(id), units))
	}
}

func must(t testing.TB, outcomes ...ledger.Outcome) {
	t.Helper()
	for i, outcome := range outcomes {
		if outcome.Err != nil {
			t.Fatalf("outcome %d: %v", i, outcome.Err)
		}
	}
}

// sameEntry tells whether two receipts show the very same entry.
func sameEntry(a, b ledger.Receipt) bool {
	return bytes.Equal(a.Entry.Canonical(), b.Entry.Canonical())
}

func TestTheSameKeyIsAnsweredAsTheFirstTime(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		l, ctx := on(g.store), t.Context()
		bill := ledger.Intent{Command: ledgertest.Bill("b", "13.4")}
		first, err := l.Do(ctx, "acme", bill)
		if err != nil || first.Repeated {
			t.Fatalf("first: %+v, %v", first, err)
		}
		second, err := l.Do(ctx, "acme", bill)
		if err != nil || !second.Repeated || !sameEntry(first, second) {
			t.Errorf("second: %+v, %v", second, err)
		}
		preview, err := l.Preview(ctx, "acme", bill.Command)
		if err != nil || !preview.Repeated || !sameEntry(first, preview) {
			t.Errorf("preview: %+v, %v", preview, err)
		}
		ledgertest.CheckReplay(t, g.store, "acme")
	})
}

func TestTheSameKeyWithOtherContentIsRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		l, ctx := on(g.store), t.Context()
		if _, err := l.Do(ctx, "acme", ledger.Intent{Command: ledgertest.Bill("b", "13.4")}); err != nil {
			t.Fatal(err)
		}
		other := ledgertest.Bill("b", "13.5")
		if _, err := l.Do(ctx, "acme", ledger.Intent{Command: other}); !refusal.Is(err, refusal.KeyReused) {
			t.Errorf("other content: %v", err)
		}
		var prior wallet.Entry
		clash := func(e wallet.Entry) error { prior = e; return refusal.Of(refusal.Conflict, "mine") }
		if _, err := l.Do(ctx, "acme", ledger.Intent{Command: other, Clash: clash}); !refusal.Is(err, refusal.Conflict) || prior.Key != "bill:b" {
			t.Errorf("own clash: %v, told %s", err, prior.Key)
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 3 {
			t.Errorf("%d entries", len(journal))
		}
	})
}

func TestARefusalIsNotRecorded(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 50)
		l, ctx := on(g.store), t.Context()
		buy := ledger.Intent{Command: wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 100)}}
		if _, err := l.Do(ctx, "acme", buy); !refusal.Is(err, refusal.Insufficient) {
			t.Fatal(err)
		}
		must(t, l.DoAll(ctx, "acme", intents(ledgertest.Cash("more", 50), buy.Command))...)
		// What was bought isn't refused afterwards, though it couldn't be bought now.
		if again, err := l.Do(ctx, "acme", buy); err != nil || !again.Repeated {
			t.Errorf("again: %+v, %v", again, err)
		}
		ledgertest.CheckReplay(t, g.store, "acme")
	})
}

func TestAPreviewWritesNothingAndAnswersAsSettling(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 5)
		l, bill := on(g.store), ledgertest.Bill("b", "13.4")
		preview, err := l.Preview(t.Context(), "acme", bill)
		if err != nil {
			t.Fatal(err)
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 2 {
			t.Fatalf("%d entries after a preview", len(journal))
		}
		settled, err := l.Do(t.Context(), "acme", ledger.Intent{Command: bill})
		if err != nil || !sameEntry(preview, settled) {
			t.Errorf("preview %+v\nsettled %+v, %v", preview, settled, err)
		}
		if _, err := l.Preview(t.Context(), "nobody", ledgertest.Bill("c", "1")); !refusal.Is(err, refusal.NotFound) {
			t.Errorf("preview for nobody: %v", err)
		}
	})
}

// code is a voucher code's document, as the function that activates codes would keep it.
var code = ledger.DocumentKey{Kind: "code", ID: "x"}

// entering is an account's entering of the code, under the client's key once.
func entering(store ledger.Store, account wallet.AccountID, once string) ledger.Intent {
	activate := wallet.Activate{
		Account: account, Once: once, Kind: wallet.Regular, Source: wallet.FromCode,
		Face: money.Units(money.CNY, 10), MinBill: money.Zero(money.CNY), Reference: "batch",
	}
	return ledger.Intent{Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
		found, err := store.Documents(ctx, code)
		if err != nil {
			return nil, nil, err
		}
		document := found[code]
		switch string(document.Body) {
		case `""`:
			document.Body = fmt.Appendf(nil, "%q", activate.Key())
			return activate, []ledger.Document{document}, nil
		case fmt.Sprintf("%q", activate.Key()):
			return nil, nil, &ledger.DoneError{Key: activate.Key()}
		}
		return nil, nil, refusal.Of(refusal.NotFound, "There is no such code.")
	}}
}

func putCode(t testing.TB, store ledger.Store) {
	t.Helper()
	if err := store.Put(t.Context(), ledger.Document{Key: code, Body: []byte(`""`)}); err != nil {
		t.Fatal(err)
	}
}

func TestACodeWorksOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 0)
		open(t, g.store, "other", 0)
		putCode(t, g.store)
		l, ctx := on(g.store), t.Context()
		first, err := l.Do(ctx, "acme", entering(g.store, "acme", "1"))
		if err != nil {
			t.Fatal(err)
		}
		again, err := l.Do(ctx, "acme", entering(g.store, "acme", "1"))
		if err != nil || !again.Repeated || !sameEntry(first, again) {
			t.Errorf("again: %+v, %v", again, err)
		}
		if _, err := l.Do(ctx, "other", entering(g.store, "other", "1")); !refusal.Is(err, refusal.NotFound) {
			t.Errorf("somebody else's: %v", err)
		}
	})
}

func TestDocumentsThatDependOnTheDecisionTurnWithIt(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 5)
		decisions, charge := 0, ledger.DocumentKey{Kind: "charge", ID: "b"}
		bill := ledger.Intent{Command: ledgertest.Bill("b", "13.4"), After: func(entry wallet.Entry) []ledger.Document {
			decisions++
			if decisions == 1 { // somebody is faster, and what is decided becomes another
				acme := ledgertest.Account{T: t, Store: g.store, ID: "acme"}
				acme.Must(ledgertest.Cash("more", 1))
			}
			return []ledger.Document{{Key: charge, Body: fmt.Appendf(nil, "%q", entry.Balances.Arrears)}}
		}}
		if _, err := on(g.store).Do(t.Context(), "acme", bill); err != nil {
			t.Fatal(err)
		}
		found, err := g.store.Documents(t.Context(), charge)
		if got := string(found[charge].Body); err != nil || got != `"7.40"` || found[charge].Version != 1 || decisions != 2 {
			t.Errorf("%s after %d decisions, %v", got, decisions, err)
		}
		ledgertest.CheckReplay(t, g.store, "acme")
	})
}
