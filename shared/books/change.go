package books

import (
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
