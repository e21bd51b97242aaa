package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"billingcentre/shared/api"
	"billingcentre/shared/books"
	"billingcentre/shared/refusal"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// consumed is one line of a settled bill.
type consumed struct {
	Day       string               `json:"day"`
	Workspace wallet.WorkspaceID   `json:"workspace_id"`
	Product   string               `json:"product"`
	Class     string               `json:"class"`
	Usage     string               `json:"usage"`
	Unit      string               `json:"unit"`
	UnitPrice string               `json:"unit_price,omitempty"`
	Exact     string               `json:"exact"`
	Payable   string               `json:"payable"`
	Paid      statement.PaidBy     `json:"paid"`
	Method    wallet.Method        `json:"settlement_method"`
	Cloud     *wallet.CloudAccount `json:"cloud,omitempty"`
	Bill      wallet.BillID        `json:"bill_id"`
	Entry     int64                `json:"entry"`
	Line      int                  `json:"line"`
	At        string               `json:"at"`
	Reversal  bool                 `json:"reversal,omitzero"`
}

func consumedOf(r books.Row) consumed {
	c := consumed{
		Day: r.Day, Workspace: r.Workspace, Product: r.Product, Class: r.Class.String(), Usage: r.Usage, Unit: r.Unit, UnitPrice: r.UnitPrice,
		Exact: r.Exact.String(), Payable: r.Payable.String(), Paid: statement.PaidByOf(r.Paid), Method: r.Method, Bill: r.Bill, Entry: r.Entry,
		Line: r.Line, At: api.Instant(r.Booked), Reversal: r.Reversal,
	}
	if r.Method == wallet.Cloud {
		c.Cloud = &r.Cloud
	}
	return c
}

// consumption is a page of consumption details, the last day first.
func (h handler) consumption(ctx context.Context, r *api.Request) (api.Response, error) {
	l, err := h.open(ctx, r, "consumption", statement.ConsumptionPageFilters)
	if err != nil {
		return api.Response{}, err
	}
	if kind := l.filter.Kind; kind != "" && kind != wallet.Settled.String() && kind != wallet.Reversed.String() {
		return api.Response{}, refusal.At("/kind", "must be settled or reversed")
	}
	rows, err := h.rows(ctx, l)
	if err != nil {
		return api.Response{}, err
	}
	after, ok := books.ParsePlace(l.position)
	if !ok && l.position != "" {
		return api.Response{}, fmt.Errorf("a signed cursor of %s: %q", l.name, l.position)
	}
	found, next, err := of(ctx, l, rows, after)
	if err != nil {
		return api.Response{}, large(err)
	}
	return api.OK(api.PageOf(found, consumedOf, h.cursors.Encode(l.name, next.String())))
}

const (
	kindReads = 5 // of one page of a kind
	kindRows  = 100
)

// of reads a page of rows; of those of one kind as many as some reads bring.
func of(ctx context.Context, l list, rows books.Filter, after books.Place) (kept []books.Row, next books.Place, err error) {
	size := l.limit
	if l.filter.Kind != "" {
		size = kindRows
	}
	for range kindReads {
		found, err := l.view.Rows(ctx, rows, after, size)
		if err != nil || l.filter.Kind == "" {
			return found.Rows, found.Next, err
		}
		for _, row := range found.Rows {
			if row.Reversal == (l.filter.Kind == wallet.Reversed.String()) {
				kept = append(kept, row)
			}
			if len(kept) == l.limit {
				return kept, row.Place(), nil
			}
		}
		if after = found.Next; after == (books.Place{}) {
			return kept, after, nil
		}
	}
	return kept, after, nil
}

// rows are the rows that a list is about. Without days they are those of a year, which ends with the newest usage month, or
// today; with one of the days, of the year that begins or ends there.
func (h handler) rows(ctx context.Context, l list) (books.Filter, error) {
	f := l.filter
	if f.To == "" {
		f.To = h.today(l.view, l.zone)
		months, err := l.view.Changed(ctx, 0)
		if err != nil {
			return books.Filter{}, err
		}
		if len(months) > 0 {
			f.To = min(f.To, statement.Month(months[len(months)-1].Month).End())
		}
		if f.From != "" {
			f.To = min(max(f.To, f.From), statement.DaysAfter(f.From, statement.MostDays-1))
		}
	}
	if f.From == "" {
		f.From = statement.DaysAfter(f.To, 1-statement.MostDays)
	}
	if _, err := f.Days(); err != nil {
		return books.Filter{}, err
	}
	rows := f.Rows()
	rows.Most = mostVolumes
	return rows, nil
}

// consumptionTotals are sums for a filter.
type consumptionTotals struct {
	From   string        `json:"from"`
	To     string        `json:"to"`
	Total  statement.Sum `json:"total"`
	Groups []group       `json:"groups"` // by what was asked; none without it
}

type group struct {
	Day       string             `json:"day,omitempty"`
	Workspace wallet.WorkspaceID `json:"workspace_id,omitempty"`
	Product   string             `json:"product,omitempty"`
	statement.Sum
}

const mostGroups = 1_000 // of one answer

func (h handler) consumptionTotals(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, append([]string{"by"}, statement.ConsumptionFilters...)...)
	if err != nil {
		return api.Response{}, err
	}
	filter, err := readFilter(r, statement.ConsumptionFilters)
	if err != nil {
		return api.Response{}, err
	}
	by, err := readBy(r)
	_, days := filter.Days()
	if err := errors.Join(err, days); err != nil {
		return api.Response{}, err
	}
	view, _, err := h.view(ctx, id)
	if err != nil {
		return api.Response{}, err
	}
	rows := filter.Rows()
	rows.Most = mostVolumes
	total, err := view.Totals(ctx, rows, 0)
	if err != nil {
		return api.Response{}, large(err)
	}
	answer := consumptionTotals{From: filter.From, To: filter.To, Total: statement.SumOf(total[0].Totals), Groups: []group{}}
	if by != 0 {
		groups, err := view.Totals(ctx, rows, by)
		if err != nil {
			return api.Response{}, large(err)
		}
		if len(groups) > mostGroups {
			return api.Response{}, refusal.At("/by", "gives %d groups, and %d are the most of one answer: ask for fewer days, or for an export", len(groups), mostGroups)
		}
		for _, g := range groups {
			answer.Groups = append(answer.Groups, group{g.Day, g.Workspace, g.Product, statement.SumOf(g.Totals)})
		}
	}
	return api.OK(answer)
}

// readBy reads what totals are grouped by, such as "day,product".
func readBy(r *api.Request) (books.By, error) {
	text, err := r.Query("by")
	if err != nil || text == "" {
		return 0, err
	}
	var by books.By
	for word := range strings.SplitSeq(text, ",") {
		one := map[string]books.By{"day": books.ByDay, "workspace": books.ByWorkspace, "product": books.ByProduct}[word]
		if one == 0 || by&one != 0 {
			return 0, refusal.At("/by", `must be one or more of day, workspace, product, each once, with commas between them`)
		}
		by |= one
	}
	return by, nil
}
