package sim

import (
	"bytes"
	"fmt"
	"slices"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// auditor follows one account from outside: it knows only what is stored, and believes none of it. It never asks the
// code that it audits what is right, but for wallet.Replay and the canonical bytes, which are what I2 is about.
type auditor struct {
	account  wallet.AccountID
	head     wallet.Head
	entries  []wallet.Entry
	causes   map[string]wallet.Key // what must happen once, and the entry that did it
	lots     map[wallet.LotID]*life
	settled  map[wallet.BillID]wallet.Entry
	exact    [2]money.Exact // of all that is settled and not reversed
	payable  [2]money.Exact
	creditIn int64 // minor units, of payments
}

// life is what became of a lot's money (I7).
type life struct {
	terms                           wallet.Lot
	granted, used, lapsed, returned int64
}

func newAuditor(account wallet.AccountID) *auditor {
	zero := money.ZeroExact(money.CNY)
	return &auditor{
		account: account, causes: map[string]wallet.Key{}, lots: map[wallet.LotID]*life{}, settled: map[wallet.BillID]wallet.Entry{},
		exact: [2]money.Exact{zero, zero}, payable: [2]money.Exact{zero, zero},
	}
}

// audit looks at every account after a write: what it isn't about must be as it was (I9), what has changed must be right.
func (s *Simulation) audit(about wallet.AccountID) {
	for _, account := range s.world.accounts {
		for _, wrong := range s.auditors[account].visit(s, account == about) {
			s.violated("%s: %s", account, wrong)
		}
	}
}

// visit replays what is new (I1 to I7), if there is or should be anything.
func (a *auditor) visit(s *Simulation, all bool) (wrong []string) {
	head, err := s.truth.Head(plain(), a.account)
	if err != nil {
		return []string{"head: " + err.Error()}
	}
	var entries []wallet.Entry
	if all || head.Version != a.head.Version {
		if entries, err = s.truth.Journal(plain(), a.account, 0, max(1, int(head.Version-a.head.Version))+1); err != nil {
			return []string{"journal: " + err.Error()}
		}
	}
	slices.Reverse(entries)
	for _, entry := range entries {
		if n := int(entry.Number); n <= len(a.entries) {
			if n < 1 || a.entries[n-1].Hash() != entry.Hash() {
				return []string{fmt.Sprintf("journal: entry %d is %s, after it was another", n, entry.Key)}
			}
			continue
		}
		if wrong = a.follow(s, entry); len(wrong) > 0 {
			return wrong
		}
	}
	if now := head.Canonical(); !bytes.Equal(now, a.head.Canonical()) {
		wrong = append(wrong, fmt.Sprintf("replay: the head is of version %d, the journal rebuilds another of version %d", head.Version, a.head.Version))
	}
	return wrong
}

// follow takes one entry on.
func (a *auditor) follow(s *Simulation, entry wallet.Entry) (wrong []string) {
	defer func() {
		if broken := recover(); broken != nil {
			wrong = append(wrong, fmt.Sprintf("entry %d (%s): %v", entry.Number, entry.Key, broken))
		}
	}()
	before := a.head
	after, err := wallet.Replay(before, entry)
	if err != nil {
		return []string{"replay: " + err.Error()}
	}
	for _, w := range slices.Concat(a.once(entry), s.judge(before, entry, after), a.tally(entry, after)) {
		wrong = append(wrong, fmt.Sprintf("entry %d (%s): %s", entry.Number, entry.Key, w))
	}
	a.head, a.entries = after, append(a.entries, entry)
	return wrong
}

// once: each cause has one entry, by what it is about and not by its key alone (I3).
func (a *auditor) once(e wallet.Entry) (wrong []string) {
	causes := []string{"key " + string(e.Key)}
	switch e.Kind {
	case wallet.Settled:
		causes = append(causes, "bill "+string(e.Settlement.Bill))
	case wallet.Reversed:
		causes = append(causes, "reversal of "+string(e.Reversal.Bill))
	case wallet.ToppedUp:
		causes = append(causes, "payment "+e.Reference)
	case wallet.Lapsed:
		causes = append(causes, fmt.Sprintf("lapse of %s", e.Reference))
	}
	for _, cause := range causes {
		if first, there := a.causes[cause]; there {
			wrong = append(wrong, fmt.Sprintf("once: %s was done by %s before", cause, first))
		}
		a.causes[cause] = e.Key
	}
	return wrong
}

// tally follows lots and exact costs through their lives (I7, M2).
func (a *auditor) tally(e wallet.Entry, after wallet.Head) (wrong []string) {
	for _, lot := range e.Lots {
		if a.lots[lot.ID] == nil {
			a.lots[lot.ID] = &life{terms: lot}
		} else if e.Kind != wallet.Reversed {
			wrong = append(wrong, fmt.Sprintf("lots: %s was granted twice", lot.ID))
		}
	}
	for _, p := range e.Postings {
		if p.From.Kind == wallet.InLot {
			if l := a.lots[p.From.Lot]; p.To.Kind == wallet.AtBreakage {
				l.lapsed += p.Amount.Minor()
			} else {
				l.used += p.Amount.Minor()
			}
		}
		if p.To.Kind == wallet.InLot {
			if l := a.lots[p.To.Lot]; e.Kind == wallet.Reversed {
				l.returned += p.Amount.Minor()
			} else {
				l.granted += p.Amount.Minor()
			}
		}
	}
	for id, l := range a.lots {
		lot, _ := after.Lot(id)
		if l.granted != l.terms.Face.Minor() || l.granted+l.returned != l.used+l.lapsed+lot.Remaining.Minor() {
			wrong = append(wrong, fmt.Sprintf("lots: of %s %d are granted, %d used, %d lapsed, %d given back, %s left", id, l.granted, l.used, l.lapsed, l.returned, lot.Remaining))
		}
	}
	return append(wrong, a.conserve(e, after)...)
}

// conserve: to the last decimal, the payables and what is carried are what the bills cost (README rule M2).
func (a *auditor) conserve(e wallet.Entry, after wallet.Head) (wrong []string) {
	if e.Settlement != nil {
		a.settled[e.Settlement.Bill] = e
		for _, c := range e.Settlement.Classes {
			a.exact[c.Class], a.payable[c.Class] = a.exact[c.Class].Add(c.Exact), a.payable[c.Class].Add(c.Payable.Exact())
		}
	}
	if e.Reversal != nil {
		for _, c := range a.settled[e.Reversal.Bill].Settlement.Classes {
			a.exact[c.Class], a.payable[c.Class] = a.exact[c.Class].Sub(c.Exact), a.payable[c.Class].Sub(c.Payable.Exact())
		}
	}
	if e.Kind == wallet.ToppedUp {
		for _, p := range e.Postings {
			a.creditIn += p.Amount.Minor()
		}
	}
	for _, class := range wallet.Classes {
		if after.Version > 1 && a.payable[class].Add(after.Carried[class]).Cmp(a.exact[class]) != 0 {
			wrong = append(wrong, fmt.Sprintf("conservation: %s costs %s, of which %s were payable and %s are carried", class, a.exact[class], a.payable[class], after.Carried[class]))
		}
	}
	return wrong
}
