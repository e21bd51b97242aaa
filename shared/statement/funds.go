package statement

import (
	"cmp"
	"context"
	"slices"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/books"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// FundLine is what became of one fund in the month: Opening + In - Out = Closing.
type FundLine struct {
	Fund      string `json:"fund"` // "lot:<id>", "cash" or "arrears"
	Kind      string `json:"kind"`
	Face      string `json:"face_value,omitempty"`
	ExpiresAt string `json:"expires_at,omitempty"`
	Opening   string `json:"opening"`
	In        string `json:"in"` // granted, or given back by reversals, less what they gave back and was spent again
	Out       string `json:"out"`
	Closing   string `json:"closing"`
}

// fund writes what became of the funds between the month's beginning and its end.
func (b *Bill) fund(ctx context.Context, store ledger.Store, view *books.View, zone *time.Location) error {
	start, err := b.Month.Start(zone)
	if err != nil {
		return err
	}
	end, err := b.Month.Next().Start(zone)
	if err != nil {
		return err
	}
	opening, err := asOf(ctx, view, start)
	if err != nil {
		return err
	}
	closing, err := asOf(ctx, view, end)
	if err != nil {
		return err
	}
	b.Opening, b.Closing = receipt.BalancesOf(opening.Balances()), receipt.BalancesOf(closing.Balances())
	days, err := view.JournalDays(ctx, b.Month.First(), b.Month.End())
	if err != nil {
		return err
	}
	flows := Flows(days, b.Currency)
	for _, f := range flows {
		b.Flows = append(b.Flows, FlowOf(f))
	}
	granted, err := grants(ctx, store, opening, closing)
	if err != nil {
		return err
	}
	b.Funds = fundLines(opening, closing, granted, Altogether(flows, b.Currency))
	return nil
}

// asOf is the head at an instant; of an account that wasn't open yet, one with nothing in it.
func asOf(ctx context.Context, view *books.View, at time.Time) (wallet.Head, error) {
	head, err := view.AsOf(ctx, at)
	if err == nil && head.Version == 0 {
		head = Empty(view.Head)
	}
	return head, err
}

// Empty is a head of an account before its first entry.
func Empty(of wallet.Head) wallet.Head {
	zero, none := money.Zero(of.Currency), money.ZeroExact(of.Currency)
	return wallet.Head{Account: of.Account, Currency: of.Currency, Zone: of.Zone, Cash: zero, Arrears: zero, Carried: [2]money.Exact{none, none}}
}

// grants are the lots that came into the wallet between two heads.
func grants(ctx context.Context, store ledger.Store, opening, closing wallet.Head) ([]wallet.Lot, error) {
	const together = 100
	var lots []wallet.Lot
	for before := closing.Version + 1; before > opening.Version+1; {
		page, err := store.Grants(ctx, closing.Account, before, together)
		if err != nil {
			return nil, err
		}
		for _, entry := range page {
			if before = entry.Number; before <= opening.Version {
				return lots, nil
			}
			lots = append(lots, entry.Lots...)
		}
		if len(page) < together {
			break
		}
	}
	return lots, nil
}

// fundLines are all funds that held something in the month: vouchers and cards in the order in which they pay, then cash,
// then what is owed.
func fundLines(opening, closing wallet.Head, granted []wallet.Lot, sums JournalSums) []FundLine {
	zero := money.Zero(closing.Currency)
	type fund struct {
		lot                   wallet.Lot
		opening, face, closes money.Amount
	}
	known := map[wallet.LotID]*fund{}
	find := func(lot wallet.Lot) *fund {
		if known[lot.ID] == nil {
			known[lot.ID] = &fund{lot, zero, zero, zero}
		}
		return known[lot.ID]
	}
	for _, lot := range opening.Lots {
		find(lot).opening = lot.Remaining
	}
	for _, lot := range granted {
		find(lot).face = lot.Face
	}
	for _, lot := range closing.Lots { // one that a reversal brought back was granted before, and held nothing
		f := find(lot)
		if f.closes = lot.Remaining; f.opening.Add(f.face).Cmp(f.closes) < 0 {
			f.face = f.closes.Sub(f.opening)
		}
	}
	lines := make([]FundLine, 0, len(known)+2)
	funds := make([]*fund, 0, len(known))
	for _, f := range known {
		funds = append(funds, f)
	}
	slices.SortFunc(funds, func(a, b *fund) int {
		return cmp.Or(cmp.Compare(a.lot.Kind, b.lot.Kind), a.lot.ExpiresAt.Compare(b.lot.ExpiresAt), a.lot.GrantedAt.Compare(b.lot.GrantedAt), slices.Compare(a.lot.ID[:], b.lot.ID[:]))
	})
	for _, f := range funds {
		lines = append(lines, FundLine{
			Fund: wallet.Place{Kind: wallet.InLot, Lot: f.lot.ID}.String(), Kind: f.lot.Kind.String(), Face: f.lot.Face.String(), ExpiresAt: api.Instant(f.lot.ExpiresAt),
			Opening: f.opening.String(), In: f.face.String(), Out: f.opening.Add(f.face).Sub(f.closes).String(), Closing: f.closes.String(),
		})
	}
	return append(lines,
		FundLine{Fund: "cash", Kind: "cash", Opening: opening.Cash.String(), In: sums.In.Cash.String(), Out: sums.Out.Cash.String(), Closing: closing.Cash.String()},
		FundLine{Fund: "arrears", Kind: "arrears", Opening: opening.Arrears.String(), In: sums.In.Arrears.String(), Out: sums.Out.Arrears.String(), Closing: closing.Arrears.String()})
}
