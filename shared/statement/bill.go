package statement

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/receipt"
	"billingcentre/shared/wallet"
)

// Bill is an account's monthly bill (README rule 25): what the usage of a month's days cost and what paid for it, as far as
// it was settled before the bill was cut, and what was settled of older months since the bill before it. So every line that
// was ever settled is in one monthly bill, and the bills add up to the journal. It is kept as it is told, and never changes.
type Bill struct {
	Account  wallet.AccountID `json:"account_id"`
	Month    Month            `json:"month"`
	Currency money.Currency   `json:"currency"`
	Zone     string           `json:"time_zone"`
	CutAt    string           `json:"cut_at"`        // 00:00 on the 4th, account time
	After    int64            `json:"after_entry"`   // the last entry that the bill before it told
	Through  int64            `json:"through_entry"` // the last entry before the cut

	Total    string `json:"total"` // what was payable, of Usage and Adjustments together: the sum of the next five
	Cash     string `json:"cash"`
	Cloud    string `json:"cloud"`
	Vouchers string `json:"vouchers"`
	Cards    string `json:"cards"`
	Overdue  string `json:"overdue"` // what nothing paid when it was settled

	Usage       Sum `json:"usage"`       // of the month's days
	Adjustments Sum `json:"adjustments"` // of older months: late bills and reversals

	Opening receipt.Balances `json:"opening"` // when the month began, and when it ended; between them Flows
	Closing receipt.Balances `json:"closing"`
	Flows   []Flow           `json:"flows"`

	Sections []Section `json:"sections"`
	// The rows of short sections. Longer ones are in parts of their own.
	Products   []Line     `json:"products,omitempty"`
	Workspaces []Line     `json:"workspaces,omitempty"`
	Adjusted   []Line     `json:"adjusted,omitempty"`
	Funds      []FundLine `json:"funds,omitempty"`
}

// Sum is a total of consumption.
type Sum struct {
	Bills   int64  `json:"bills"` // settled; a reversed one counts as none
	Lines   int64  `json:"lines"`
	Exact   string `json:"exact"`
	Payable string `json:"payable"`
	Paid    PaidBy `json:"paid"` // adds up to Payable
}

// PaidBy tells what paid for consumption.
type PaidBy struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
	Cash     string `json:"cash"`
	Cloud    string `json:"cloud"`
	Overdue  string `json:"overdue"` // nothing did: it was owed, as it was settled
}

// PaidByOf writes what paid.
func PaidByOf(p books.Paid) PaidBy {
	return PaidBy{p.Regular.String(), p.Discount.String(), p.Card.String(), p.Cash.String(), p.Cloud.String(), p.Arrears.String()}
}

// Line is one row of a section: of a product, of a workspace's product, of an older month's.
type Line struct {
	Month     Month              `json:"month,omitempty"` // Adjusted only
	Workspace wallet.WorkspaceID `json:"workspace_id,omitempty"`
	Product   string             `json:"product"`
	Sum
}

// FundLine is what became of one fund in the month: Opening + In - Out = Closing.
type FundLine struct {
	Fund      string `json:"fund"` // "lot:<id>", "cash" or "arrears"
	Kind      string `json:"kind"`
	Face      string `json:"face_value,omitempty"`
	ExpiresAt string `json:"expires_at,omitempty"`
	Opening   string `json:"opening"`
	In        string `json:"in"`
	Out       string `json:"out"`
	Closing   string `json:"closing"`
}

// Flow is what the month's entries of one kind moved.
type Flow struct {
	Kind  string   `json:"kind"`
	Count int64    `json:"entries"`
	In    FundSums `json:"in"`
	Out   FundSums `json:"out"`
}

// FundSums are amounts of each fund.
type FundSums struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
	Cash     string `json:"cash"`
	Arrears  string `json:"arrears"`
}

// FundSumsOf writes sums.
func FundSumsOf(s books.Sums) FundSums {
	return FundSums{s.Regular.String(), s.Discount.String(), s.Card.String(), s.Cash.String(), s.Arrears.String()}
}

// SumOf writes totals.
func SumOf(t books.Totals) Sum {
	return Sum{Bills: t.Bills, Lines: t.Lines, Exact: t.Exact.String(), Payable: t.Payable.String(), Paid: PaidByOf(t.Paid)}
}

// build makes the bill of a month from an account's books: of the entries through a number, and of older months those after
// another. It depends on nothing else, so the same bill can be made again at any time.
func build(ctx context.Context, store ledger.Store, view *books.View, month Month, after, through int64) (Bill, error) {
	zone, err := directory.Zone(view.Head.Zone)
	if err != nil {
		return Bill{}, err
	}
	cut, err := month.Cut(zone)
	if err != nil {
		return Bill{}, err
	}
	b := Bill{
		Account: view.Head.Account, Month: month, Currency: view.Head.Currency, Zone: view.Head.Zone, CutAt: api.Instant(cut), After: after, Through: through,
	}
	usage, adjusted := newTally(b.Currency), newTally(b.Currency)
	if err := usage.of(ctx, view, books.Filter{From: month.First(), Until: month.End(), Through: through}); err != nil {
		return Bill{}, err
	}
	late, err := view.Changed(ctx, after)
	if err != nil {
		return Bill{}, err
	}
	for _, changed := range late {
		if older := Month(changed.Month); older < month {
			adjusted.month = older
			if err := adjusted.of(ctx, view, books.Filter{From: older.First(), Until: older.End(), After: after, Through: through}); err != nil {
				return Bill{}, err
			}
		}
	}
	b.pay(usage, adjusted)
	return b, b.fund(ctx, store, view, zone)
}

// tally sums up rows.
type tally struct {
	currency money.Currency
	month    Month // of older months
	sum      books.Totals
	lines    map[lineKey]books.Totals
	entry    int64 // the last one that was counted
}

type lineKey struct {
	month     Month
	workspace wallet.WorkspaceID
	product   string
}

func newTally(currency money.Currency) *tally {
	return &tally{currency: currency, sum: nothing(currency), lines: map[lineKey]books.Totals{}}
}

func nothing(currency money.Currency) books.Totals {
	zero := money.Zero(currency)
	return books.Totals{Exact: money.ZeroExact(currency), Payable: zero, Paid: books.Paid{Regular: zero, Discount: zero, Card: zero, Cash: zero, Arrears: zero, Cloud: zero}}
}

// of adds the rows of a filter. They come entry by entry, so bills are counted by their entries.
func (t *tally) of(ctx context.Context, view *books.View, f books.Filter) error {
	for row, err := range view.EachRow(ctx, f) {
		if err != nil {
			return err
		}
		key := lineKey{t.month, row.Workspace, row.Product}
		line, known := t.lines[key]
		if !known {
			line = nothing(t.currency)
		}
		one := one(row)
		t.lines[key] = plus(line, one)
		if row.Entry == t.entry {
			one.Bills = 0
		}
		t.entry, t.sum = row.Entry, plus(t.sum, one)
	}
	return nil
}

// one is what one row adds.
func one(row books.Row) books.Totals {
	t := books.Totals{Exact: row.Exact, Payable: row.Payable, Paid: row.Paid, Lines: 1, Bills: 1}
	if row.Reversal {
		t.Lines, t.Bills = -1, -1
	}
	return t
}

func plus(a, b books.Totals) books.Totals {
	return books.Totals{
		Exact: a.Exact.Add(b.Exact), Payable: a.Payable.Add(b.Payable), Bills: a.Bills + b.Bills, Lines: a.Lines + b.Lines,
		Paid: books.Paid{
			Regular: a.Paid.Regular.Add(b.Paid.Regular), Discount: a.Paid.Discount.Add(b.Paid.Discount), Card: a.Paid.Card.Add(b.Paid.Card),
			Cash: a.Paid.Cash.Add(b.Paid.Cash), Arrears: a.Paid.Arrears.Add(b.Paid.Arrears), Cloud: a.Paid.Cloud.Add(b.Paid.Cloud),
		},
	}
}

// rows are the tally's lines, in order.
func (t *tally) rows(group func(lineKey) lineKey) []Line {
	sums := map[lineKey]books.Totals{}
	for key, line := range t.lines {
		key = group(key)
		if sum, known := sums[key]; known {
			line = plus(sum, line)
		}
		sums[key] = line
	}
	rows := make([]Line, 0, len(sums))
	for key, sum := range sums {
		rows = append(rows, Line{key.month, key.workspace, key.product, SumOf(sum)})
	}
	slices.SortFunc(rows, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Month, b.Month), cmp.Compare(a.Workspace, b.Workspace), strings.Compare(a.Product, b.Product))
	})
	return rows
}

// pay writes what the bill is about: consumption, and what paid for it.
func (b *Bill) pay(usage, adjusted *tally) {
	b.Usage, b.Adjustments = SumOf(usage.sum), SumOf(adjusted.sum)
	all := plus(usage.sum, adjusted.sum)
	b.Total, b.Cash, b.Cloud = all.Payable.String(), all.Paid.Cash.String(), all.Paid.Cloud.String()
	b.Vouchers, b.Cards, b.Overdue = all.Paid.Regular.Add(all.Paid.Discount).String(), all.Paid.Card.String(), all.Paid.Arrears.String()
	b.Products = usage.rows(func(key lineKey) lineKey { return lineKey{product: key.product} })
	b.Workspaces = usage.rows(func(key lineKey) lineKey { return key })
	b.Adjusted = adjusted.rows(func(key lineKey) lineKey { return key })
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

// FlowOf writes a flow.
func FlowOf(f books.Flow) Flow {
	return Flow{f.Kind.String(), f.Count, FundSumsOf(f.In), FundSumsOf(f.Out)}
}
