package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// What breaks for one intent breaks for that one only, wherever in the loop it breaks.

// broken is a store in which one entry can't be read any more: whoever asks for it, and for others besides, gets nothing.
type broken struct {
	ledger.Store
	entry wallet.Key
	reads int
}

func (b *broken) Entries(ctx context.Context, keys ...wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	b.reads++
	if slices.Contains(keys, b.entry) {
		return nil, fmt.Errorf("%w: entry %s", ledger.ErrDamaged, b.entry)
	}
	return b.Store.Entries(ctx, keys...)
}

// A bill whose entry was damaged comes again, among bills that are new or come again, too: it alone has no answer.
func TestADamagedEntryStopsNobodyElse(t *testing.T) {
	for _, again := range []bool{false, true} { // found by a cancelled commit, or looked for at once
		t.Run(fmt.Sprintf("looked for at once %t", again), func(t *testing.T) {
			store := &broken{Store: new(memory.Store), entry: "bill:old-4"}
			open(t, store, "acme", 100)
			old := ledgertest.Bills("old", 9, "0.01")
			must(t, on(store.Store).DoAll(t.Context(), "acme", intents(old...))...)
			list := intents(append(ledgertest.Bills("new", 90, "0.01"), old...)...)
			for i := range list {
				list[i].Again = again && i >= 90
			}
			for i, o := range on(store).DoAll(t.Context(), "acme", list) {
				switch damaged := list[i].Command.Key() == store.entry; {
				case damaged && !errors.Is(o.Err, ledger.ErrDamaged):
					t.Errorf("the damaged one was told %v", o.Err)
				case !damaged && (o.Err != nil || o.Repeated != (i >= 90)):
					t.Errorf("%s: repeated %t, %v", list[i].Command.Key(), o.Repeated, o.Err)
				}
			}
			if store.reads > 20 {
				t.Errorf("it took %d reads", store.reads)
			}
		})
	}
}

// What can't be done, and can't be looked up either, is told that it can't be looked up.
func TestARefusalThatCannotBeLookedUpStopsNobodyElse(t *testing.T) {
	store := &broken{Store: new(memory.Store)}
	open(t, store, "acme", 100)
	dear := wallet.Purchase{Account: "acme", Once: "1", Face: money.Units(money.CNY, 1_000)}
	store.entry = dear.Key()
	outcomes := on(store).DoAll(t.Context(), "acme", intents(ledgertest.Bill("a", "1"), dear, wallet.Purchase{Account: "acme", Once: "2", Face: money.Units(money.CNY, 2_000)}, ledgertest.Bill("b", "1")))
	if !errors.Is(outcomes[1].Err, ledger.ErrDamaged) || outcomes[0].Err != nil || outcomes[3].Err != nil || outcomes[2].Err == nil || errors.Is(outcomes[2].Err, ledger.ErrDamaged) {
		t.Errorf("%+v", outcomes)
	}
}

// beside writes a document with a bill's entry, as a charge or a mark is.
func beside(id string) func(wallet.Entry) []ledger.Document {
	return func(wallet.Entry) []ledger.Document {
		return []ledger.Document{{Key: ledger.DocumentKey{Kind: "mark", ID: id}, Body: []byte("{}")}}
	}
}

// What a bill would write beside its entry is there already, though its entry isn't: something was restored, or damaged. No
// try will help; those that share its commits are none the worse for it.
func TestADocumentThatIsInTheWayStopsNobodyElse(t *testing.T) {
	store := new(memory.Store)
	open(t, store, "acme", 100)
	if err := store.Put(t.Context(), beside("there")(wallet.Entry{})...); err != nil {
		t.Fatal(err)
	}
	list := intents(ledgertest.Bills("b", 60, "0.01")...)
	for i := range list {
		list[i].After = beside(fmt.Sprint(i))
	}
	list[17].After, list[44].After = beside("there"), beside("there")
	l := on(store)
	l.Wait = func(context.Context, int) error {
		t.Error("it waited")
		return nil
	}
	for i, o := range l.DoAll(t.Context(), "acme", list) {
		if stuck := i == 17 || i == 44; stuck != refusal.Is(o.Err, refusal.Contended) || stuck != errors.Is(o.Err, ledger.ErrStale) || !stuck && o.Err != nil {
			t.Errorf("bill %d: %v", i, o.Err)
		}
	}
	if journal := ledgertest.CheckReplay(t, store, "acme"); len(journal) != 60 {
		t.Errorf("%d entries", len(journal))
	}
}

// A document in the way may be another's, who was faster: with the head that he left it is no more.
func TestADocumentOfAFasterOneIsNoFault(t *testing.T) {
	store := &overtaken{Store: new(memory.Store)}
	open(t, store.Store, "acme", 0)
	marked := func(e wallet.Entry) []ledger.Document { return beside(fmt.Sprint(e.Number))(e) }
	store.first = func() {
		receipt, err := on(store.Store).Do(t.Context(), "acme", ledger.Intent{Command: ledgertest.Bill("faster", "1"), After: marked})
		if err != nil || receipt.Entry.Number != 2 {
			t.Errorf("%+v, %v", receipt, err)
		}
	}
	receipt, err := on(store).Do(t.Context(), "acme", ledger.Intent{Command: ledgertest.Bill("b", "1"), After: marked})
	if err != nil || receipt.Entry.Number != 3 {
		t.Errorf("%+v, %v", receipt, err)
	}
}

// overtaken lets somebody else be faster than its first commit.
type overtaken struct {
	ledger.Store
	first func()
}

func (o *overtaken) Commit(ctx context.Context, c ledger.Commit) error {
	if first := o.first; first != nil {
		o.first = nil
		first()
	}
	return o.Store.Commit(ctx, c)
}

// A bug in what is committed beside an entry is that intent's only.
func TestABugBesideOneEntryStopsNobodyElse(t *testing.T) {
	store := new(memory.Store)
	open(t, store, "acme", 100)
	list := intents(ledgertest.Bills("b", 5, "0.01")...)
	list[2].After = func(wallet.Entry) []ledger.Document { panic("index out of range") }
	for i, o := range on(store).DoAll(t.Context(), "acme", list) {
		if (o.Err != nil) != (i == 2) {
			t.Errorf("bill %d: %v", i, o.Err)
		}
	}
	if journal := ledgertest.CheckReplay(t, store, "acme"); len(journal) != 6 {
		t.Errorf("%d entries", len(journal))
	}
}
