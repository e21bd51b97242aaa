package wallet

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"billingcentre/shared/money"
)

// Key names the one thing in the world that caused an entry, such as "bill:2026-11-01/ws-7". It is the guard against
// doing it twice and the receipt for having done it; there is no other.
type Key string

// Fingerprint is a hash of what was asked, without anything that a retry may change.
type Fingerprint [sha256.Size]byte

// fingerprint hashes fields.
func fingerprint(fields ...string) Fingerprint {
	size := 0
	for _, f := range fields {
		size += 8 + len(f)
	}
	b := make([]byte, 0, size)
	for _, f := range fields {
		b = appendField(b, f)
	}
	return sha256.Sum256(b)
}

// appendField puts a field's length before it, so that no two lists of fields are the same bytes.
func appendField[T string | []byte](b []byte, field T) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(field))), field...)
}

// EntryKind is the verb of an entry.
type EntryKind uint8

// The kinds of entries. Their numbers are stored: never renumber.
const (
	Opened EntryKind = iota + 1
	ToppedUp
	Adjusted
	Activated
	Allocated
	Purchased
	Ordered
	Settled
	Reversed
	Lapsed
	RefundReserved
	RefundPaid
	RefundReleased
)

var entryKinds = [...]string{
	"", "opened", "topped_up", "adjusted", "activated", "allocated", "purchased", "ordered", "settled", "reversed", "expired",
	"refund_reserved", "refund_paid", "refund_released",
}

func (k EntryKind) String() string { return entryKinds[k] }

// EntryKinds are all kinds of entries.
func EntryKinds() []EntryKind {
	kinds := make([]EntryKind, 0, len(entryKinds)-1)
	for k := Opened; int(k) < len(entryKinds); k++ {
		kinds = append(kinds, k)
	}
	return kinds
}

// PlaceKind is a kind of place that money is in, inside or outside the wallet.
type PlaceKind uint8

// The places. Their numbers are stored: never renumber.
const (
	InCash    PlaceKind = iota + 1
	InArrears           // money that leaves it is owed
	InLot
	AtPayer    // who pays cash in: a provider, a bank
	AtCompany  // who grants vouchers and cards, and adjusts
	AtUsage    // what settled bills have cost
	AtPackage  // what prepaid orders have cost (README rule 23)
	AtCloud    // a linked cloud account (README rule 20)
	AtBreakage // what lapsed unused (README rule 24)
	AtRefund   // cash that is held until its refund is through (README rule 4)
)

var placeKinds = [...]string{"", "cash", "arrears", "lot", "payer", "company", "usage", "package", "cloud", "breakage", "refund"}

func (k PlaceKind) String() string { return placeKinds[k] }

// Place is one side of a posting.
type Place struct {
	Kind PlaceKind
	Lot  LotID // InLot only
}

func (p Place) String() string {
	if p.Kind == InLot {
		return "lot:" + p.Lot.String()
	}
	return p.Kind.String()
}

func in(kind PlaceKind) Place { return Place{Kind: kind} }
func inLot(lot LotID) Place   { return Place{InLot, lot} }

// Posting is one movement of money. Amount is positive; the sum over all places never changes.
type Posting struct {
	From, To Place
	Amount   money.Amount
}

// Balances are what a wallet holds after an entry. Lots count whether or not they have expired: what has, leaves
// with the entry that books its breakage.
type Balances struct {
	Cash, Arrears           money.Amount
	Regular, Discount, Card money.Amount
	Carried                 [2]money.Exact
}

// Balances sums up a head.
func (h *Head) Balances() Balances {
	zero := money.Zero(h.Currency)
	b := Balances{Cash: h.Cash, Arrears: h.Arrears, Carried: h.Carried, Regular: zero, Discount: zero, Card: zero}
	for _, lot := range h.Lots {
		of := [...]*money.Amount{&b.Regular, &b.Discount, &b.Card}[lot.Kind]
		*of = of.Add(lot.Remaining)
	}
	return b
}

// Entry is one immutable record of the journal: what happened, why, and what it left.
type Entry struct {
	Key         Key
	Account     AccountID
	Number      int64 // gap-free from 1 in its account
	Time        time.Time
	Kind        EntryKind
	Fingerprint Fingerprint
	Previous    Hash // of the entry before it; zero for the first
	Postings    []Posting
	Lots        []Lot // terms of the lots that this entry brought into the head; Remaining is not told
	Balances    Balances

	Opening    *Opening    // Opened
	Settlement *Settlement // Settled
	Reversal   *Reversal   // Reversed
	Actor      string      // who asked: a token's subject, or the function's own name
	Reason     string      // what an operator gave as reason, or what was bought
	Reference  string      // the counterpart's number for it: a provider's trade, a batch, a bill
}

// Opening is what a first entry says about its account.
type Opening struct {
	Currency money.Currency
	Zone     string
}

// Sum is what went to places of a kind.
func (e *Entry) Sum(to PlaceKind) money.Amount {
	sum := money.Zero(e.Balances.Cash.Currency())
	for _, p := range e.Postings {
		if p.To.Kind == to {
			sum = sum.Add(p.Amount)
		}
	}
	return sum
}

// Grants tells whether the entry gave the wallet a new voucher or card; a reversal only brings old ones back.
func (e *Entry) Grants() bool { return len(e.Lots) > 0 && e.Kind != Reversed }

// apply moves one posting's money. A place outside the wallet holds as much as it is asked for.
func (h *Head) apply(p Posting) error {
	if !p.Amount.IsPositive() || p.From == p.To {
		return fmt.Errorf("posting %s -> %s of %s", p.From, p.To, p.Amount)
	}
	if err := h.change(p.From, money.Zero(h.Currency).Sub(p.Amount)); err != nil {
		return err
	}
	return h.change(p.To, p.Amount)
}

func (h *Head) change(place Place, by money.Amount) error {
	switch place.Kind {
	case InCash:
		h.Cash = h.Cash.Add(by)
	case InArrears:
		h.Arrears = h.Arrears.Sub(by)
	case InLot:
		i := h.lotIndex(place.Lot)
		if i < 0 {
			return fmt.Errorf("posting names lot %s, which the wallet doesn't hold", place.Lot)
		}
		h.Lots[i].Remaining = h.Lots[i].Remaining.Add(by)
	}
	return nil
}
