package recharge

import (
	"context"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/payment"
)

// providerZone is the zone of the days by which providers' bills are made: that of mainland China, all year round.
var providerZone = time.FixedZone("CST", 8*60*60)

// dayKind is the kind of the documents that say on which day a credited order was paid. They move with the credit, so
// the daily proof finds our side of a day in a list, and never has to look through a table.
const dayKind = "recharge-day"

// dayList is the list of what was credited, and of what was sent back, by its day.
func dayList(day string) string { return "recharge-days#" + day }

func dayRank(at time.Time, id string) string { return at.UTC().Format("20060102T150405.000Z") + id }

type dayOf struct {
	Order string `json:"recharge_id"`
}

// paidOn lists a credited order under the day of its payment, as the provider tells it: its bill has it there.
func (o Order) paidOn(trade payment.Trade) ledger.Document {
	at := trade.PaidAt
	if at.IsZero() {
		at = o.CreditedAt
	}
	document := ledger.Document{Key: ledger.DocumentKey{Kind: dayKind, ID: o.ID}}.With(dayOf{o.ID})
	return document.In(dayList(at.In(providerZone).Format(time.DateOnly)), dayRank(at, o.ID))
}

// Day is our side of a day: the ids of the orders paid then, and of the refunds that went through then.
type Day struct {
	Orders, Refunds []string
}

const dayPage = 500

// Day lists our side of a day ("2026-11-02", in the provider's zone). The list may lag behind commits by seconds.
func (d *Desk) Day(ctx context.Context, day string) (Day, error) {
	var out Day
	for before := ""; ; {
		page, err := d.Ledger.Store.List(ctx, dayList(day), before, dayPage)
		if err != nil {
			return Day{}, err
		}
		for _, document := range page {
			if document.Key.Kind == dayKind {
				out.Orders = append(out.Orders, document.Key.ID)
			} else {
				out.Refunds = append(out.Refunds, document.Key.ID)
			}
			before = document.Rank
		}
		if len(page) < dayPage {
			return out, nil
		}
	}
}

// OrdersOf loads orders by their ids; those that don't exist are absent.
func (d *Desk) OrdersOf(ctx context.Context, ids []string) (map[string]Order, error) {
	return bodiesOf[Order](ctx, d.Ledger.Store, "recharge", ids)
}

// RefundsOf loads refunds by their ids; those that don't exist are absent.
func (d *Desk) RefundsOf(ctx context.Context, ids []string) (map[string]Refund, error) {
	return bodiesOf[Refund](ctx, d.Ledger.Store, "refund", ids)
}

func bodiesOf[T any](ctx context.Context, store ledger.Store, kind string, ids []string) (map[string]T, error) {
	const together = 100
	out := make(map[string]T, len(ids))
	for len(ids) > 0 {
		some := ids[:min(together, len(ids))]
		ids = ids[len(some):]
		seen, keys := map[string]bool{}, []ledger.DocumentKey{}
		for _, id := range some {
			if !seen[id] && id != "" {
				seen[id] = true
				keys = append(keys, ledger.DocumentKey{Kind: kind, ID: id})
			}
		}
		if len(keys) == 0 {
			continue
		}
		found, err := store.Documents(ctx, keys...)
		if err != nil {
			return nil, err
		}
		for key, document := range found {
			if out[key.ID], err = ledger.Body[T](document); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
