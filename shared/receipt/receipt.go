// Package receipt is the one JSON form of a journal entry. Whoever moved money gets it as the answer, views show it,
// and the outbox hands it on: so all three always tell the same, and a preview tells what settling would.
//
// Everything in it is derived from the entry alone, and so is the same whenever it is asked for:
//
//	receipt.go     Receipt: what happened, its postings, the balances after it
//	settlement.go  Settlement and Reversal: how a bill was paid, fund by fund (README rule 22)
//
// Amounts are decimal strings in the account's currency, exact costs have up to eighteen decimals, instants are UTC.
package receipt

import (
	"billingcentre/shared/api"
	"billingcentre/shared/wallet"
)

// Receipt is an entry as it is told.
type Receipt struct {
	Key       wallet.Key       `json:"key"` // what caused the entry; asking for the same again gives this receipt again
	Account   wallet.AccountID `json:"account_id"`
	Number    int64            `json:"number"` // gap-free in the account
	Kind      string           `json:"kind"`
	At        string           `json:"at"`
	Currency  string           `json:"currency"`
	Actor     string           `json:"actor,omitempty"`
	Reason    string           `json:"reason,omitempty"`
	Reference string           `json:"reference,omitempty"`

	Postings   []Posting   `json:"postings"`
	Lots       []Lot       `json:"lots,omitempty"` // the vouchers and cards that came into the wallet
	Balances   Balances    `json:"balances"`       // after the entry
	Settlement *Settlement `json:"settlement,omitempty"`
	Reversal   *Reversal   `json:"reversal,omitempty"`
}

// Posting is one movement of money between two places, such as "cash", "usage" or "lot:<id>".
type Posting struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Amount string `json:"amount"`
}

// Lot is a voucher or a card with its terms.
type Lot struct {
	ID        string `json:"id"` // a card's number
	Kind      string `json:"kind"`
	Source    string `json:"source"`
	Face      string `json:"face_value"`
	MinBill   string `json:"min_bill_amount,omitempty"` // discount vouchers that have one
	GrantedAt string `json:"granted_at"`                // activated or bought
	ExpiresAt string `json:"expires_at"`
}

// Balances are what a wallet holds. Vouchers and cards count until their breakage is booked.
type Balances struct {
	Cash     string  `json:"cash"`
	Regular  string  `json:"regular"`
	Discount string  `json:"discount"`
	Card     string  `json:"card"`
	Arrears  string  `json:"arrears"`
	Carried  Carried `json:"carried"`
}

// Carried are the exact costs that weren't payable yet, by class.
type Carried struct {
	General    string `json:"general"`
	Restricted string `json:"restricted"`
}

// Of is the receipt of an entry.
func Of(e wallet.Entry) Receipt {
	r := Receipt{
		Key: e.Key, Account: e.Account, Number: e.Number, Kind: e.Kind.String(), At: api.Instant(e.Time),
		Currency: string(e.Balances.Cash.Currency()), Actor: e.Actor, Reason: e.Reason, Reference: e.Reference,
		Postings: make([]Posting, 0, len(e.Postings)), Balances: BalancesOf(e.Balances),
	}
	for _, p := range e.Postings {
		r.Postings = append(r.Postings, Posting{p.From.String(), p.To.String(), p.Amount.String()})
	}
	for _, lot := range e.Lots {
		r.Lots = append(r.Lots, LotOf(lot))
	}
	if e.Settlement != nil {
		r.Settlement = settlementOf(e.Settlement, e.Balances.Cash.Currency())
	}
	if e.Reversal != nil {
		r.Reversal = reversalOf(e.Reversal)
	}
	return r
}

// LotOf is a lot's terms.
func LotOf(lot wallet.Lot) Lot {
	l := Lot{
		ID: lot.ID.String(), Kind: lot.Kind.String(), Source: lot.Source.String(), Face: lot.Face.String(),
		GrantedAt: api.Instant(lot.GrantedAt), ExpiresAt: api.Instant(lot.ExpiresAt),
	}
	if lot.MinBill.IsPositive() {
		l.MinBill = lot.MinBill.String()
	}
	return l
}

// BalancesOf is what an entry left.
func BalancesOf(b wallet.Balances) Balances {
	return Balances{
		Cash: b.Cash.String(), Regular: b.Regular.String(), Discount: b.Discount.String(), Card: b.Card.String(),
		Arrears: b.Arrears.String(), Carried: CarriedOf(b.Carried),
	}
}
