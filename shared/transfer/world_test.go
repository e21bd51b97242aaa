package transfer

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

const config = `{"receiver":{"name":"Centre Ltd","bank":"Bank of Examples","number":"6222000011112222"},"currency":"CNY",
"columns":{"id":"流水号","date":"日期","date_form":"2006-01-02","credit":"收入","payer":"对方户名","memo":"附言"},
"fee_tolerance":"50.00","second_operator_above":"50000.00","order_days":30}`

// world is the desk over the accounts acme and zoo, in CNY.
type world struct {
	*Desk
	t     *testing.T
	now   time.Time
	store *failing
}

// failing is a store whose next writes fail as told: before they happen, or after.
type failing struct {
	ledger.Store
	before, after func() error
}

func (s *failing) Put(ctx context.Context, documents ...ledger.Document) error {
	return s.fail(func() error { return s.Store.Put(ctx, documents...) })
}

func (s *failing) Commit(ctx context.Context, commit ledger.Commit) error {
	return s.fail(func() error { return s.Store.Commit(ctx, commit) })
}

func (s *failing) fail(do func() error) error {
	if s.before != nil {
		if err := s.before(); err != nil {
			return err
		}
	}
	if err := do(); err != nil || s.after == nil {
		return err
	}
	return s.after()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c, err := ParseConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC), store: &failing{Store: new(memory.Store)}}
	l := &ledger.Ledger{
		Store: w.store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return w.now },
		Wait: func(context.Context, int) error { return nil },
	}
	w.Desk = &Desk{Ledger: l, Config: c, Chance: rand.NewChaCha8([32]byte{3})}
	for _, account := range []wallet.AccountID{"acme", "zoo"} {
		w.do(account, wallet.Open{Account: account, Currency: money.CNY, Zone: "Asia/Shanghai"})
	}
	return w
}

func (w *world) do(account wallet.AccountID, command wallet.Command) {
	w.t.Helper()
	if _, err := w.Ledger.Do(w.t.Context(), account, ledger.Intent{Command: command}); err != nil {
		w.t.Fatal(err)
	}
}

// order takes a transfer order.
func (w *world) order(account wallet.AccountID, once, amount, payer string) Order {
	w.t.Helper()
	order, _, err := w.Take(w.t.Context(), Wish{Account: account, Once: once, Amount: amount, Payer: payer})
	if err != nil {
		w.t.Fatal(err)
	}
	return order
}

const headers = "流水号,日期,收入,对方户名,附言\n"

// arrive imports a statement of these lines and returns its rows.
func (w *world) arrive(lines ...string) []Row {
	w.t.Helper()
	statement, _, err := w.Import(w.t.Context(), []byte(headers+strings.Join(lines, "\n")), "olga")
	if err != nil || len(statement.Bad) > 0 {
		w.t.Fatal(err, statement.Bad)
	}
	var rows []Row
	for _, id := range statement.Rows {
		row, err := w.Row(w.t.Context(), id)
		if err != nil {
			w.t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func (w *world) assign(row, once, actor string, shares ...Share) Row {
	w.t.Helper()
	out, _, err := w.Assign(w.t.Context(), Assignment{Row: row, Once: once, Shares: shares, Actor: actor})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// cash wants so much cash and arrears on an account.
func (w *world) cash(account wallet.AccountID, cash, arrears string) {
	w.t.Helper()
	head, err := w.Ledger.Open(w.t.Context(), account)
	if err != nil || head.Cash.String() != cash || head.Arrears.String() != arrears {
		w.t.Errorf("%s has %s and owes %s (%v), want %s and %s", account, head.Cash, head.Arrears, err, cash, arrears)
	}
}

// balances checks that every fen of every row is in one place, and that the sum says the same as the rows.
func (w *world) balances(held string) {
	w.t.Helper()
	var rows Suspense
	for _, settled := range []bool{false, true} {
		list, _, err := w.Rows(w.t.Context(), settled, "", 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, row := range list {
			rows.Received += row.Minor
			for _, p := range row.Parts {
				switch {
				case p.State != Booked:
				case p.Return:
					rows.Returned += p.Minor
				default:
					rows.Credited += p.Minor
					key := wallet.TransferKey(row.ID, p.Number)
					found, err := w.store.Entries(w.t.Context(), key)
					if err != nil || len(found) != 1 {
						w.t.Errorf("%s: %d entries, %v", key, len(found), err)
					}
				}
			}
			if (row.State() == Settled) != settled {
				w.t.Errorf("row %s is %s, in the wrong list", row.ID, row.State())
			}
		}
	}
	sum, err := w.Suspense(w.t.Context())
	if err != nil || sum != rows || money.Of(money.CNY, sum.Held()).String() != held {
		w.t.Errorf("suspense is %+v (%v), the rows say %+v, want %s held", sum, err, rows, held)
	}
}
