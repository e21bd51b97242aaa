package audit

import (
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/wallet"
)

// outOfTime tells when an entry took money out of a fund after the fund's time, or cleared it before that was over, by
// the entry's own instant (README rules 19, 21, 23, 24). Only what is new is held against the policy's grace: what was
// verified once followed the policy of its time.
func outOfTime(head wallet.Head, e wallet.Entry, grace time.Duration) string {
	var dayEnd time.Time
	if s := e.Settlement; s != nil {
		zone, err := directory.Zone(head.Zone)
		if err == nil {
			dayEnd, err = directory.DayEnd(s.Day, zone)
		}
		if err != nil {
			return fmt.Sprintf("nobody can tell when the day %q ended in %q: %v", s.Day, head.Zone, err)
		}
	}
	for _, p := range e.Postings {
		lot, ok := fund(head, e, p.From)
		if !ok {
			continue
		}
		usable := lot.UsableAt(e.Time)
		switch {
		case p.To.Kind == wallet.AtUsage && !lot.PaysFor(dayEnd, e.Time, grace):
			return fmt.Sprintf("%s, which expired at %s, paid at %s for the day that ended at %s", p.From, instantOf(lot.ExpiresAt), instantOf(e.Time), instantOf(dayEnd))
		case p.To.Kind == wallet.AtPackage && !usable:
			return fmt.Sprintf("%s, which expired at %s, paid for an order at %s", p.From, instantOf(lot.ExpiresAt), instantOf(e.Time))
		case p.To.Kind == wallet.AtBreakage && (usable || e.Kind == wallet.Lapsed && !lot.LapsedAt(e.Time, grace)):
			return fmt.Sprintf("%s lapsed at %s, though it expired at %s and may pay until its grace is over", p.From, instantOf(e.Time), instantOf(lot.ExpiresAt))
		}
	}
	return ""
}

// fund is the lot that a posting takes money out of: one that the wallet held, or that the entry brought back.
func fund(head wallet.Head, e wallet.Entry, from wallet.Place) (wallet.Lot, bool) {
	if from.Kind != wallet.InLot {
		return wallet.Lot{}, false
	}
	if lot, held := head.Lot(from.Lot); held {
		return lot, true
	}
	i := slices.IndexFunc(e.Lots, func(l wallet.Lot) bool { return l.ID == from.Lot })
	if i < 0 {
		return wallet.Lot{}, false
	}
	return e.Lots[i], true
}

func instantOf(t time.Time) string { return t.UTC().Format(instant) }

// forgotten tells when the schedule that books what lapses wouldn't look at a fund when its time is over. It goes by
// Head.Due, which is no part of the canonical bytes. A day is for a policy whose grace has changed since.
func forgotten(head wallet.Head, grace time.Duration) string {
	for _, lot := range head.Lots {
		if lapses := lot.ExpiresAt.Add(grace); head.Due.IsZero() || head.Due.After(lapses.Add(24*time.Hour)) {
			return fmt.Sprintf("lot %s lapses at %s, but the next look at the wallet is due %s", lot.ID, instantOf(lapses), dueOf(head))
		}
	}
	return ""
}

func dueOf(head wallet.Head) string {
	if head.Due.IsZero() {
		return "never"
	}
	return "at " + instantOf(head.Due)
}
