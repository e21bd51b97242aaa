package directory

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/cloudlink"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

var (
	noon = time.Date(2026, 11, 10, 12, 0, 0, 0, time.UTC)
	aws  = wallet.CloudAccount{Provider: "aws", Customer: "c-1"}
)

// town is a directory with accounts a and b in CNY, d in USD, and a clock to set.
type town struct {
	*Directory
	t     *testing.T
	now   time.Time
	store *memory.Store
	money *ledger.Ledger

	clouds *cloudlink.Desk
}

func newTown(t *testing.T) *town {
	t.Helper()
	w := &town{t: t, now: noon, store: new(memory.Store)}
	clock := func() time.Time { return w.now }
	w.Directory = &Directory{Store: w.store, Now: clock}
	w.clouds = &cloudlink.Desk{Store: w.store, Policy: wallet.DefaultPolicy(), Now: clock}
	w.money = &ledger.Ledger{Store: w.store, Policy: wallet.DefaultPolicy(), Now: clock}
	for id, currency := range map[wallet.AccountID]money.Currency{"a": money.CNY, "b": money.CNY, "d": money.USD} {
		if _, err := w.money.Do(t.Context(), id, Opening(Account{ID: id, Name: string(id), Currency: currency, Zone: "Asia/Shanghai"}, "ops")); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := w.clouds.Link(t.Context(), "a", aws, "ops"); err != nil {
		t.Fatal(err)
	}
	return w
}

// certify gives accounts the same certification.
func (w *town) certify(number string, accounts ...wallet.AccountID) {
	w.t.Helper()
	for _, id := range accounts {
		if _, _, err := w.Certify(w.t.Context(), id, &Certification{Kind: EnterpriseCertification, Number: number}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// unlink has the provider unlink a's cloud account.
func (w *town) unlink() {
	w.t.Helper()
	_, _, err := w.clouds.Unlink(w.t.Context(), aws, "ops", func(wallet.AccountID) ([]wallet.WorkspaceID, error) { return nil, nil })
	if err != nil {
		w.t.Fatal(err)
	}
}

// bind binds a workspace by the billing centre's own method.
func (w *town) bind(account wallet.AccountID, id wallet.WorkspaceID) (Workspace, bool, error) {
	return w.Bind(w.t.Context(), Wish{Workspace: id, Account: account, Method: wallet.BillingCenter, Actor: "owner"})
}

func (w *town) mustBind(account wallet.AccountID, id wallet.WorkspaceID) {
	w.t.Helper()
	if _, _, err := w.bind(account, id); err != nil {
		w.t.Fatal(err)
	}
}

// bindFrom is bind by an operator, from a past instant.
func (w *town) bindFrom(account wallet.AccountID, id wallet.WorkspaceID, from time.Time) (Workspace, bool, error) {
	return w.Bind(w.t.Context(), Wish{Workspace: id, Account: account, Method: wallet.BillingCenter, From: from, Operator: true})
}

func (w *town) mustUnbind(account wallet.AccountID, id wallet.WorkspaceID) {
	w.t.Helper()
	if _, _, err := w.Unbind(w.t.Context(), Wish{Workspace: id, Account: account}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) change(account wallet.AccountID, id wallet.WorkspaceID, method wallet.Method, operator bool) error {
	wish := Wish{Workspace: id, Account: account, Method: method, Operator: operator}
	if method == wallet.Cloud {
		wish.Cloud = aws
	}
	_, _, err := w.ChangeMethod(w.t.Context(), wish)
	return err
}

// payer tells who settles a day: an account and its method, or the kind of refusal.
func (w *town) payer(id wallet.WorkspaceID, day string) string {
	account, settle, err := w.Settle(w.t.Context(), wallet.Bill{Workspace: id, Day: day})
	if r := refusal.As(err); r != nil {
		return string(r.Kind)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return string(account) + " " + string(settle.Method)
}

func (w *town) wantKind(err error, kind refusal.Kind) {
	w.t.Helper()
	if !refusal.Is(err, kind) {
		w.t.Errorf("got %v, want %s", err, kind)
	}
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestAccountsAreListedLastOpenedFirst(t *testing.T) {
	w := newTown(t)
	w.now = noon.Add(time.Hour)
	opened, err := w.money.Do(t.Context(), "z", Opening(Account{ID: "z", Name: "Z", Currency: money.CNY, Zone: "UTC"}, "ops"))
	if err != nil {
		t.Fatal(err)
	}
	all, next, err := w.Accounts(t.Context(), "", 2)
	if err != nil || len(all) != 2 || all[0].ID != "z" || !all[0].OpenedAt.Equal(opened.Entry.Time) {
		t.Fatalf("got %v, %v", all, err)
	}
	rest, end, err := w.Accounts(t.Context(), next, 9)
	if err != nil || len(rest) != 2 || end != "" {
		t.Errorf("the next page: %v, %v", rest, err)
	}
	_, err = w.Account(t.Context(), "nobody")
	w.wantKind(err, refusal.NotFound)
}

func TestBindingRefusals(t *testing.T) {
	w := newTown(t)
	w.mustBind("a", "ws")
	_, _, err := w.bind("b", "ws")
	w.wantKind(err, refusal.Conflict)
	if r := refusal.As(err); r != nil && r.Detail != "The workspace is bound already." {
		t.Errorf("it tells too much: %s", r.Detail)
	}
	_, _, err = w.bind("nobody", "ws-2")
	w.wantKind(err, refusal.NotFound)
	_, _, err = w.Bind(t.Context(), Wish{Workspace: "ws", Account: "a", Method: wallet.Cloud, Cloud: aws})
	w.wantKind(err, refusal.Conflict)
	_, _, err = w.bindFrom("a", "ws-2", noon.Add(time.Second))
	w.wantKind(err, refusal.Invalid)
	_, _, err = w.Bind(t.Context(), Wish{Workspace: "ws-2", Account: "a", Method: wallet.BillingCenter, From: noon.Add(-time.Hour)})
	w.wantKind(err, refusal.Forbidden)
	w.mustUnbind("a", "ws")
	_, _, err = w.bind("d", "ws") // it is billed in CNY, for ever
	w.wantKind(err, refusal.NotApplicable)
}

func TestTheSameBindingAgainChangesNothing(t *testing.T) {
	w := newTown(t)
	first, changed, err := w.bind("a", "ws")
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	w.now = noon.Add(time.Hour)
	again, changed, err := w.bind("a", "ws")
	if diff := cmp.Diff(first, again); diff != "" || changed || err != nil {
		t.Error(diff, changed, err)
	}
	w.mustUnbind("a", "ws")
	if _, changed, err := w.Unbind(t.Context(), Wish{Workspace: "ws", Account: "a"}); changed || err != nil {
		t.Error("unbound again:", changed, err)
	}
	_, _, err = w.Unbind(t.Context(), Wish{Workspace: "ws", Account: "b"})
	w.wantKind(err, refusal.NotFound)
}

// An operator may bind from a past instant, over time in which the workspace was unbound; what was in force stays.
func TestThePastIsFilledButNeverChanged(t *testing.T) {
	w := newTown(t)
	w.certify("r-1", "a", "b")
	day := func(n int) time.Time { return noon.AddDate(0, 0, n) }
	w.now = day(-8)
	w.mustBind("a", "ws")
	w.now = day(-6)
	w.mustUnbind("a", "ws")
	w.now = day(-3)
	w.mustBind("a", "ws")
	w.now = day(0)
	for _, row := range []struct {
		name    string
		account wallet.AccountID
		from    time.Time
		kind    refusal.Kind
	}{
		{"while it was a's", "b", day(-7), refusal.Conflict},
		{"while it is a's", "b", day(-1), refusal.Conflict},
		{"at the instant at which a's begins", "b", day(-3), refusal.Conflict},
		{"in the gap", "b", day(-5), ""},
		{"in the gap, now filled", "a", day(-4), refusal.Conflict},
		{"before all", "a", day(-20), ""},
	} {
		_, _, err := w.bindFrom(row.account, "ws", row.from)
		if row.kind == "" && err != nil || row.kind != "" && !refusal.Is(err, row.kind) {
			t.Errorf("%s: %v, want %q", row.name, err, row.kind)
		}
	}
	for n, want := range map[int]string{-25: "not_found", -15: "a billing_center", -8: "a billing_center", -6: "not_found", -5: "b billing_center", -3: "a billing_center", -1: "a billing_center"} {
		if got := w.payer("ws", day(n).Format(time.DateOnly)); got != want {
			t.Errorf("day %d: %s, want %s", n, got, want)
		}
	}
	got, err := w.Workspace(t.Context(), "b", "ws")
	if err != nil || len(got.Periods("b")) != 1 || !got.Periods("b")[0].Until.Equal(day(-3)) {
		t.Errorf("b sees %+v, %v", got.Periods("b"), err)
	}
	if listed, _, err := w.Workspaces(t.Context(), "b", "", 9); err != nil || len(listed) != 0 {
		t.Errorf("b lists %v, %v", listed, err)
	}
	_, err = w.Workspace(t.Context(), "d", "ws")
	w.wantKind(err, refusal.NotFound)
}

func TestTwentyAccountsRaceForAWorkspace(t *testing.T) {
	w := newTown(t)
	var wg sync.WaitGroup
	won := make(chan wallet.AccountID, 20)
	for i := range 20 {
		id := wallet.AccountID(fmt.Sprintf("racer-%d", i))
		if _, err := w.money.Do(t.Context(), id, Opening(Account{ID: id, Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops")); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			switch _, changed, err := w.bind(id, "ws"); {
			case changed:
				won <- id
			case !refusal.Is(err, refusal.Conflict):
				t.Errorf("%s: %v", id, err)
			}
		})
	}
	wg.Wait()
	if len(won) != 1 {
		t.Errorf("%d won", len(won))
	}
}

// lossy is a store whose writes and reads of documents can be made to fail.
type lossy struct {
	ledger.Store
	put   func(next func() error) error
	reads int
}

func (l *lossy) Put(ctx context.Context, documents ...ledger.Document) error {
	next := func() error { return l.Store.Put(ctx, documents...) }
	if l.put != nil {
		return l.put(next)
	}
	return next()
}

func (l *lossy) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	l.reads++
	return l.Store.Documents(ctx, keys...)
}

func TestALostAnswerIsLookedAt(t *testing.T) {
	for name, written := range map[string]bool{"not written": false, "written, answer lost": true} {
		t.Run(name, func(t *testing.T) {
			w := newTown(t)
			failed := false
			w.Store = &lossy{Store: w.store, put: func(next func() error) error {
				if failed {
					return next()
				}
				failed = true
				if written {
					if err := next(); err != nil {
						return err
					}
				}
				return ledger.ErrUnknown
			}}
			got, changed, err := w.bind("a", "ws")
			if err != nil || !changed || len(got.Bindings) != 1 {
				t.Errorf("got %+v, %v, %v", got, changed, err)
			}
		})
	}
}

func TestAFaultIsNoAnswer(t *testing.T) {
	w := newTown(t)
	broken := errors.New("broken")
	w.Store = &lossy{Store: w.store, put: func(func() error) error { return broken }}
	if _, _, err := w.bind("a", "ws"); !errors.Is(err, broken) {
		t.Error(err)
	}
	w.Store = &lossy{Store: w.store, put: func(func() error) error { return ledger.ErrStale }}
	_, _, err := w.bind("a", "ws")
	w.wantKind(err, refusal.Contended)
}

// A workspace is one document, which has an end: whoever binds and unbinds without one is refused in time, and can still
// unbind. Its bills go on being settled.
func TestAWorkspacesHistoryHasAnEnd(t *testing.T) {
	w := newTown(t)
	long := strings.Repeat("a", 128)
	history := func(account wallet.AccountID) ledger.Document {
		old := Workspace{ID: "ws", Currency: money.CNY, Zone: "Asia/Shanghai"}
		for i := range maxBindings - 1 { // bound and unbound in turn, and bound at last
			b := Binding{From: noon.Add(time.Duration(i) * time.Second), Actor: long}
			if i%2 == 0 {
				b.Account, b.Method, b.Cloud = account, wallet.Cloud, wallet.CloudAccount{Provider: long, Customer: long}
			}
			old.Bindings = append(old.Bindings, b)
		}
		return old.document(ledger.Document{Key: workspaceKey(old.ID)})
	}
	if size := len(history(wallet.AccountID(long)).Body); size > 200<<10 {
		t.Errorf("a history may have %d bytes", size)
	}
	w.must(w.store.Put(t.Context(), history("a")))
	w.now = noon.AddDate(0, 1, 0)
	w.mustUnbind("a", "ws")
	_, _, err := w.bind("a", "ws")
	w.wantKind(err, refusal.Conflict)
	if got := w.payer("ws", "2026-11-10"); got != "a cloud" {
		t.Errorf("a day of its past is settled by %s", got)
	}
}
