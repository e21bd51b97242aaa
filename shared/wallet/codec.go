package wallet

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"billingcentre/shared/money"
)

// schema is the first byte of everything stored. A new one must read the old ones.
const schema = 1

// Canonical is the one byte form of an entry: it is hashed, stored, and handed to the outbox.
func (e *Entry) Canonical() []byte {
	p := pack{make([]byte, 0, 768)}
	p.byte(schema)
	p.byte(byte(e.Kind))
	p.text(string(e.Balances.Cash.Currency()))
	p.text(string(e.Key))
	p.text(string(e.Account))
	p.int(e.Number)
	p.time(e.Time)
	p.raw(e.Fingerprint[:])
	p.raw(e.Previous[:])
	packed(&p, e.Lots, packTerms)
	packed(&p, e.Postings, packPosting)
	packBalances(&p, e.Balances)
	p.text(e.Actor)
	p.text(e.Reason)
	p.text(e.Reference)
	switch e.Kind {
	case Opened:
		p.text(e.Opening.Zone)
	case Settled:
		packSettlement(&p, e.Settlement)
	case Reversed:
		p.text(string(e.Reversal.Bill))
		packed(&p, e.Reversal.Classes, packClassReversal)
	}
	return p.b
}

// Hash is the hash of the canonical bytes.
func (e *Entry) Hash() Hash { return sha256.Sum256(e.Canonical()) }

// DecodeEntry reads canonical bytes. It refuses all that Canonical doesn't write: the bytes it accepts are the
// bytes that the entry writes.
func DecodeEntry(b []byte) (Entry, error) {
	u := unpack{b: b}
	if u.byte() != schema {
		return Entry{}, fmt.Errorf("wallet: entry of an unknown schema")
	}
	var e Entry
	e.Kind = EntryKind(u.code(len(entryKinds)))
	u.currency = money.Currency(u.text())
	e.Key, e.Account, e.Number, e.Time = Key(u.text()), AccountID(u.text()), u.int(), u.time()
	copy(e.Fingerprint[:], u.take(len(e.Fingerprint)))
	copy(e.Previous[:], u.take(len(e.Previous)))
	e.Lots = unpacked(&u, unpackTerms)
	e.Postings = unpacked(&u, unpackPosting)
	e.Balances = unpackBalances(&u)
	e.Actor, e.Reason, e.Reference = u.text(), u.text(), u.text()
	switch e.Kind {
	case Opened:
		e.Opening = &Opening{u.currency, u.text()}
	case Settled:
		e.Settlement = unpackSettlement(&u)
	case Reversed:
		e.Reversal = &Reversal{BillID(u.text()), unpacked(&u, unpackClassReversal)}
	}
	if u.bad || e.Kind == 0 || !bytes.Equal(e.Canonical(), b) {
		return Entry{}, errBytes
	}
	return e, nil
}

// Canonical is the one byte form of a head. Due isn't in it.
func (h *Head) Canonical() []byte {
	p := pack{make([]byte, 0, 512)}
	p.byte(schema)
	p.text(string(h.Currency))
	p.text(string(h.Account))
	p.text(h.Zone)
	p.int(h.Version)
	p.raw(h.Last[:])
	p.time(h.Time)
	p.amount(h.Cash)
	p.amount(h.Arrears)
	p.exact(h.Carried[General])
	p.exact(h.Carried[Restricted])
	packed(&p, h.Lots, packLot)
	return p.b
}

// DecodeHead reads canonical bytes and checks the head's invariants.
func DecodeHead(b []byte) (Head, error) {
	u := unpack{b: b}
	if u.byte() != schema {
		return Head{}, fmt.Errorf("wallet: head of an unknown schema")
	}
	var h Head
	u.currency = money.Currency(u.text())
	h.Currency = u.currency
	h.Account, h.Zone, h.Version = AccountID(u.text()), u.text(), u.int()
	copy(h.Last[:], u.take(len(h.Last)))
	h.Time, h.Cash, h.Arrears = u.time(), u.amount(), u.amount()
	h.Carried = [2]money.Exact{u.exact(), u.exact()}
	h.Lots = unpacked(&u, unpackLot)
	if u.bad || !bytes.Equal(h.Canonical(), b) {
		return Head{}, errBytes
	}
	return h, h.broken()
}

func packTerms(p *pack, l Lot) {
	p.raw(l.ID[:])
	p.byte(byte(l.Kind))
	p.byte(byte(l.Source))
	p.amount(l.Face)
	p.amount(l.MinBill)
	p.time(l.GrantedAt)
	p.time(l.ExpiresAt)
}

func unpackTerms(u *unpack) Lot {
	var l Lot
	copy(l.ID[:], u.take(len(l.ID)))
	l.Kind, l.Source = LotKind(u.code(int(Card)+1)), Source(u.code(int(FromGift)+1))
	l.Face, l.MinBill, l.GrantedAt, l.ExpiresAt = u.amount(), u.amount(), u.time(), u.time()
	l.Remaining = money.Zero(u.currency)
	return l
}

func packLot(p *pack, l Lot) { packTerms(p, l); p.amount(l.Remaining) }

func unpackLot(u *unpack) Lot {
	l := unpackTerms(u)
	l.Remaining = u.amount()
	return l
}

func packPlace(p *pack, place Place) {
	p.byte(byte(place.Kind))
	if place.Kind == InLot {
		p.raw(place.Lot[:])
	}
}

func unpackPlace(u *unpack) Place {
	place := Place{Kind: PlaceKind(u.code(len(placeKinds)))}
	if place.Kind == InLot {
		copy(place.Lot[:], u.take(len(place.Lot)))
	}
	return place
}

func packPosting(p *pack, post Posting) {
	packPlace(p, post.From)
	packPlace(p, post.To)
	p.amount(post.Amount)
}

func unpackPosting(u *unpack) Posting {
	return Posting{unpackPlace(u), unpackPlace(u), u.amount()}
}

func packBalances(p *pack, b Balances) {
	for _, a := range [...]money.Amount{b.Cash, b.Arrears, b.Regular, b.Discount, b.Card} {
		p.amount(a)
	}
	p.exact(b.Carried[General])
	p.exact(b.Carried[Restricted])
}

func unpackBalances(u *unpack) Balances {
	return Balances{
		Cash: u.amount(), Arrears: u.amount(), Regular: u.amount(), Discount: u.amount(), Card: u.amount(),
		Carried: [2]money.Exact{u.exact(), u.exact()},
	}
}

func packSettlement(p *pack, s *Settlement) {
	p.text(string(s.Bill))
	p.text(string(s.Workspace))
	p.text(s.Day)
	p.text(string(s.Method))
	p.text(s.Cloud.Provider)
	p.text(s.Cloud.Customer)
	packed(p, s.Lines, packLine)
	packed(p, s.Classes, packClass)
}

func unpackSettlement(u *unpack) *Settlement {
	return &Settlement{
		Bill: BillID(u.text()), Workspace: WorkspaceID(u.text()), Day: u.text(), Method: Method(u.text()),
		Cloud: CloudAccount{u.text(), u.text()},
		Lines: unpacked(u, unpackLine), Classes: unpacked(u, unpackClass),
	}
}

func packLine(p *pack, l Line) {
	p.byte(byte(l.Class))
	p.text(l.Product)
	p.text(l.Usage)
	p.text(l.Unit)
	p.text(l.UnitPrice)
	p.exact(l.Amount)
}

func unpackLine(u *unpack) Line {
	return Line{Class: Class(u.code(len(Classes))), Product: u.text(), Usage: u.text(), Unit: u.text(), UnitPrice: u.text(), Amount: u.exact()}
}

func packClass(p *pack, c ClassSettlement) {
	p.byte(byte(c.Class))
	p.exact(c.Exact)
	p.exact(c.CarriedBefore)
	p.amount(c.Payable)
	p.exact(c.CarriedAfter)
	packed(p, c.Draws, packDraw)
}

func unpackClass(u *unpack) ClassSettlement {
	return ClassSettlement{
		Class: Class(u.code(len(Classes))), Exact: u.exact(), CarriedBefore: u.exact(), Payable: u.amount(), CarriedAfter: u.exact(),
		Draws: unpacked(u, unpackDraw),
	}
}

func packDraw(p *pack, d Draw) {
	packPlace(p, d.From)
	p.byte(byte(d.Kind))
	p.amount(d.Paid)
	p.byte(byte(d.Skip))
}

func unpackDraw(u *unpack) Draw {
	return Draw{From: unpackPlace(u), Kind: LotKind(u.code(int(Card) + 1)), Paid: u.amount(), Skip: Skip(u.code(len(skips)))}
}

func packClassReversal(p *pack, c ClassReversal) {
	p.byte(byte(c.Class))
	p.exact(c.Exact)
	p.amount(c.Payable)
	p.exact(c.CarriedAfter)
}

func unpackClassReversal(u *unpack) ClassReversal {
	return ClassReversal{Class(u.code(len(Classes))), u.exact(), u.amount(), u.exact()}
}
