package books

import (
	"fmt"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Fund is what a change is a change of.
type Fund uint8

// The funds.
const (
	Cash Fund = iota
	Arrears
	Regular  // regular vouchers
	Discount // discount vouchers
	Card     // prepaid cards
)

// Funds lists them in that order.
var Funds = [...]Fund{Cash, Arrears, Regular, Discount, Card}

// String is the fund's name, as filters and files have it.
func (f Fund) String() string {
	return [...]string{"cash", "arrears", "regular", "discount", "card"}[f]
}

// Change is an entry and what it did to the funds (README "income and expenditure").
type Change struct {
	Entry  wallet.Entry
	Before wallet.Balances // Entry.Balances are those after it
	Moves  []Move          // one for each posting and fund that it touched, in order
}

// Move is one posting, seen from a fund. A posting between two funds is two moves.
type Move struct {
	Fund   Fund
	Lot    wallet.LotID // of vouchers and cards
	Amount money.Amount // above zero: the fund grew. Arrears that grow are owed
	Other  wallet.Place // where it came from, or went to
	After  money.Amount // what the fund holds after it: all lots of the kind together; of arrears, what is owed
}

// Sums are amounts of each fund.
type Sums struct {
	Cash, Arrears, Regular, Discount, Card money.Amount
}

// Of is one fund's.
func (s Sums) Of(fund Fund) money.Amount {
	return [...]money.Amount{s.Cash, s.Arrears, s.Regular, s.Discount, s.Card}[fund]
}

// held is what balances say of a fund.
func held(b wallet.Balances, fund Fund) money.Amount {
	return [...]money.Amount{b.Cash, b.Arrears, b.Regular, b.Discount, b.Card}[fund]
}

// changeOf tells what an entry did to the wallet that head was.
func changeOf(head wallet.Head, e wallet.Entry) Change {
	c := Change{Entry: e, Before: head.Balances()}
	if e.Opening != nil {
		c.Before = e.Balances // nothing, but in a currency
	}
	holds := Sums{c.Before.Cash, c.Before.Arrears, c.Before.Regular, c.Before.Discount, c.Before.Card}
	of := [...]*money.Amount{&holds.Cash, &holds.Arrears, &holds.Regular, &holds.Discount, &holds.Card}
	move := func(at, other wallet.Place, amount money.Amount) {
		fund, ok := fundOf(head, e, at)
		if !ok {
			return
		}
		if fund == Arrears {
			amount = amount.Sub(amount).Sub(amount)
		}
		*of[fund] = of[fund].Add(amount)
		c.Moves = append(c.Moves, Move{fund, at.Lot, amount, other, *of[fund]})
	}
	for _, p := range e.Postings {
		move(p.From, p.To, p.Amount.Sub(p.Amount).Sub(p.Amount))
		move(p.To, p.From, p.Amount)
	}
	return c
}

// fundOf is the fund that a place is, if it is one: lots are what the head or the entry say.
func fundOf(head wallet.Head, e wallet.Entry, place wallet.Place) (Fund, bool) {
	switch place.Kind {
	case wallet.InCash:
		return Cash, true
	case wallet.InArrears:
		return Arrears, true
	case wallet.InLot:
		lot, held := head.Lot(place.Lot)
		for _, brought := range e.Lots {
			if !held && brought.ID == place.Lot {
				lot = brought
			}
		}
		return [...]Fund{Regular, Discount, Card}[lot.Kind], true
	}
	return 0, false
}

// changesOf tells what entries did, from the head before them.
func changesOf(head wallet.Head, entries []wallet.Entry) ([]Change, error) {
	changes := make([]Change, len(entries))
	for i, e := range entries {
		changes[i] = changeOf(head, e)
		next, err := wallet.Replay(head, e)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ledger.ErrDamaged, err)
		}
		head = next
	}
	return changes, nil
}
