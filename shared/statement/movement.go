package statement

import (
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Pot is what people see a balance of: cash, the vouchers of a kind, prepaid cards, arrears.
type Pot string

// The pots, in the order in which they are told.
const (
	Regular  Pot = "regular"
	Discount Pot = "discount"
	Card     Pot = "card"
	Cash     Pot = "cash"
	Arrears  Pot = "arrears"
)

// Pots lists them.
var Pots = [...]Pot{Regular, Discount, Card, Cash, Arrears}

// In is what a pot holds; of Arrears, what is owed.
func (p Pot) In(b wallet.Balances) money.Amount {
	switch p {
	case Regular:
		return b.Regular
	case Discount:
		return b.Discount
	case Card:
		return b.Card
	case Cash:
		return b.Cash
	}
	return b.Arrears
}

// Cause is what an entry tells about itself in every list.
type Cause struct {
	Entry     int64 // its number in the account
	Key       wallet.Key
	At        time.Time
	Kind      string // wallet.EntryKind's word
	Actor     string
	Reason    string
	Reference string
	Bill      wallet.BillID      // of a settlement or its reversal
	Workspace wallet.WorkspaceID // of a settlement
	Day       string             // of a settlement
}

// CauseOf is an entry's.
func CauseOf(e wallet.Entry) Cause {
	c := Cause{Entry: e.Number, Key: e.Key, At: e.Time, Kind: e.Kind.String(), Actor: e.Actor, Reason: e.Reason, Reference: e.Reference}
	if s := e.Settlement; s != nil {
		c.Bill, c.Workspace, c.Day = s.Bill, s.Workspace, s.Day
	}
	if e.Reversal != nil {
		c.Bill = e.Reversal.Bill
	}
	return c
}

// Movement is one line of income and expenditure: what one entry did to one pot.
type Movement struct {
	Cause
	Pot     Pot
	Change  money.Amount // signed; arrears that grow are above zero
	Balance money.Amount // of the pot, after it
}

// MovementsOf are what an entry changed, by the balances before it. An entry that changed nothing has none.
func MovementsOf(before wallet.Balances, e wallet.Entry) []Movement {
	var moved []Movement
	cause := CauseOf(e)
	for _, pot := range Pots {
		was, is := pot.In(before), pot.In(e.Balances)
		if was != is {
			moved = append(moved, Movement{cause, pot, is.Sub(was), is})
		}
	}
	return moved
}

// NoBalances are those before an account's first entry.
func NoBalances(currency money.Currency) wallet.Balances {
	zero, none := money.Zero(currency), money.ZeroExact(currency)
	return wallet.Balances{Cash: zero, Arrears: zero, Regular: zero, Discount: zero, Card: zero, Carried: [2]money.Exact{none, none}}
}

// LotMovement is one movement of one voucher or card.
type LotMovement struct {
	Cause
	Lot     wallet.Lot   // its terms; Remaining is what this movement left
	Change  money.Amount // signed
	Partner string       // where it came from or went to: company, cash, usage, package, breakage, arrears
}

// LotMovementsOf are what an entry did to vouchers, or to cards, in the order of its postings. before is the head that it
// was decided on.
func LotMovementsOf(before wallet.Head, e wallet.Entry, of func(wallet.LotKind) bool) []LotMovement {
	var moved []LotMovement
	cause, held := CauseOf(e), map[wallet.LotID]wallet.Lot{}
	for _, lot := range before.Lots {
		held[lot.ID] = lot
	}
	for _, lot := range e.Lots {
		lot.Remaining = money.Zero(before.Currency)
		held[lot.ID] = lot
	}
	for _, p := range e.Postings {
		for _, side := range [...]struct {
			place, other wallet.Place
			change       money.Amount
		}{{p.From, p.To, money.Zero(p.Amount.Currency()).Sub(p.Amount)}, {p.To, p.From, p.Amount}} {
			lot, known := held[side.place.Lot]
			if side.place.Kind != wallet.InLot || !known {
				continue
			}
			lot.Remaining = lot.Remaining.Add(side.change)
			held[lot.ID] = lot
			if of(lot.Kind) {
				moved = append(moved, LotMovement{cause, lot, side.change, side.other.Kind.String()})
			}
		}
	}
	return moved
}
