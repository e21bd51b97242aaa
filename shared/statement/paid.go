package statement

import (
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Paid tells what paid for usage, fund by fund. What nothing paid is overdue: it was added to the arrears.
type Paid struct {
	Regular, Discount, Card, Cash, Cloud, Overdue money.Amount
}

// NothingPaid is no payment at all, in a currency.
func NothingPaid(currency money.Currency) Paid {
	zero := money.Zero(currency)
	return Paid{zero, zero, zero, zero, zero, zero}
}

// Add is the sum, fund by fund.
func (p Paid) Add(o Paid) Paid {
	return Paid{
		p.Regular.Add(o.Regular), p.Discount.Add(o.Discount), p.Card.Add(o.Card), p.Cash.Add(o.Cash), p.Cloud.Add(o.Cloud), p.Overdue.Add(o.Overdue),
	}
}

// Negative is what a reversal takes back.
func (p Paid) Negative() Paid {
	zero := NothingPaid(p.Cash.Currency())
	return Paid{
		zero.Regular.Sub(p.Regular), zero.Discount.Sub(p.Discount), zero.Card.Sub(p.Card), zero.Cash.Sub(p.Cash), zero.Cloud.Sub(p.Cloud),
		zero.Overdue.Sub(p.Overdue),
	}
}

// Vouchers are both kinds of vouchers together.
func (p Paid) Vouchers() money.Amount { return p.Regular.Add(p.Discount) }

// Total is what was payable.
func (p Paid) Total() money.Amount {
	return p.Regular.Add(p.Discount).Add(p.Card).Add(p.Cash).Add(p.Cloud).Add(p.Overdue)
}

// of is where draws of a place are counted; nil for a place that pays no bills.
func (p *Paid) of(d wallet.Draw) *money.Amount {
	switch d.From.Kind {
	case wallet.InLot:
		return [...]*money.Amount{&p.Regular, &p.Discount, &p.Card}[d.Kind]
	case wallet.InCash:
		return &p.Cash
	case wallet.AtCloud:
		return &p.Cloud
	case wallet.InArrears:
		return &p.Overdue
	}
	return nil
}

func (p *Paid) add(d wallet.Draw, amount money.Amount) {
	if sum := p.of(d); sum != nil {
		*sum = sum.Add(amount)
	}
}

// split tells which fund paid for which line of a settlement. Within a class money has no colour, so it is told in the
// one way that adds up in both directions: lines are paid in their order, by the funds in theirs. A line with a negative
// share is a credit, and lowers what the last fund had to pay.
func split(s *wallet.Settlement, shares []money.Amount, currency money.Currency) []Paid {
	paid := make([]Paid, len(s.Lines))
	for i := range paid {
		paid[i] = NothingPaid(currency)
	}
	for _, class := range s.Classes {
		draws := drawn(class)
		if len(draws) == 0 {
			continue
		}
		at, left := 0, draws[0].Paid
		for i, line := range s.Lines {
			if line.Class != class.Class {
				continue
			}
			open := shares[i]
			for at < len(draws)-1 && open.Cmp(left) > 0 {
				paid[i].add(draws[at], left)
				open = open.Sub(left)
				at, left = at+1, draws[at+1].Paid
			}
			paid[i].add(draws[at], open)
			left = left.Sub(open)
		}
	}
	return paid
}

// drawn are the draws of a class that gave something.
func drawn(class wallet.ClassSettlement) []wallet.Draw {
	var draws []wallet.Draw
	for _, d := range class.Draws {
		if d.Paid.IsPositive() {
			draws = append(draws, d)
		}
	}
	return draws
}
