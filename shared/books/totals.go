package books

import (
	"context"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// Totals are sums over rows. What was reversed is taken away from all of them but Reversed.
type Totals struct {
	Exact    money.Exact
	Payable  money.Amount
	Paid     Paid
	Bills    int64 // that have such rows, less those that were reversed
	Reversed int64 // bills that were reversed
	Lines    int64
}

// By is what totals are grouped by. The groups of By(0) are one.
type By uint8

// The groupings, to be combined.
const (
	ByDay By = 1 << iota
	ByWorkspace
	ByProduct
)

// Group is the totals of one day, workspace or product, as asked; what wasn't asked for is empty.
type Group struct {
	Day       string
	Workspace wallet.WorkspaceID
	Product   string
	Totals
}

// Totals adds up the rows that a filter chooses, in groups sorted by day, workspace, product; groups without a row are
// absent, but for the one group of By(0).
//
// By day and product they are kept ready: that reads one document a month. What is about workspaces, or needs entries up
// to a number that isn't the last, is added up from rows, of no more days than necessary: then Filter.Most counts.
func (v *View) Totals(ctx context.Context, f Filter, by By) ([]Group, error) { panic("soon") }
