package audit

import (
	"testing"
	"time"

	"billingcentre/shared/wallet"
)

// TestFundsHaveTheirTime: to the millisecond, as README rules 19, 21, 23 and 24 say.
func TestFundsHaveTheirTime(t *testing.T) {
	const grace, ms = 24 * time.Hour, time.Millisecond
	lot := wallet.Lot{ID: wallet.LotID{1}, Kind: wallet.Card, ExpiresAt: dayEnd}
	for what, c := range map[string]struct {
		kind wallet.EntryKind
		to   wallet.PlaceKind
		at   time.Duration // after the expiry
		day  string
		ok   bool
	}{
		"it pays for its last day until its grace is over": {wallet.Settled, wallet.AtUsage, grace - ms, "2026-11-01", true},
		"but not then":                       {wallet.Settled, wallet.AtUsage, grace, "2026-11-01", false},
		"nor for a later day":                {wallet.Settled, wallet.AtUsage, -ms, "2026-11-02", false},
		"nor for a day that nobody knows":    {wallet.Settled, wallet.AtUsage, -ms, "2026-11-31", false},
		"it pays for orders until it ends":   {wallet.Ordered, wallet.AtPackage, -ms, "", true},
		"but not at its end":                 {wallet.Ordered, wallet.AtPackage, 0, "", false},
		"it lapses when its grace is over":   {wallet.Lapsed, wallet.AtBreakage, grace, "", true},
		"but not before":                     {wallet.Lapsed, wallet.AtBreakage, grace - ms, "", false},
		"given back, it lapses at its end":   {wallet.Reversed, wallet.AtBreakage, 0, "", true},
		"but not while it could still spend": {wallet.Reversed, wallet.AtBreakage, -ms, "", false},
	} {
		e := wallet.Entry{Kind: c.kind, Time: dayEnd.Add(c.at), Postings: []wallet.Posting{
			{From: wallet.Place{Kind: wallet.InLot, Lot: lot.ID}, To: wallet.Place{Kind: c.to}, Amount: fen(1)},
		}}
		if c.day != "" {
			e.Settlement = &wallet.Settlement{Day: c.day}
		}
		held, brought := e, e
		brought.Lots = []wallet.Lot{lot}
		for name, wrong := range map[string]string{
			"held":    outOfTime(wallet.Head{Zone: "Asia/Shanghai", Lots: []wallet.Lot{lot}}, held, grace),
			"brought": outOfTime(wallet.Head{Zone: "Asia/Shanghai"}, brought, grace),
		} {
			if (wrong == "") != c.ok {
				t.Errorf("%s (%s): %q", what, name, wrong)
			}
		}
	}
}
