package proof

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

// Provider compares the bills of a payment provider with our orders and our journal.
type Provider struct {
	Biller payment.Biller
	Desk   *recharge.Desk
}

// comparison is one day on its way to a finding.
type comparison struct {
	finding
	ours    recharge.Day
	rows    []payment.BillRow
	orders  map[string]recharge.Order
	refunds map[string]recharge.Refund
	entries map[wallet.Key]wallet.Entry
	seen    map[string]bool // payments by their trade, refunds by their id
}

// find makes the day's finding. ErrNoBill is an error while we know of something on that day: unknown isn't zero.
func (p Provider) find(ctx context.Context, day string) (finding, error) {
	c := comparison{seen: map[string]bool{}}
	c.ID, c.Source, c.Day, c.Currency = proofID(p.Biller.Name(), day), p.Biller.Name(), day, money.CNY
	var err error
	if c.ours, err = p.Desk.Day(ctx, day); err != nil {
		return finding{}, err
	}
	c.rows, err = p.Biller.Bill(ctx, day)
	if errors.Is(err, payment.ErrNoBill) && len(c.ours.Orders)+len(c.ours.Refunds) == 0 {
		c.NoBill = true
		return c.finding, nil
	}
	if err != nil {
		return finding{}, err
	}
	if err := c.load(ctx, p.Desk); err != nil {
		return finding{}, err
	}
	for _, row := range c.rows {
		if row.Refund != "" {
			c.refund(row)
		} else {
			c.payment(row)
		}
	}
	return c.finding, c.rest(ctx, p)
}

// load reads all orders, refunds and entries that the day is about, on either side.
func (c *comparison) load(ctx context.Context, desk *recharge.Desk) error {
	orders, refunds := slices.Clone(c.ours.Orders), slices.Clone(c.ours.Refunds)
	for _, row := range c.rows {
		orders = append(orders, row.OrderID)
		refunds = append(refunds, row.Refund)
	}
	var err error
	if c.refunds, err = desk.RefundsOf(ctx, refunds); err != nil {
		return err
	}
	if c.orders, err = desk.OrdersOf(ctx, orders); err != nil {
		return err
	}
	var keys []wallet.Key
	for id, order := range c.orders {
		if order.State == recharge.Credited {
			keys = append(keys, wallet.TopUpKey(id))
		}
	}
	for id, refund := range c.refunds {
		if refund.Cause == recharge.CashRefund && refund.State == recharge.RefundPaid {
			keys = append(keys, wallet.RefundEndKey(id))
		}
	}
	c.entries, err = entries(ctx, desk.Ledger.Store, keys)
	return err
}

const together = 100 // entries read at once

func entries(ctx context.Context, store ledger.Store, keys []wallet.Key) (map[wallet.Key]wallet.Entry, error) {
	out := make(map[wallet.Key]wallet.Entry, len(keys))
	for some := range slices.Chunk(keys, together) {
		found, err := store.Entries(ctx, some...)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, found)
	}
	return out, nil
}

// booked is what an entry took in from, or gave to, outside; 0 when there is none.
func (c *comparison) booked(key wallet.Key, minor int64) int64 {
	entry, ok := c.entries[key]
	if !ok {
		return 0
	}
	sum := int64(0)
	for _, posting := range entry.Postings {
		switch {
		case posting.From.Kind == wallet.AtPayer:
			sum += posting.Amount.Minor()
		case posting.To.Kind == wallet.AtPayer:
			sum -= posting.Amount.Minor()
		}
	}
	return sum
}

// payment finds the counterpart of a row of the bill: an order, and the entry that credited it.
func (c *comparison) payment(row payment.BillRow) {
	theirs := row.Amount.Minor()
	c.Theirs.Payments, c.Theirs.In = c.Theirs.Payments+1, c.Theirs.In+theirs
	out := Case{Order: row.OrderID, Trade: row.Ref, Theirs: theirs}
	order, known := c.orders[row.OrderID]
	switch {
	case c.seen[row.Ref]:
		out.Class, out.Detail = TheirsOnly, "the bill has the payment twice"
	case !known:
		out.Class, out.Detail = TheirsOnly, "we have no such order"
	case slices.Contains(order.Returned, row.Ref): // not credited, on its way back
		out.Ours = theirs
		c.Ours.Held += theirs
	case order.State == recharge.Credited && order.Trade == row.Ref:
		out.Ours = c.booked(wallet.TopUpKey(order.ID), order.Minor)
		if out.Ours != theirs || order.Minor != theirs {
			out.Class, out.Detail = AmountDiffers, fmt.Sprintf("they say %s, the order %s, the journal %s", row.Amount, order.Amount(), c.amount(out.Ours))
		} else if row.Received != row.Amount {
			out.Class, out.Detail = AmountDiffers, fmt.Sprintf("%s was credited, %s reached us", row.Amount, row.Received)
		}
	default:
		out.Class, out.Detail = StatusDiffers, fmt.Sprintf("paid there by this trade; the order is %s here", order.State)
	}
	c.seen[row.Ref] = true
	c.count(out, false)
}

// refund finds the counterpart of a refund on the bill.
func (c *comparison) refund(row payment.BillRow) {
	theirs := row.Amount.Minor()
	c.Theirs.Refunds, c.Theirs.Out = c.Theirs.Refunds+1, c.Theirs.Out+theirs
	out := Case{Order: row.OrderID, Trade: row.Ref, Refund: row.Refund, Theirs: -theirs}
	refund, known := c.refunds[row.Refund]
	switch {
	case c.seen[row.Refund]:
		out.Class, out.Detail = TheirsOnly, "the bill has the refund twice"
	case !known:
		out.Class, out.Detail = TheirsOnly, "we asked for no such refund"
	case refund.State != recharge.RefundPaid:
		out.Class, out.Detail = StatusDiffers, fmt.Sprintf("sent back there; the refund is %s here", refund.State)
	case refund.Trade != row.Ref:
		out.Class, out.Ours, out.Detail = StatusDiffers, -refund.Minor, "sent back there from another payment than we asked for"
	default:
		if out.Ours = c.sent(refund); out.Ours != -theirs || refund.Minor != theirs {
			out.Class, out.Detail = AmountDiffers, fmt.Sprintf("they say %s, the refund %s, the journal %s", row.Amount, refund.Amount(), c.amount(-out.Ours))
		}
	}
	c.seen[row.Refund] = true
	c.count(out, true)
}

// sent is what our books say of a refund that went through, as a negative amount. What wasn't credited before has no
// entry: there, the refund itself is all that we have.
func (c *comparison) sent(refund recharge.Refund) int64 {
	if refund.Cause != recharge.CashRefund {
		c.Ours.Returned += refund.Minor
		return -refund.Minor
	}
	return c.booked(wallet.RefundEndKey(refund.ID), refund.Minor)
}

func (c *comparison) amount(minor int64) string { return money.Of(c.Currency, minor).String() }

// count adds our side of a row to the totals, and notes the case if it is one.
func (c *comparison) count(out Case, refund bool) {
	if out.Ours != 0 || out.Class == "" {
		if refund {
			c.Ours.Refunds, c.Ours.Out = c.Ours.Refunds+1, c.Ours.Out-out.Ours
		} else {
			c.Ours.Payments, c.Ours.In = c.Ours.Payments+1, c.Ours.In+out.Ours
		}
	}
	if out.Class != "" {
		c.note(out)
	}
}

// rest looks at what only we know of. Around midnight the two sides may disagree about the day: such a row is on the
// bill of the day before or after, and its counterpart is found, or was, when that day is compared.
func (c *comparison) rest(ctx context.Context, p Provider) error {
	var alone []Case
	for _, id := range c.ours.Orders {
		order := c.orders[id]
		if !c.seen[order.Trade] && order.Channel == c.Source {
			ours := c.booked(wallet.TopUpKey(id), order.Minor)
			alone = append(alone, Case{Class: OursOnly, Order: id, Trade: order.Trade, Ours: ours, Detail: "credited here; not on their bill"})
		}
	}
	for _, id := range c.ours.Refunds {
		if refund := c.refunds[id]; !c.seen[id] {
			alone = append(alone, Case{Class: OursOnly, Order: refund.Order, Trade: refund.Trade, Refund: id, Ours: c.sent(refund), Detail: "sent back here; not on their bill"})
		}
	}
	if len(alone) == 0 {
		return nil
	}
	beside, err := p.beside(ctx, c.Day)
	if err != nil {
		return err
	}
	for _, out := range alone {
		switch {
		case beside[out.Trade] && out.Refund == "", beside[out.Refund] && out.Refund != "":
			if refund, ok := c.refunds[out.Refund]; ok && refund.Cause != recharge.CashRefund {
				c.Ours.Returned -= refund.Minor // counted on their day
			}
		default:
			c.count(out, out.Refund != "")
		}
	}
	return nil
}

// beside is what the bills of the day before and the day after have. They are fetched only if something is missing.
func (p Provider) beside(ctx context.Context, day string) (map[string]bool, error) {
	at, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for _, days := range []int{-1, 1} {
		rows, err := p.Biller.Bill(ctx, at.AddDate(0, 0, days).Format(time.DateOnly))
		if err != nil && !errors.Is(err, payment.ErrNoBill) {
			return nil, err
		}
		for _, row := range rows {
			if row.Refund != "" {
				found[row.Refund] = true
			} else {
				found[row.Ref] = true
			}
		}
	}
	return found, nil
}
