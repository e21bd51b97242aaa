package arrears

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"billingcentre/shared/charge"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/reversal"
	"billingcentre/shared/wallet"
)

// The fourth of November in Shanghai, at midnight: when the monthly bill of October is made.
var fourth = time.Date(2026, 11, 3, 16, 0, 0, 0, time.UTC)

// lab is one account, acme, with two workspaces that its wallet settles and one that a cloud account does.
type lab struct {
	*testing.T
	keeper *Keeper
	store  *listening
	now    time.Time
	bills  int
}

// listening is a store that notes notices as they are committed, in order, and can fail or be overtaken.
type listening struct {
	ledger.Store
	mu     sync.Mutex
	told   []notice.Notice
	before func() // runs once before the next Put
	fail   error  // the next Put's answer, after it was done
	refuse error  // the same, and it wasn't done
	hidden int64  // the number of the first entry that isn't listed yet; 0: all are
}

func (l *listening) Journal(ctx context.Context, account wallet.AccountID, before int64, limit int) ([]wallet.Entry, error) {
	page, err := l.Store.Journal(ctx, account, before, limit)
	return slices.DeleteFunc(page, func(e wallet.Entry) bool { return l.hidden > 0 && e.Number >= l.hidden }), err
}

func (l *listening) Put(ctx context.Context, documents ...ledger.Document) error {
	l.mu.Lock()
	before, refuse := l.before, l.refuse
	l.before, l.refuse = nil, nil
	l.mu.Unlock()
	if before != nil {
		before()
	}
	if refuse != nil {
		return refuse
	}
	if err := l.Store.Put(ctx, documents...); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, d := range documents {
		if d.Key.Kind == notice.DocumentKind {
			n, err := ledger.Body[notice.Notice](d)
			if err != nil {
				return err
			}
			l.told = append(l.told, n)
		}
	}
	fail := l.fail
	l.fail = nil
	return fail
}

func newLab(t *testing.T) *lab { return newLabOver(t, new(memory.Store)) }

func newLabOver(t *testing.T, store ledger.Store) *lab {
	l := &lab{T: t, store: &listening{Store: store}, now: fourth.AddDate(0, 0, -3)}
	clock := func() time.Time { return l.now }
	books := &ledger.Ledger{Store: l.store, Policy: wallet.DefaultPolicy(), Now: clock, Wait: func(ctx context.Context, _ int) error { return ctx.Err() }}
	l.keeper = &Keeper{
		Ledger: books, Directory: &directory.Directory{Store: l.store, Now: clock},
		Log: slog.New(slog.DiscardHandler), Metrics: &metric.Metrics{Out: new(strings.Builder)},
	}
	account := directory.Account{ID: "acme", Name: "Acme", Currency: money.CNY, Zone: "Asia/Shanghai"}
	_, err := books.Do(t.Context(), "acme", directory.Opening(account, "ops"))
	l.must(err)
	l.bind("ws-1", wallet.BillingCenter)
	l.bind("ws-2", wallet.BillingCenter)
	l.bind("ws-cloud", wallet.Cloud)
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) bind(id wallet.WorkspaceID, method wallet.Method) {
	l.Helper()
	wish := directory.Wish{Workspace: id, Account: "acme", Method: method}
	if method == wallet.Cloud {
		wish.Cloud = wallet.CloudAccount{Provider: "aws", Customer: "c-1"}
		_, _, err := (&cloudlink.Desk{Store: l.store, Now: func() time.Time { return l.now }}).Link(l.Context(), "acme", wish.Cloud, "ops")
		l.must(err)
	}
	_, _, err := l.keeper.Directory.Bind(l.Context(), wish)
	l.must(err)
}

func (l *lab) unbind(id wallet.WorkspaceID) {
	l.Helper()
	_, _, err := l.keeper.Directory.Unbind(l.Context(), directory.Wish{Workspace: id, Account: "acme"})
	l.must(err)
}

// owe settles a bill of general and restricted cost, and gives its id.
func (l *lab) owe(general, restricted string) wallet.BillID {
	l.Helper()
	l.bills++
	bill := wallet.Bill{ID: wallet.BillID(fmt.Sprintf("b-%d", l.bills)), Workspace: "ws-1", Day: "2026-11-01", Currency: money.CNY}
	for product, cost := range map[string]string{"logs": general, "sms": restricted} {
		exact, err := money.ParseExact("", cost, money.CNY)
		l.must(err)
		bill.Lines = append(bill.Lines, wallet.Line{Product: product, Amount: exact})
	}
	settle := wallet.Settle{Bill: bill, DayEnd: l.now.Add(-time.Hour), Method: wallet.BillingCenter}
	_, err := l.keeper.Ledger.Do(l.Context(), "acme", ledger.Intent{Command: settle, After: func(e wallet.Entry) []ledger.Document {
		return slices.Concat(charge.Of(e), Mark(e))
	}})
	l.must(err)
	return bill.ID
}

func (l *lab) pay(amount string) {
	l.Helper()
	l.bills++
	cash, err := money.Parse("", amount, money.CNY)
	l.must(err)
	_, err = l.keeper.Ledger.Do(l.Context(), "acme", ledger.Intent{Command: wallet.TopUp{Order: fmt.Sprint("o-", l.bills), Amount: cash, Channel: "alipay"}})
	l.must(err)
}

func (l *lab) reverse(bill wallet.BillID) {
	l.Helper()
	_, err := reversal.Do(l.Context(), l.keeper.Ledger, reversal.Wish{Bill: bill, Once: string(bill), Reason: "wrong", Actor: "ops"})
	l.must(err)
}

// month makes a monthly bill, as whoever makes it does.
func (l *lab) month(month string) {
	l.Helper()
	head, err := l.store.Head(l.Context(), "acme")
	l.must(err)
	l.monthOn(month, head)
}

func (l *lab) monthOn(month string, head wallet.Head) {
	l.Helper()
	documents, err := Begin(l.Context(), l.store, l.keeper.Ledger.Policy, head, month, l.now)
	l.must(err)
	if len(documents) > 0 {
		l.must(l.store.Put(l.Context(), documents...))
	}
}

// run is a minute's run, and patrol the other one.
func (l *lab) run() {
	l.Helper()
	_, err := l.keeper.Run(l.Context())
	l.must(err)
}

func (l *lab) patrol() {
	l.Helper()
	_, err := l.keeper.Patrol(l.Context())
	l.must(err)
}

// day goes to so many days after the fourth, and runs.
func (l *lab) day(days int) {
	l.Helper()
	l.now = fourth.AddDate(0, 0, days)
	l.run()
}

// want compares what was told since the last time, and how the account stands.
func (l *lab) want(state State, told ...string) {
	l.Helper()
	var got []string
	for _, n := range l.store.told {
		line := fmt.Sprintf("%s %d: %s", n.Kind, n.Arrears.Case, n.Arrears.Owed)
		for _, id := range n.Arrears.Workspaces {
			line += " " + string(id)
		}
		got = append(got, line)
	}
	l.store.told = nil
	if !slices.Equal(got, told) {
		l.Errorf("told %q, want %q", got, told)
	}
	s, err := Of(l.Context(), l.store, "acme")
	l.must(err)
	if s.State != state {
		l.Errorf("%s, want %s", s.State, state)
	}
	for _, of := range []State{Owing, Counting, Locked} {
		listed, _, err := List(l.Context(), l.store, of, "", 10)
		l.must(err)
		if (len(listed) == 1) != (of == state) {
			l.Errorf("%s, and %d in the list of %s", state, len(listed), of)
		}
	}
}

// standing is the account's, which must have an open case.
func (l *lab) open() *Case {
	l.Helper()
	s, err := Of(l.Context(), l.store, "acme")
	l.must(err)
	if s.Case == nil {
		l.Fatal("no open case")
	}
	return s.Case
}

func (l *lab) ended(number int) Case {
	l.Helper()
	ended, err := OneCase(l.Context(), l.store, "acme", number)
	if refusal.Is(err, refusal.NotFound) {
		l.Fatalf("case %d isn't kept", number)
	}
	l.must(err)
	return ended.Case
}
