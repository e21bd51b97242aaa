package statement

import (
	"cmp"
	"context"
	"slices"
	"strings"

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
	entry    int64             // the last one that was counted
	entries  map[lineKey]int64 // the same, of each line: a bill may have several of a product
}

type lineKey struct {
	month     Month
	workspace wallet.WorkspaceID
	product   string
}

func newTally(currency money.Currency) *tally {
	return &tally{currency: currency, sum: nothing(currency), lines: map[lineKey]books.Totals{}, entries: map[lineKey]int64{}}
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
		t.lines[key] = plus(line, one(row, t.entries[key]))
		t.sum = plus(t.sum, one(row, t.entry))
		t.entry, t.entries[key] = row.Entry, row.Entry
	}
	return nil
}

// one is what one row adds to a sum whose last row was of some entry: its bill, too, unless that is counted.
func one(row books.Row, last int64) books.Totals {
	t := books.Totals{Exact: row.Exact, Payable: row.Payable, Paid: row.Paid, Lines: 1, Bills: 1}
	if row.Reversal {
		t.Lines, t.Bills = -1, -1
	}
	if row.Entry == last {
		t.Bills = 0
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
