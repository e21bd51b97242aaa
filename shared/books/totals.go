package books

import (
	"cmp"
	"context"
	"slices"

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
// By day and product they are kept ready: that reads one document a month. So are those of whole months by workspace, in
// months of many volumes. Other totals of workspaces, and those that need entries up to a number that isn't the last, are
// added up from rows, of no more days than necessary: then Filter.Most counts.
func (v *View) Totals(ctx context.Context, f Filter, by By) ([]Group, error) {
	f, err := v.bounded(f)
	if err != nil {
		return nil, err
	}
	sums := sums{currency: v.Head.Currency, by: by, groups: map[names]*tally{}}
	if by == 0 {
		sums.group("", "", "")
	}
	if f.Workspace != "" || by&ByWorkspace != 0 || f.After > 0 {
		done := map[string]bool{}
		if by&^ByWorkspace == 0 && f.Product == "" && f.After == 0 && f.Through == v.Through {
			done, err = v.indexSums(ctx, f, &sums)
		}
		if err == nil {
			err = v.fold(ctx, f, &sums, 1, func(day string) bool { return !done[monthOf(day)] })
		}
		return sums.sorted(), err
	}
	many, err := v.ready(ctx, f, &sums)
	if err == nil && len(many) > 0 { // too many products on those days for them to be kept one by one
		err = v.fold(ctx, f, &sums, 1, func(day string) bool { return many[day] })
	}
	later := f
	later.After, later.Through = f.Through, v.latest()
	if err == nil && later.After < later.Through { // ready totals know all: take away what came later
		err = v.fold(ctx, later, &sums, -1, func(day string) bool { return !many[day] })
	}
	return sums.sorted(), err
}

// ready adds up what is kept by day and product, and the tail. It returns the days on which products aren't kept, though
// they are asked for: of those nothing is added.
func (v *View) ready(ctx context.Context, f Filter, sums *sums) (many map[string]bool, err error) {
	many = map[string]bool{}
	byProduct := f.Product != "" || sums.by&ByProduct != 0
	for months := range slices.Chunk(v.months(f, false), readyMonths) {
		if err := v.load(ctx, months); err != nil {
			return nil, err
		}
		for _, month := range months {
			for day, kept := range v.usage[month].Days {
				switch {
				case day < f.From || day > f.Until:
				case !byProduct:
					sums.group(day, "", "").add(kept.Total, 1)
				case kept.Many:
					many[day] = true
				default:
					for product, t := range kept.Products {
						if f.Product == "" || f.Product == product {
							sums.group(day, "", product).add(t, 1)
						}
					}
				}
			}
		}
	}
	for day, bills := range v.tailRows {
		if day < f.From || day > f.Until || many[day] {
			continue
		}
		for _, rows := range after(bills, v.counted(monthOf(day))) {
			sums.rows(chosen(rows, f, v.Through), 1)
		}
	}
	return many, nil
}

// latest is the last entry that anything loaded so far has counted.
func (v *View) latest() int64 {
	latest := v.Through
	for _, m := range v.usage {
		latest = max(latest, m.Last)
	}
	return latest
}

const readyMonths = 24 // month documents that are read together

// fold adds up rows themselves, on days that are wanted (nil: all).
func (v *View) fold(ctx context.Context, f Filter, sums *sums, sign int64, wanted func(day string) bool) error {
	for s, err := range v.steps(ctx, f, walk{wanted: wanted}) {
		if err != nil {
			return err
		}
		for _, rows := range s.bills {
			sums.rows(chosen(rows, f, f.Through), sign)
		}
	}
	return nil
}

// chosen are the rows of one entry that a filter chooses.
func chosen(rows []Row, f Filter, through int64) []Row {
	if len(rows) == 0 || rows[0].Entry <= f.After || rows[0].Entry > through || f.Workspace != "" && rows[0].Workspace != f.Workspace {
		return nil
	}
	if f.Product == "" {
		return rows
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool { return r.Product != f.Product })
}

// sums are groups in the making.
type sums struct {
	currency money.Currency
	by       By
	groups   map[names]*tally
}

// names are a group's.
type names struct {
	Day       string
	Workspace wallet.WorkspaceID
	Product   string
}

func (s *sums) group(day string, workspace wallet.WorkspaceID, product string) *tally {
	var name names
	if s.by&ByDay != 0 {
		name.Day = day
	}
	if s.by&ByWorkspace != 0 {
		name.Workspace = workspace
	}
	if s.by&ByProduct != 0 {
		name.Product = product
	}
	if s.groups[name] == nil {
		s.groups[name] = newTally(s.currency)
	}
	return s.groups[name]
}

// rows adds rows of one entry.
func (s *sums) rows(rows []Row, sign int64) {
	for _, same := range byProduct(rows, s.by&ByProduct != 0) {
		if len(same) > 0 {
			s.group(same[0].Day, same[0].Workspace, same[0].Product).rows(same, sign)
		}
	}
}

// byProduct takes one entry's rows apart; they are sorted by product.
func byProduct(rows []Row, apart bool) (groups [][]Row) {
	if !apart {
		return [][]Row{rows}
	}
	for len(rows) > 0 {
		n := 1
		for n < len(rows) && rows[n].Product == rows[0].Product {
			n++
		}
		groups, rows = append(groups, rows[:n]), rows[n:]
	}
	return groups
}

func (s *sums) sorted() []Group {
	groups := make([]Group, 0, len(s.groups))
	for name, t := range s.groups {
		if t.Rows != 0 || s.by == 0 {
			groups = append(groups, Group{name.Day, name.Workspace, name.Product, t.totals()})
		}
	}
	slices.SortFunc(groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Workspace, b.Workspace), cmp.Compare(a.Product, b.Product))
	})
	return groups
}
