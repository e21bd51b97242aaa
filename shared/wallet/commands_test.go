package wallet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"billingcentre/shared/money"
)

// pick draws a number below n.
func (w *world) pick(label string, n int) int { return rapid.IntRange(0, n-1).Draw(w.T, label) }

// move lets time pass, or run back, as clocks of several machines do; often to where something expires.
func (w *world) move() {
	switch w.pick("time", 8) {
	case 0, 1, 2:
	case 3:
		w.now = w.now.Add(time.Duration(w.pick("ms", 5000)) * time.Millisecond)
	case 4:
		w.now = w.now.Add(time.Duration(w.pick("hours", 72)) * time.Hour)
	case 5:
		w.now = w.now.Add(-time.Duration(w.pick("minutes back", 3000)) * time.Minute)
	default:
		if at, ok := w.edge(); ok {
			w.now = at
		}
	}
}

// edge is the instant at which a lot expires, or its grace is over, or a millisecond before or after it.
func (w *world) edge() (time.Time, bool) {
	if len(w.head.Lots) == 0 {
		return time.Time{}, false
	}
	at := w.head.Lots[w.pick("lot of the edge", len(w.head.Lots))].ExpiresAt
	if w.pick("edge of", 2) == 1 {
		at = at.Add(w.policy.Grace)
	}
	return at.Add(time.Duration(w.pick("edge", 3)-1) * time.Millisecond), true
}

// amount is of the sequence's scale, and now and then of any.
func (w *world) amount(label string) money.Amount {
	size := w.scale
	if w.pick(label+"'s scale", 12) == 0 {
		size = rapid.SampledFrom([]int64{1, 1e2, 1e6, 1 << 40, money.Limit}).Draw(w.T, label+"'s size")
	}
	minor := size/8*rapid.Int64Range(0, 16).Draw(w.T, label) + rapid.Int64Range(-1, 2).Draw(w.T, label+"'s rest")
	return money.Of(w.currency(), min(minor, money.Limit))
}

// currency is the account's, but for a slip.
func (w *world) currency() money.Currency {
	if w.pick("slip of currency", 40) == 0 {
		return money.USD
	}
	return money.CNY
}

// face is a card's face: mostly a multiple of 100.00.
func (w *world) face() money.Amount {
	step := int64(10_000)
	if w.pick("odd face", 15) == 0 {
		step = 1
	}
	hundreds := max(1, min(w.scale, money.Limit/4)/10_000*rapid.Int64Range(0, 4).Draw(w.T, "hundreds"))
	return money.Of(w.currency(), hundreds*step)
}

// validity is how long a lot lives; zero leaves it to the policy.
func (w *world) validity() (expiresAt time.Time, days int) {
	switch w.pick("validity", 6) {
	case 0:
		return time.Time{}, 0
	case 1:
		return time.Time{}, w.pick("valid days", 5) - 1
	}
	from := w.now
	if from.Before(w.head.Time) {
		from = w.head.Time
	}
	lives := []time.Duration{0, time.Millisecond, time.Hour, 26 * time.Hour, 3 * day, 30 * day}
	return from.Add(rapid.SampledFrom(lives).Draw(w.T, "lives")), 0
}

// key is fresh.
func (w *world) key() string {
	w.once++
	return fmt.Sprint(w.once)
}

// command draws what happens next.
func (w *world) command() Command {
	const acme = AccountID("acme")
	switch w.pick("command", 16) {
	case 0:
		return TopUp{Order: w.key(), Amount: w.amount("top-up"), Channel: "alipay", Trade: "t"}
	case 1, 2:
		return Adjust{Account: acme, Once: w.key(), Amount: w.amount("adjustment"), Debit: rapid.Bool().Draw(w.T, "debit"), Reason: "r", Actor: "op"}
	case 3, 4, 5:
		at, days := w.validity()
		face := w.amount("face")
		c := Activate{Account: acme, Once: w.key(), Kind: LotKind(w.pick("kind", 2)), Face: face, ExpiresAt: at, ValidDays: days, MinBill: money.Zero(face.Currency())}
		if w.pick("least bill", 5) == 0 {
			c.MinBill = money.Of(face.Currency(), max(0, w.amount("least").Minor()))
		}
		return c
	case 6, 7:
		at, days := w.validity()
		return Allocate{Account: acme, Once: w.key(), Source: FromPartner, Face: w.face(), ExpiresAt: at, ValidDays: days, Reason: "r"}
	case 8:
		return Purchase{Account: acme, Once: w.key(), Face: w.face(), Actor: "owner"}
	case 9:
		return w.order()
	case 10, 11:
		return w.reverse()
	case 12:
		return w.expire()
	}
	return w.settle()
}

func (w *world) order() Command {
	c := Order{Account: "acme", Once: w.key(), Amount: w.amount("order"), Item: "package"}
	for _, lot := range w.head.Lots {
		if lot.Kind == Card && w.pick("picked", 3) > 0 || w.pick("slip of card", 30) == 0 {
			c.Cards = append(c.Cards, lot.ID)
		}
	}
	if len(c.Cards) > 0 && w.pick("twice", 20) == 0 {
		c.Cards = append(c.Cards, c.Cards[0])
	}
	return c
}

func (w *world) expire() Command {
	if len(w.head.Lots) == 0 {
		return Expire{lotID("nobody's", 0)}
	}
	return Expire{w.head.Lots[w.pick("expires", len(w.head.Lots))].ID}
}

// reverse undoes one of the bills that weren't reversed yet; without any, it settles one.
func (w *world) reverse() Command {
	var settled []Entry
	for _, e := range w.journal {
		if e.Kind == Settled && !w.keys[ReverseKey(e.Settlement.Bill)] {
			settled = append(settled, e)
		}
	}
	if len(settled) == 0 {
		return w.settle()
	}
	c := Reverse{Settled: settled[w.pick("bill", len(settled))], Granted: map[LotID]Lot{}, Once: w.key(), Reason: "r"}
	for _, id := range w.head.Dropped(c.Settled) {
		c.Granted[id] = w.lots[id].terms
	}
	return c
}

func (w *world) settle() Command {
	c := Settle{Bill: Bill{ID: BillID(w.key()), Workspace: "ws-1", Currency: w.currency()}, Method: BillingCenter}
	if w.pick("method", 4) == 0 {
		c.Method, c.Cloud = Cloud, CloudAccount{"aws", "c-1"}
	}
	now := w.now
	if now.Before(w.head.Time) {
		now = w.head.Time
	}
	c.DayEnd = now.Add(-rapid.SampledFrom([]time.Duration{3 * time.Hour, 0, -time.Millisecond, 30 * day, 40 * day, 41 * day}).Draw(w.T, "day's end"))
	if at, ok := w.edge(); ok && w.pick("day ends at an edge", 2) == 0 && !at.After(now) {
		c.DayEnd = at
	}
	c.DayEnd = c.DayEnd.Truncate(time.Millisecond)
	c.Bill.Day = c.DayEnd.Format(time.DateOnly)
	products := []string{"logs", "traces", "sms", "dial_testing"}
	for range w.pick("lines", 6) {
		amount, err := money.ParseExact("", w.cost(), c.Bill.Currency)
		if err != nil {
			panic(err)
		}
		c.Bill.Lines = append(c.Bill.Lines, Line{
			Product: rapid.SampledFrom(products).Draw(w.T, "product"), Usage: fmt.Sprint(w.pick("usage", 3)), Unit: "u", Amount: amount,
		})
	}
	if w.pick("line twice", 6) == 0 && len(c.Bill.Lines) > 0 {
		c.Bill.Lines = append(slices.Clone(c.Bill.Lines), c.Bill.Lines[0])
	}
	return c
}

// cost is what a line costs: of the sequence's scale, with decimals around the half cent, or eighteen of them; sometimes
// a credit, sometimes nothing, sometimes as much as a bill may say.
func (w *world) cost() string {
	minor := w.scale / 8 * rapid.Int64Range(0, 16).Draw(w.T, "cost")
	whole, cents := min(minor/100, 999_999_999_999_999), minor%100
	switch w.pick("size of cost", 10) {
	case 0:
		whole, cents = 0, 0
	case 1:
		whole = rapid.SampledFrom([]int64{1, 100, 1e6, 1e12, 999_999_999_999_999}).Draw(w.T, "whole")
	}
	rest := rapid.SampledFrom([]string{"", "", "4", "5", "004999", "0000000000000001", "4999999999999999", "5000000000000001"}).Draw(w.T, "decimals")
	text := fmt.Sprintf("%d.%02d%s", whole, cents, rest)
	if w.pick("credit", 6) == 0 {
		text = "-" + text
	}
	return strings.TrimSuffix(text, ".00")
}
