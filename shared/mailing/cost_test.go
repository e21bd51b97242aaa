package mailing_test

import (
	"slices"
	"testing"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/directory"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/mail"
	"billingcentre/shared/mailing"
	"billingcentre/shared/money"
	"billingcentre/shared/preference"
	"billingcentre/shared/wallet"
)

// TestWhatALetterCosts fails when a step of one costs a single unit more than the README says. The real store is under it, so
// it is also the proof that letters work on that.
func TestWhatALetterCosts(t *testing.T) {
	client, table, costs := dynamodbtest.Metered(t)
	w := newWorld(t)
	store := dynamo.New(client, table)
	w.Store, w.books.Store, w.Directory.Store = store, store, store
	if _, err := w.books.Do(t.Context(), "acme", directory.Opening(directory.Account{ID: "acme", Name: "Acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops")); err != nil {
		t.Fatal(err)
	}
	adjusted := event.OfEntry(func() wallet.Entry {
		receipt, err := w.books.Do(t.Context(), "acme", ledger.Intent{Command: wallet.Adjust{Account: "acme", Once: "a", Amount: money.Units(money.CNY, 1), Reason: "test"}})
		if err != nil {
			t.Fatal(err)
		}
		return receipt.Entry
	}())
	first, second := w.topUp("r1"), w.topUp("r2")
	deliver := func(e event.Event) func() {
		return func() {
			if err := w.Deliver(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	costs.Step("an event that is no letter", deliver(adjusted), 0, 0, 0)
	costs.Step("a letter that nobody gets", deliver(first), 3, 2, 2)
	w.want(preference.Preferences{Addresses: []string{"a@example.com", "b@example.com"}, Language: mail.English})
	costs.Step("a letter to two addresses", deliver(second), 8, 3, 6)
	costs.Step("its event again", deliver(second), 1, 1, 0)
	costs.Step("SES tells that one was taken: known before", func() { w.tell(t, "Send") }, 1, 1, 0)
	costs.Step("SES tells that one was delivered", func() { w.tell(t, "Delivery") }, 2, 1, 1)
	costs.Step("a page of notices", func() { w.mailings() }, 2, 2.5, 0)
	delivered := slices.ContainsFunc(w.mailings(), func(m mailing.Mailing) bool {
		return len(m.Recipients) == 2 && m.Recipients[0].Status == mailing.Delivered && m.Recipients[1].Status == mailing.Sent
	})
	if len(w.taken) != 2 || !delivered {
		t.Errorf("%d taken, %+v", len(w.taken), w.mailings())
	}
}

// tell lets the carrier tell something of its first letter.
func (w *world) tell(t *testing.T, what string) {
	t.Helper()
	if err := w.Hear(t.Context(), echo(what, "m-1", w.taken[0].Tags)); err != nil {
		t.Fatal(err)
	}
}
