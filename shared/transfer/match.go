package transfer

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"billingcentre/shared/crockford"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/pattern"
)

// Reason is a word for why a row may be an order's money, or may not.
type Reason string

// The reasons.
const (
	ByCode     Reason = "code"         // the memo bears the order's code
	ByAmount   Reason = "amount"       // to the fen
	ByPayer    Reason = "payer"        // the name that the customer said
	ShortByFee Reason = "short_by_fee" // short by no more than banks on the way may have kept
	Differs    Reason = "amount_differs"
	TwoAlike   Reason = "two_alike"  // another order fits as well
	PaidTwice  Reason = "paid_twice" // the order was credited before
	TooLate    Reason = "expired"    // the order has expired, which is no harm
	WrongCode  Reason = "wrong_code" // of a row: its memo bears something like a code, but no order has it
	NoMatch    Reason = "no_match"   // of a row
)

// Match is an order that a row may pay, with all that speaks for and against it.
type Match struct {
	Order   Order
	Reasons []Reason
}

func (m Match) has(r Reason) bool { return slices.Contains(m.Reasons, r) }

// Matches finds whose money a row may be, the likeliest first. Reasons of the row itself come second.
func (d *Desk) Matches(ctx context.Context, row Row) ([]Match, []Reason, error) {
	coded, err := d.byCode(ctx, row.Memo)
	if err != nil {
		return nil, nil, err
	}
	alike, err := d.byAmount(ctx, row)
	if err != nil {
		return nil, nil, err
	}
	orders, err := d.ordersOf(ctx, slices.Concat(coded, alike))
	if err != nil {
		return nil, nil, err
	}
	var matches []Match
	for _, order := range orders {
		m := d.weigh(row, order.At(d.now()), slices.Contains(coded, order.ID))
		if m.has(ByCode) || !m.has(Differs) && !m.has(PaidTwice) { // the list of amounts lags a little
			matches = append(matches, m)
		}
	}
	rank(matches)
	var own []Reason
	if len(coded) == 0 && likeACode(row.Memo) {
		own = append(own, WrongCode)
	}
	if len(matches) == 0 {
		own = append(own, NoMatch)
	}
	return matches, own, nil
}

// weigh collects what speaks for and against an order.
func (d *Desk) weigh(row Row, order Order, coded bool) Match {
	m := Match{Order: order}
	add := func(when bool, r Reason) {
		if when {
			m.Reasons = append(m.Reasons, r)
		}
	}
	short := order.Minor - row.Minor
	fee := short > 0 && short <= d.Config.tolerance.Minor()
	add(coded, ByCode)
	add(short == 0, ByAmount)
	add(fee, ShortByFee)
	add(short != 0 && !fee, Differs)
	add(order.Payer != "" && sameName(order.Payer, row.Payer), ByPayer)
	add(order.State == Credited, PaidTwice)
	add(order.State == Expired, TooLate)
	return m
}

var weights = map[Reason]int{ByCode: 16, ByAmount: 4, ByPayer: 2, ShortByFee: 1, PaidTwice: -1}

func (m Match) weight() (sum int) {
	for _, r := range m.Reasons {
		sum += weights[r]
	}
	return sum
}

// rank puts the likeliest first, and says where two are as likely.
func rank(matches []Match) {
	slices.SortFunc(matches, func(a, b Match) int {
		return cmp.Or(b.weight()-a.weight(), strings.Compare(a.Order.ID, b.Order.ID))
	})
	for i := range matches {
		for j := range matches {
			if i != j && matches[i].weight() == matches[j].weight() && !matches[i].has(TwoAlike) {
				matches[i].Reasons = append(matches[i].Reasons, TwoAlike)
			}
		}
	}
}

// byCode finds the orders whose codes stand somewhere in a memo, however it is written around them.
func (d *Desk) byCode(ctx context.Context, memo string) ([]string, error) {
	var keys []ledger.DocumentKey
	for _, code := range codesIn(memo) {
		keys = append(keys, codeKey(code))
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := d.Ledger.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var orders []string
	for _, key := range keys {
		if document, ok := found[key]; ok {
			body, err := ledger.Body[coded](document)
			if err != nil {
				return nil, err
			}
			orders = append(orders, body.Order)
		}
	}
	return orders, nil
}

const mostCodes = 24 // that a memo is searched for: of all texts of a code's length, one in 32 passes the check

// codesIn are all texts in a memo that are codes by their check character: dashes, spaces and case aside.
func codesIn(memo string) []string {
	var codes []string
	run := ""
	for _, c := range memo + "\n" {
		if c == '-' || c == ' ' {
			continue
		}
		folded, ok := crockford.Fold(c)
		if !ok {
			run = ""
			continue
		}
		run += string(folded)
		if len(run) < codeSize {
			continue
		}
		code := run[len(run)-codeSize:]
		if crockford.Checks(code) && !slices.Contains(codes, code) && len(codes) < mostCodes {
			codes = append(codes, code)
		}
	}
	return codes
}

var token = pattern.Of(`[0-9A-Za-z]{4}-?[0-9A-Za-z]{4}`)

// likeACode tells whether a memo bears what somebody may have meant as a code: eight characters with digits and letters.
func likeACode(memo string) bool {
	for _, word := range token().FindAllString(memo, -1) {
		if strings.ContainsAny(word, "0123456789") && strings.ContainsFunc(word, func(r rune) bool { return r > '9' }) {
			return true
		}
	}
	return false
}

const mostAlike = 50 // orders of about the same amount that are looked at

// byAmount finds uncredited orders of the row's amount, or of a little more.
func (d *Desk) byAmount(ctx context.Context, row Row) ([]string, error) {
	before := amountRank(row.Minor+d.Config.tolerance.Minor()) + "~"
	documents, err := d.Ledger.Store.List(ctx, unpaidList(row.Currency), before, mostAlike)
	if err != nil {
		return nil, err
	}
	var orders []string
	for _, document := range documents {
		if document.Rank < amountRank(row.Minor) {
			break
		}
		body, err := ledger.Body[coded](document)
		if err != nil {
			return nil, err
		}
		orders = append(orders, body.Order)
	}
	return orders, nil
}

func (d *Desk) ordersOf(ctx context.Context, ids []string) ([]Order, error) {
	slices.Sort(ids)
	var keys []ledger.DocumentKey
	for _, id := range slices.Compact(ids) {
		keys = append(keys, orderKey(id))
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := d.Ledger.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var orders []Order
	for _, key := range keys {
		if document, ok := found[key]; ok {
			order, err := ledger.Body[Order](document)
			if err != nil {
				return nil, err
			}
			orders = append(orders, order)
		}
	}
	return orders, nil
}

// sameName compares names as banks mangle them: case, spaces and punctuation aside.
func sameName(a, b string) bool {
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(" .,-()（）·&'", r) {
				return -1
			}
			return r
		}, strings.ToLower(s))
	}
	return plain(a) == plain(b)
}

// Short is what a match lacks: zero when the amount fits, or is more.
func (m Match) Short(row Row) money.Amount {
	return money.Of(row.Currency, max(0, m.Order.Minor-row.Minor))
}
