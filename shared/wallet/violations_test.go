package wallet

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// step is one decision and all that it depended on.
type step struct {
	before  Head
	bytes   []byte // canonical bytes of before, taken before the decision
	command Command
	policy  Policy
	now     time.Time
	change  Change
	err     error
}

// findings collects violations under the name of the check that found them.
type findings []string

func (f *findings) add(check, format string, args ...any) {
	*f = append(*f, check+": "+fmt.Sprintf(format, args...))
}

// violations checks one decision against every invariant that can be seen from it alone.
func (s *step) violations() findings {
	var f findings
	if !bytes.Equal(s.before.Canonical(), s.bytes) {
		f.add("untouched", "the decision changed the head that it was given")
		return f // all else would compare with a changed head
	}
	expected := foresee(s.before, s.command, s.policy, s.now)
	if s.err != nil {
		s.checkRefusal(&f, expected)
		return f
	}
	for _, wrong := range expected.differs(s.change.Head) {
		f.add("oracle", "%s", wrong)
	}
	s.checkChain(&f)
	s.checkReplay(&f)
	s.checkPostings(&f)
	s.checkBalances(&f)
	if s.change.Entry.Settlement != nil {
		s.checkSettlement(&f)
	}
	return f
}

func (s *step) checkRefusal(f *findings, expected *forecast) {
	no := refusal.As(s.err)
	switch {
	case no == nil:
		f.add("fault", "%v", s.err)
	case !slices.Contains(expected.refusals, no.Kind):
		f.add("oracle", "was refused (%v), foreseen was one of %v", no, expected.refusals)
	}
}

// checkChain: gap-free numbers, hashes of what is before, time that never runs back.
func (s *step) checkChain(f *findings) {
	e, after := s.change.Entry, s.change.Head
	if e.Number != s.before.Version+1 || after.Version != e.Number || e.Account != s.before.Account {
		f.add("chain", "entry %d of %s after version %d of %s", e.Number, e.Account, s.before.Version, s.before.Account)
	}
	if e.Previous != s.before.Last || after.Last != sha256.Sum256(e.Canonical()) {
		f.add("chain", "the hashes don't follow on each other")
	}
	want := s.now.UTC().Truncate(time.Millisecond)
	if want.Before(s.before.Time) {
		want = s.before.Time
	}
	if !e.Time.Equal(want) || !after.Time.Equal(want) {
		f.add("time", "the entry is of %s, the head of %s, want %s", e.Time, after.Time, want)
	}
}

// checkReplay: what was stored decodes to the very bytes, and replaying it rebuilds the head byte for byte.
func (s *step) checkReplay(f *findings) {
	stored := s.change.Entry.Canonical()
	entry, err := DecodeEntry(stored)
	if err != nil || !bytes.Equal(entry.Canonical(), stored) {
		f.add("codec", "the entry isn't read back: %v", err)
		return
	}
	head, err := DecodeHead(s.change.Head.Canonical())
	if err != nil || !bytes.Equal(head.Canonical(), s.change.Head.Canonical()) {
		f.add("codec", "the head isn't read back: %v", err)
	}
	replayed, err := Replay(s.before, entry)
	if err != nil || !bytes.Equal(replayed.Canonical(), s.change.Head.Canonical()) {
		f.add("replay", "doesn't rebuild the head: %v", err)
	}
}

// checkPostings: what was moved explains every balance, and no fund paid for what it may not, or after its time.
func (s *step) checkPostings(f *findings) {
	e := s.change.Entry
	moved := map[Place]int64{}
	for _, p := range e.Postings {
		if p.Amount.Minor() <= 0 || p.From == p.To || p.Amount.Currency() != s.before.Currency {
			f.add("postings", "%s -> %s of %s", p.From, p.To, p.Amount)
		}
		moved[p.From] -= p.Amount.Minor()
		moved[p.To] += p.Amount.Minor()
		if p.From.Kind == InLot {
			s.checkSpending(f, p)
		}
	}
	after := s.change.Head
	gave := func(place Place, before, now int64) {
		if before+moved[place] != now {
			f.add("postings", "%s went from %d to %d, by postings of %d", place, before, now, moved[place])
		}
	}
	gave(in(InCash), s.before.Cash.Minor(), after.Cash.Minor())
	gave(in(InArrears), -s.before.Arrears.Minor(), -after.Arrears.Minor())
	for _, id := range s.lots() {
		was, _ := s.before.Lot(id)
		is, _ := after.Lot(id)
		gave(inLot(id), was.Remaining.Minor(), is.Remaining.Minor())
	}
}

// lots are those of before, of after, and those that the entry brought.
func (s *step) lots() []LotID {
	var ids []LotID
	for _, lot := range slices.Concat(s.before.Lots, s.change.Head.Lots, s.change.Entry.Lots) {
		if !slices.Contains(ids, lot.ID) {
			ids = append(ids, lot.ID)
		}
	}
	return ids
}

func (s *step) checkSpending(f *findings, p Posting) {
	e := s.change.Entry
	lot, held := s.before.Lot(p.From.Lot)
	if !held {
		lot = e.Lots[slices.IndexFunc(e.Lots, func(l Lot) bool { return l.ID == p.From.Lot })]
	}
	over := lot.ExpiresAt.Add(s.policy.Grace)
	switch p.To.Kind {
	case AtUsage:
		if c, settles := s.command.(Settle); !settles || lot.ExpiresAt.Before(c.DayEnd) || !e.Time.Before(over) {
			f.add("spent in time", "%s paid for a day at %s", lot.ID, e.Time)
		}
	case AtPackage:
		if lot.Kind != Card || !e.Time.Before(lot.ExpiresAt) {
			f.add("spent in time", "a %s paid for a package at %s, it expires at %s", lot.Kind, e.Time, lot.ExpiresAt)
		}
	case AtBreakage:
		if e.Time.Before(lot.ExpiresAt) || e.Kind == Lapsed && e.Time.Before(over) {
			f.add("spent in time", "%s lapsed at %s, it expires at %s", lot.ID, e.Time, lot.ExpiresAt)
		}
	case InArrears:
		if lot.Kind != Card || e.Kind != Allocated {
			f.add("postings", "a %s repaid arrears by an entry %s", lot.Kind, e.Kind)
		}
	default:
		f.add("postings", "a %s became %s", lot.Kind, p.To)
	}
}

// checkBalances: lots sum up to what the entry tells, nothing is negative, cash never stands beside arrears.
func (s *step) checkBalances(f *findings) {
	h, b := s.change.Head, s.change.Entry.Balances
	sums := map[LotKind]int64{}
	for i, lot := range h.Lots {
		sums[lot.Kind] += lot.Remaining.Minor()
		if lot.Remaining.Minor() <= 0 || lot.Remaining.Minor() > lot.Face.Minor() {
			f.add("balances", "lot %s has %s of %s", lot.ID, lot.Remaining, lot.Face)
		}
		if i > 0 && !earlier(h.Lots[i-1], lot) {
			f.add("balances", "lots %s and %s aren't in burn order", h.Lots[i-1].ID, lot.ID)
		}
	}
	told := []int64{b.Cash.Minor(), b.Arrears.Minor(), b.Regular.Minor(), b.Discount.Minor(), b.Card.Minor()}
	held := []int64{h.Cash.Minor(), h.Arrears.Minor(), sums[Regular], sums[Discount], sums[Card]}
	if !slices.Equal(told, held) {
		f.add("balances", "the entry tells %d, the head holds %d", told, held)
	}
	for _, balance := range held {
		if balance < 0 || balance > money.Limit {
			f.add("balances", "%d is out of range", balance)
		}
	}
	if h.Cash.Minor() != 0 && h.Arrears.Minor() != 0 {
		f.add("balances", "cash %s stands beside arrears %s", h.Cash, h.Arrears)
	}
}

// checkSettlement: nothing is lost in rounding, and the explanation is complete and agrees with what was moved.
func (s *step) checkSettlement(f *findings) {
	settlement, explained := s.change.Entry.Settlement, []Posting(nil)
	shares := settlement.Shares(s.before.Currency)
	for _, c := range settlement.Classes {
		due := new(big.Rat).Add(rational(c.CarriedBefore), rational(c.Exact))
		due.Sub(due, big.NewRat(c.Payable.Minor(), 100))
		if c.CarriedBefore.Cmp(s.before.Carried[c.Class]) != 0 || due.Cmp(rational(c.CarriedAfter)) != 0 || due.Cmp(big.NewRat(1, 200)) >= 0 {
			f.add("decimals", "%s: carried %s + exact %s - payable %s isn't %s", c.Class, c.CarriedBefore, c.Exact, c.Payable, c.CarriedAfter)
		}
		explained = append(explained, s.checkDraws(f, c)...)
		sum := money.Zero(s.before.Currency)
		for i, l := range settlement.Lines {
			if l.Class == c.Class {
				sum = sum.Add(shares[i])
			}
		}
		if sum != c.Payable {
			f.add("shares", "%s: the lines' shares add up to %s of %s", c.Class, sum, c.Payable)
		}
	}
	if !slices.Equal(explained, s.change.Entry.Postings) {
		f.add("explained", "the draws are %v, the postings %v", explained, s.change.Entry.Postings)
	}
}

// checkDraws gives the postings that a class's explanation amounts to.
func (s *step) checkDraws(f *findings, c ClassSettlement) []Posting {
	var drawn []Posting
	sum, lots := money.Zero(s.before.Currency), 0
	for _, d := range c.Draws {
		sum = sum.Add(d.Paid)
		if (d.Skip == NotSkipped) != d.Paid.IsPositive() {
			f.add("explained", "%s paid %s, skipped %q", d.From, d.Paid, d.Skip)
		}
		if d.From.Kind == InLot {
			lots++
			if c.Class == Restricted && d.Kind.IsVoucher() && d.Paid.IsPositive() {
				f.add("explained", "a %s voucher paid for restricted lines", d.Kind)
			}
		}
		if d.Paid.IsPositive() {
			drawn = append(drawn, Posting{d.From, in(AtUsage), d.Paid})
		}
	}
	if sum != c.Payable || lots != len(s.before.Lots) {
		f.add("explained", "%s: %s of %s is explained, by %d of %d lots", c.Class, sum, c.Payable, lots, len(s.before.Lots))
	}
	return drawn
}
