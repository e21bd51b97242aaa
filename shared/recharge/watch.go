package recharge

import (
	"fmt"
	"time"

	"billingcentre/shared/ledger"
)

// A Watch is when an order is asked about next. It is written with its order, and leaves its list when there is
// nothing to find any more.
type Watch struct {
	Order   string    `json:"recharge_id"`
	Asked   int       `json:"asked,omitzero"` // how often, by the watchman
	AskedAt time.Time `json:"asked_at,omitzero"`
	AskAt   time.Time `json:"ask_at"`
	Over    bool      `json:"over,omitzero"`
}

// openOrders and openRefunds are the lists that a watchman works through, soonest first.
const (
	openOrders  = "recharges#open"
	openRefunds = "refunds#open"
)

const (
	firstAsk = time.Minute      // after the order was made: mostly the notice has come by then
	mostWait = 4 * time.Minute  // while it can be paid: with the schedule's minute, a lost notice costs five at most
	lateWait = 30 * time.Minute // afterwards
	endless  = time.Hour        // when even the end brought no answer
)

func watchOf(order Order) Watch { return Watch{Order: order.ID, AskAt: order.CreatedAt.Add(firstAsk)} }

// next is when to ask again, asked now.
func (w Watch) next(order Order, now time.Time) time.Time {
	ends := order.Ends()
	switch {
	case now.Before(order.ExpiresAt):
		return soonest(now.Add(min(firstAsk<<min(w.Asked, 8), mostWait)), order.ExpiresAt.Add(firstAsk))
	case now.Before(ends):
		return soonest(now.Add(min(max(now.Sub(order.ExpiresAt), mostWait), lateWait)), ends)
	}
	return now.Add(min(max(now.Sub(ends), mostWait), endless))
}

func soonest(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func watchKey(order string) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: "recharge-watch", ID: order}
}

// document is the watch in its document, listed by when it is due until it is over.
func (w Watch) document(d ledger.Document) ledger.Document {
	if w.Over {
		return d.With(w).In("", "")
	}
	return d.With(w).In(openOrders, dueRank(w.AskAt, w.Order))
}

// dueRank turns the order of a list round, which begins with the highest rank: the soonest is the highest.
func dueRank(at time.Time, id string) string {
	return fmt.Sprintf("%013d#%s", 9_999_999_999_999-at.UnixMilli(), id)
}
