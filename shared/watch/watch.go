// Package watch looks for what the people of an account asked to be told of: a balance that falls below their limit, and a
// day whose cost reaches one. It follows the journal of accounts that have limits, and of no others; what it finds
// becomes a notice, which is then told as every other.
//
// # Low balance
//
// The balance is cash, vouchers and cards less arrears, as an entry leaves them. It is told once a crossing: by the entry that
// takes it below the limit. Whatever follows is silent until an entry leaves it at the limit or above; then the next
// crossing is told again. That needs every entry in its order, which the bus doesn't give: so an event is only the hint that there is
// something, and shared/follow reads what lies between. A limit that is changed counts as one that was never crossed.
//
// # High consumption
//
// A usage day's exact cost, of all products or of one, is what the books say (shared/books) when a bill of that day was settled.
// It is told once a day and product, whatever is changed: the notice's key says so. Days of more than a week ago are
// history (chosen): a late bill is no news of today.
//
// # When events are lost
//
// A schedule (CatchUp) looks at all accounts that have limits, up to their heads: an event that never came, or came when its
// entry couldn't be read for days, costs time and no crossing.
//
//	watch.go    Watch: one account's entries
//	catchup.go  CatchUp: a schedule's walk through all accounts with limits
package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/preference"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	consumer = "watch"
	farthest = 200 // entries that are caught up with; of who was further away, the last ones
	history  = 7   // days after which a day's cost is no news
)

// Watch looks at accounts. It is safe for concurrent use.
type Watch struct {
	Store   ledger.Store
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *metric.Metrics
}

// state is what is remembered of an account beside how far its journal was followed.
type state struct {
	Limit string `json:"limit,omitempty"` // of the balance, as it was when it was last looked at
	Below bool   `json:"below,omitzero"`  // that it is below was told
}

// Look looks at an account's entries up to a number. It may be called again, and in any order.
func (w *Watch) Look(ctx context.Context, account wallet.AccountID, until int64) error {
	wishes, err := preference.Load(ctx, w.Store, account)
	if err != nil || !wishes.Watches() {
		return err
	}
	if err := w.begin(ctx, account, until); err != nil {
		return err
	}
	follower := &follow.Consumer[state]{
		Name: consumer, Store: w.Store, Now: w.Now, Log: w.Log, Metrics: w.Metrics,
		Consume: func(ctx context.Context, at follow.Cursor[state], entries []wallet.Entry) (follow.Step[state], error) {
			return w.consume(ctx, wishes, at.State, entries)
		},
	}
	_, err = follower.Account(ctx, account, until)
	return err
}

// begin sets the cursor of an account that wasn't followed until now, or not for long, near the present: nobody wants to be
// told of what was when there was no limit, and consume passes over that; but which of the entries since then comes here
// first is chance.
func (w *Watch) begin(ctx context.Context, account wallet.AccountID, until int64) error {
	key := follow.CursorKey(consumer, account)
	cursor, document, err := ledger.Read[follow.Cursor[state]](ctx, w.Store, key)
	if err != nil && !refusal.Is(err, refusal.NotFound) || err == nil && until-cursor.Number <= farthest {
		return err
	}
	err = w.Store.Put(ctx, document.With(follow.Cursor[state]{Account: account, Number: max(until-farthest, 0)}))
	if errors.Is(err, ledger.ErrStale) {
		return nil // somebody else has begun
	}
	return err
}

// consume looks at entries one after the other. Its notices are put before the cursor moves: they are put once.
func (w *Watch) consume(ctx context.Context, wishes preference.Preferences, s state, entries []wallet.Entry) (follow.Step[state], error) {
	days := map[string]bool{}
	for _, e := range entries {
		before := s
		low, err := s.crossed(wishes.LowBalance, e)
		if err != nil {
			return follow.Step[state]{}, err
		}
		if e.Time.Before(wishes.ChangedAt) { // these limits didn't hold yet: it can end a crossing, and begin none
			s.Below = s.Below && before.Below && s.Limit == before.Limit
			continue
		}
		if low != nil {
			if _, err := notice.BalanceLow(e.Account, *low).Put(ctx, w.Store, w.Now()); err != nil {
				return follow.Step[state]{}, err
			}
		}
		if e.Settlement != nil && wishes.WatchesDays() {
			days[e.Settlement.Day] = true
		}
	}
	if len(days) > 0 {
		if err := w.days(ctx, wishes, entries[len(entries)-1], slices.Sorted(maps.Keys(days))); err != nil {
			return follow.Step[state]{}, err
		}
	}
	return follow.Step[state]{Taken: len(entries), State: s}, nil
}

// crossed takes an entry into account, and gives what to tell if its balance is the first below the limit.
func (s *state) crossed(limit string, e wallet.Entry) (*notice.LowBalance, error) {
	if limit != s.Limit {
		*s = state{Limit: limit}
	}
	if limit == "" {
		return nil, nil
	}
	least, err := money.Parse("/low_balance", limit, e.Balances.Cash.Currency())
	if err != nil {
		return nil, fmt.Errorf("watch: the limit of %s: %w", e.Account, err)
	}
	balance := Balance(e.Balances)
	if balance.Cmp(least) >= 0 || s.Below {
		s.Below = balance.Cmp(least) < 0
		return nil, nil
	}
	s.Below = true
	return &notice.LowBalance{
		Balance: balance.String(), Limit: limit, Currency: string(balance.Currency()), Entry: e.Number, EntryAt: e.Time,
	}, nil
}

// Balance is what a wallet can pay with, less what it owes. Lots count until their breakage is booked.
func Balance(b wallet.Balances) money.Amount {
	return b.Cash.Add(b.Regular).Add(b.Discount).Add(b.Card).Sub(b.Arrears)
}

// errBooksBehind says that the books don't tell an entry yet.
var errBooksBehind = errors.New("watch: the books are behind")

// days compares the cost of usage days with their limits, as the books tell it.
func (w *Watch) days(ctx context.Context, wishes preference.Preferences, last wallet.Entry, days []string) error {
	view, err := (&books.Books{Store: w.Store}).Open(ctx, last.Account)
	if err != nil {
		return err
	}
	if view.Through < last.Number {
		return fmt.Errorf("%w: %s, entry %d", errBooksBehind, last.Account, last.Number)
	}
	zone, err := directory.Zone(view.Head.Zone)
	if err != nil {
		return err
	}
	oldest := last.Time.In(zone).AddDate(0, 0, -history).Format(time.DateOnly)
	for _, day := range days {
		if day < oldest {
			continue
		}
		groups, err := view.Totals(ctx, books.Filter{From: day, Until: day}, books.ByProduct)
		if err != nil {
			return err
		}
		if err := w.day(ctx, wishes, last.Account, day, groups); err != nil {
			return err
		}
	}
	return nil
}

// day tells of every limit that a day has reached.
func (w *Watch) day(ctx context.Context, wishes preference.Preferences, account wallet.AccountID, day string, groups []books.Group) error {
	if len(groups) == 0 {
		return nil
	}
	total := money.ZeroExact(groups[0].Exact.Currency())
	for _, g := range groups {
		total = total.Add(g.Exact)
		for _, limit := range wishes.DayProduct {
			if limit.Product == g.Product {
				if err := w.compare(ctx, account, notice.HighConsumption{Day: day, Product: g.Product, Limit: limit.Amount}, g.Exact); err != nil {
					return err
				}
			}
		}
	}
	if wishes.DayTotal == "" {
		return nil
	}
	return w.compare(ctx, account, notice.HighConsumption{Day: day, Limit: wishes.DayTotal}, total)
}

func (w *Watch) compare(ctx context.Context, account wallet.AccountID, c notice.HighConsumption, spent money.Exact) error {
	limit, err := money.Parse("/high_consumption", c.Limit, spent.Currency())
	if err != nil {
		return fmt.Errorf("watch: a limit of %s: %w", account, err)
	}
	if spent.Cmp(limit.Exact()) < 0 {
		return nil
	}
	c.Spent, c.Currency = spent.String(), string(spent.Currency())
	_, err = notice.ConsumptionHigh(account, c).Put(ctx, w.Store, w.Now())
	return err
}
