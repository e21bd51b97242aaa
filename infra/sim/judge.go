package sim

import (
	"fmt"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// judge holds one entry against the rules, as far as an entry and the heads around it tell.
func (s *Simulation) judge(before wallet.Head, e wallet.Entry, after wallet.Head) (wrong []string) {
	wrong = append(balanced(e, after), inTime(before, e)...)
	switch e.Kind {
	case wallet.Settled:
		wrong = append(wrong, s.judgeSettled(before, e, after)...)
	case wallet.ToppedUp:
		wrong = append(s.judgeTopUp(e, wrong), inflow(before, e, after, wallet.AtPayer)...)
	case wallet.Purchased:
		wrong = append(wrong, judgePurchase(before, e, after)...)
	case wallet.Lapsed:
		if len(e.Postings) != 1 || len(e.Lots) != 0 || len(after.Lots) != len(before.Lots)-1 {
			wrong = append(wrong, "lapse: it isn't all that was left of one lot")
		}
	case wallet.Activated:
		if after.Arrears != before.Arrears || after.Cash != before.Cash {
			wrong = append(wrong, "voucher: it moved cash or arrears")
		}
	}
	return wrong
}

// balanced: double entry, nothing negative, no cash beside arrears, lots that sum up to what is told (I1, I4).
func balanced(e wallet.Entry, after wallet.Head) (wrong []string) {
	for _, p := range e.Postings {
		if !p.Amount.IsPositive() || p.From == p.To {
			wrong = append(wrong, fmt.Sprintf("balance: %s -> %s of %s", p.From, p.To, p.Amount))
		}
	}
	sums := map[wallet.LotKind]int64{}
	for _, lot := range after.Lots {
		sums[lot.Kind] += lot.Remaining.Minor()
		if !lot.Remaining.IsPositive() || lot.Remaining.Minor() > lot.Face.Minor() {
			wrong = append(wrong, fmt.Sprintf("balance: lot %s has %s of %s", lot.ID, lot.Remaining, lot.Face))
		}
	}
	b := e.Balances
	for _, row := range []struct {
		name       string
		told, held int64
	}{
		{"cash", b.Cash.Minor(), after.Cash.Minor()},
		{"arrears", b.Arrears.Minor(), after.Arrears.Minor()},
		{"regular vouchers", b.Regular.Minor(), sums[wallet.Regular]},
		{"discount vouchers", b.Discount.Minor(), sums[wallet.Discount]},
		{"cards", b.Card.Minor(), sums[wallet.Card]},
	} {
		if row.told != row.held || row.held < 0 {
			wrong = append(wrong, fmt.Sprintf("balance: %s are told as %d and held as %d", row.name, row.told, row.held))
		}
	}
	if after.Cash.IsPositive() && after.Arrears.IsPositive() {
		wrong = append(wrong, fmt.Sprintf("balance: cash %s stands beside arrears %s", after.Cash, after.Arrears))
	}
	return wrong
}

// inTime: no lot is spent after its time, nor booked as breakage before it is (I6). Both go by the entry's own time.
func inTime(before wallet.Head, e wallet.Entry) (wrong []string) {
	grace := 24 * time.Hour
	for _, p := range e.Postings {
		if p.From.Kind != wallet.InLot {
			continue
		}
		lot, held := before.Lot(p.From.Lot)
		if !held {
			continue // the entry brought it
		}
		expired, graceOver := !e.Time.Before(lot.ExpiresAt), !e.Time.Before(lot.ExpiresAt.Add(grace))
		switch p.To.Kind {
		case wallet.AtUsage:
			if graceOver {
				wrong = append(wrong, fmt.Sprintf("time: %s paid for usage at %s, its grace ended %s", lot.ID, e.Time, lot.ExpiresAt.Add(grace)))
			}
		case wallet.AtPackage:
			if expired || lot.Kind != wallet.Card {
				wrong = append(wrong, fmt.Sprintf("time: %s paid for a package at %s, it expired %s", lot.ID, e.Time, lot.ExpiresAt))
			}
		case wallet.AtBreakage:
			if !graceOver && e.Kind == wallet.Lapsed || !expired {
				wrong = append(wrong, fmt.Sprintf("time: %s lapsed at %s, before its grace ended %s", lot.ID, e.Time, lot.ExpiresAt.Add(grace)))
			}
		}
	}
	return wrong
}

// judgeTopUp: it is an order's that was paid, on its account, with just what was paid (I8).
func (s *Simulation) judgeTopUp(e wallet.Entry, wrong []string) []string {
	came := int64(0)
	for _, p := range e.Postings {
		if p.From.Kind == wallet.AtPayer {
			came += p.Amount.Minor()
		}
	}
	for _, order := range s.world.paid {
		if "trade-"+order.ID == e.Reference && s.ownerOf(order) == e.Account && order.Amount.Minor() == came {
			return wrong
		}
	}
	return append(wrong, fmt.Sprintf("payments: nobody paid %d for this order of %s", came, e.Account))
}

// inflow is README rule 3.
func inflow(before wallet.Head, e wallet.Entry, after wallet.Head, from wallet.PlaceKind) (wrong []string) {
	came := int64(0)
	for _, p := range e.Postings {
		if p.From.Kind == from {
			came += p.Amount.Minor()
		}
	}
	owed := before.Arrears.Minor()
	if after.Arrears.Minor() != max(0, owed-came) || after.Cash.Minor() != before.Cash.Minor()+max(0, came-owed) {
		wrong = append(wrong, fmt.Sprintf("inflow: %d came, arrears went from %s to %s, cash from %s to %s", came, before.Arrears, after.Arrears, before.Cash, after.Cash))
	}
	return wrong
}

// judgePurchase: cash becomes a card, and its gift lands with it (README rules 8 and 10).
func judgePurchase(before wallet.Head, e wallet.Entry, after wallet.Head) (wrong []string) {
	card, gift := int64(0), int64(0)
	for _, lot := range e.Lots {
		if lot.Kind == wallet.Card {
			card += lot.Face.Minor()
		} else {
			gift += lot.Face.Minor()
		}
	}
	want := int64(0)
	for _, tier := range policy().Gifts {
		if card >= money.Units(money.CNY, tier.From).Minor() {
			want = money.Units(money.CNY, tier.Gift).Minor()
		}
	}
	if gift != want || before.Cash.Minor()-after.Cash.Minor() != card || card == 0 {
		wrong = append(wrong, fmt.Sprintf("purchase: a card of %d for %d cash, with a gift of %d instead of %d", card, before.Cash.Minor()-after.Cash.Minor(), gift, want))
	}
	return wrong
}
