package wallet

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/money"
)

// AccountID names a billing account: 1 to 64 of [A-Za-z0-9._-]. Ids that differ only in case or punctuation are different accounts.
type AccountID string

// Hash is the SHA-256 of an entry's canonical bytes, which include the hash of the entry before it.
type Hash [sha256.Size]byte

// Class is the class of a product (README rule 14).
type Class uint8

// The classes, in the order in which they are settled (README rule 16).
const (
	General Class = iota
	Restricted
)

// Classes lists them in that order.
var Classes = [...]Class{General, Restricted}

func (c Class) String() string { return [...]string{"general", "restricted"}[c] }

// LotKind is what people call a lot. Its values are in the order in which they pay (README rule 15).
type LotKind uint8

// The kinds of lots.
const (
	Regular LotKind = iota // a regular voucher
	Discount
	Card
)

func (k LotKind) String() string { return [...]string{"regular", "discount", "card"}[k] }

// IsVoucher tells vouchers from cards.
func (k LotKind) IsVoucher() bool { return k == Regular || k == Discount }

// Source is how a lot came to its account.
type Source uint8

// The sources of lots.
const (
	FromCode     Source = iota // a code that the customer entered
	FromOperator               // activated or allocated by an operator
	FromPartner                // allocated by a partner
	FromPurchase               // bought with cash
	FromGift                   // given for a purchase (README rule 10)
)

func (s Source) String() string {
	return [...]string{"code", "operator", "partner", "purchase", "gift"}[s]
}

// LotID names a lot. It is derived from the key of the entry that granted it, so it needs no counter.
type LotID [10]byte

var lotAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

func lotID(key Key, index int) LotID {
	sum := sha256.Sum256(fmt.Appendf(nil, "lot %d %s", index, key))
	return LotID(sum[:len(LotID{})])
}

// String is the id as people see it, a card's number too: sixteen characters in four groups.
func (id LotID) String() string {
	s := lotAlphabet.EncodeToString(id[:])
	return s[0:4] + "-" + s[4:8] + "-" + s[8:12] + "-" + s[12:16]
}

// ParseLotID reads what String writes. ok is false for anything else.
func ParseLotID(text string) (id LotID, ok bool) {
	raw, err := lotAlphabet.DecodeString(strings.ReplaceAll(text, "-", ""))
	if err != nil || len(raw) != len(id) {
		return LotID{}, false
	}
	id = LotID(raw)
	return id, id.String() == text
}

// Lot is a voucher or a card with its terms and what is left of it.
type Lot struct {
	ID        LotID
	Kind      LotKind
	Source    Source
	Face      money.Amount
	Remaining money.Amount
	MinBill   money.Amount // least payable of a bill's general class for which a discount voucher pays (README rule 7)
	GrantedAt time.Time    // activation or purchase
	ExpiresAt time.Time    // from this instant on it is unspendable
}

// UsableAt is the one predicate for views, checkout and balances: a lot past its expiry is gone (README rule 19).
func (l Lot) UsableAt(now time.Time) bool { return now.Before(l.ExpiresAt) }

// PaysFor tells whether a lot may pay for a day that ended at dayEnd, asked at now (README rule 19).
func (l Lot) PaysFor(dayEnd, now time.Time, grace time.Duration) bool {
	return !l.ExpiresAt.Before(dayEnd) && now.Before(l.ExpiresAt.Add(grace))
}

// LapsedAt tells whether the schedule may book what is left as breakage: the grace is over (README rule 24).
func (l Lot) LapsedAt(now time.Time, grace time.Duration) bool {
	return !now.Before(l.ExpiresAt.Add(grace))
}

// burnOrder is README rules 15 and 16: kind, earliest expiry, earliest activation or purchase, id.
func burnOrder(a, b Lot) int {
	if by := cmp.Or(cmp.Compare(a.Kind, b.Kind), a.ExpiresAt.Compare(b.ExpiresAt)); by != 0 {
		return by
	}
	return cmp.Or(a.GrantedAt.Compare(b.GrantedAt), slices.Compare(a.ID[:], b.ID[:]))
}

// Head is the snapshot of one wallet: the truth about its balance. Version 0 is an account that isn't open.
type Head struct {
	Account  AccountID
	Currency money.Currency
	Zone     string // the time zone of the account's billing days
	Version  int64  // number of the last entry
	Last     Hash   // hash of the last entry
	Time     time.Time
	Cash     money.Amount
	Arrears  money.Amount   // owed: never negative, and 0 while there is cash (README rule 3)
	Carried  [2]money.Exact // per class: exact costs that weren't payable yet (README rule M2)
	Lots     []Lot          // with something left, in burn order

	// Due is when the expiry schedule should look at this wallet next; zero when it has no lot. It is a hint:
	// grants may only lower it, nothing depends on it but how soon breakage is booked, and it isn't part of
	// the canonical bytes.
	Due time.Time
}

// Lot finds an active lot.
func (h *Head) Lot(id LotID) (Lot, bool) {
	if i := h.lotIndex(id); i >= 0 {
		return h.Lots[i], true
	}
	return Lot{}, false
}

func (h *Head) lotIndex(id LotID) int {
	return slices.IndexFunc(h.Lots, func(l Lot) bool { return l.ID == id })
}

// Usable is what is left at now in the usable lots of a kind.
func (h *Head) Usable(kind LotKind, now time.Time) money.Amount {
	sum := money.Zero(h.Currency)
	for _, lot := range h.Lots {
		if lot.Kind == kind && lot.UsableAt(now) {
			sum = sum.Add(lot.Remaining)
		}
	}
	return sum
}

// clone is a head that shares nothing with h that either may change.
func (h *Head) clone() Head {
	c := *h
	c.Lots = slices.Clone(h.Lots)
	return c
}

// put brings a lot with its terms, and with nothing in it yet, into the head.
func (h *Head) put(lot Lot) {
	lot.Remaining = money.Zero(h.Currency)
	at, _ := slices.BinarySearchFunc(h.Lots, lot, burnOrder)
	h.Lots = slices.Insert(h.Lots, at, lot)
}

// dropEmpty forgets lots that are used up: their story is in the journal.
func (h *Head) dropEmpty() {
	h.Lots = slices.DeleteFunc(h.Lots, func(l Lot) bool { return l.Remaining.IsZero() })
}

// NextDue is when the expiry schedule must look at the wallet again after it has looked at now: the next notice or
// the next breakage. Zero when there is nothing to wait for.
func (h *Head) NextDue(now time.Time, policy Policy) time.Time {
	var next time.Time
	for _, lot := range h.Lots {
		due := lot.ExpiresAt.Add(-policy.ExpiryNotice)
		if !now.Before(due) {
			due = lot.ExpiresAt.Add(policy.Grace)
		}
		next = sooner(next, due)
	}
	return next
}

// sooner is the earlier of two instants, where a zero one means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// check panics when a head breaks an invariant: it must never be committed, and never be decided on.
func (h *Head) check() {
	if err := h.broken(); err != nil {
		panic(err)
	}
}

// broken tells which invariant a head breaks. Such a head is a bug of ours, or was damaged where it was kept.
func (h *Head) broken() error {
	switch {
	case h.Cash.IsNegative(), h.Arrears.IsNegative():
		return fmt.Errorf("wallet %s v%d: negative cash or arrears", h.Account, h.Version)
	case h.Cash.IsPositive() && h.Arrears.IsPositive():
		return fmt.Errorf("wallet %s v%d: cash beside arrears", h.Account, h.Version)
	case !slices.IsSortedFunc(h.Lots, burnOrder):
		return fmt.Errorf("wallet %s v%d: lots out of order", h.Account, h.Version)
	}
	for _, lot := range h.Lots {
		if !lot.Remaining.IsPositive() || lot.Remaining.Cmp(lot.Face) > 0 {
			return fmt.Errorf("wallet %s v%d: lot %s holds %s of %s", h.Account, h.Version, lot.ID, lot.Remaining, lot.Face)
		}
	}
	return nil
}
