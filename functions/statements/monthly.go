package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"billingcentre/shared/api"
	"billingcentre/shared/refusal"
	"billingcentre/shared/statement"
)

// brief is a monthly bill in a list.
type brief struct {
	Month       statement.Month `json:"month"`
	Currency    string          `json:"currency"`
	CutAt       string          `json:"cut_at"`
	Total       string          `json:"total"`
	Cash        string          `json:"cash"`
	Cloud       string          `json:"cloud"`
	Vouchers    string          `json:"vouchers"`
	Cards       string          `json:"cards"`
	Overdue     string          `json:"overdue"`
	Adjustments string          `json:"adjustments"` // of older months, in total
	SHA256      string          `json:"sha256"`
}

func briefOf(k statement.Kept) brief {
	b := k.Bill
	return brief{
		b.Month, string(b.Currency), b.CutAt, b.Total, b.Cash, b.Cloud, b.Vouchers, b.Cards, b.Overdue, b.Adjustments.Payable, k.SHA256,
	}
}

// monthlyBills is a page of an account's monthly bills, the last month first.
func (h handler) monthlyBills(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, "limit", "cursor")
	if err != nil {
		return api.Response{}, err
	}
	name := "monthly-bills#" + string(id)
	before, limit, err := r.Place(h.cursors, name)
	if err != nil {
		return api.Response{}, err
	}
	kept, next, err := h.bills.List(ctx, id, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	if before == "" && len(kept) == 0 { // an account that isn't open has no empty list
		if _, _, err := h.view(ctx, id); err != nil {
			return api.Response{}, err
		}
	}
	return api.OK(api.PageOf(kept, briefOf, h.cursors.Encode(name, next)))
}

// kept is the monthly bill that a request is about.
func (h handler) kept(ctx context.Context, r *api.Request, query ...string) (statement.Kept, error) {
	id, err := account(r, query...)
	if err != nil {
		return statement.Kept{}, err
	}
	month, err := statement.ParseMonth("/month", r.Path("month"))
	if err != nil {
		return statement.Kept{}, refusal.Of(refusal.NotFound, "There is no such month.")
	}
	return h.bills.Bill(ctx, id, month)
}

func (h handler) monthlyBill(ctx context.Context, r *api.Request) (api.Response, error) {
	kept, err := h.kept(ctx, r)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(kept)
}

// monthlyLines is a page of a section of a bill.
func (h handler) monthlyLines(ctx context.Context, r *api.Request) (api.Response, error) {
	kept, err := h.kept(ctx, r, "limit", "cursor", "section")
	if err != nil {
		return api.Response{}, err
	}
	section, err := r.Query("section")
	if err != nil {
		return api.Response{}, err
	}
	if section == "" {
		section = statement.SectionWorkspaces
	}
	if section == statement.SectionFunds || !slices.Contains(statement.Sections, section) {
		return api.Response{}, refusal.At("/section", "must be products, workspaces or adjusted")
	}
	name, from, limit, err := h.index(r, kept, section)
	if err != nil {
		return api.Response{}, err
	}
	lines, err := h.bills.Lines(ctx, kept, section, from, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(page(h, name, kept, section, from, lines))
}

// monthlyFunds is a page of what became of the funds.
func (h handler) monthlyFunds(ctx context.Context, r *api.Request) (api.Response, error) {
	kept, err := h.kept(ctx, r, "limit", "cursor")
	if err != nil {
		return api.Response{}, err
	}
	name, from, limit, err := h.index(r, kept, statement.SectionFunds)
	if err != nil {
		return api.Response{}, err
	}
	lines, err := h.bills.FundLines(ctx, kept, from, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(page(h, name, kept, statement.SectionFunds, from, lines))
}

// index reads a place in a section: how many rows come before it.
func (h handler) index(r *api.Request, kept statement.Kept, section string) (name string, from, limit int, err error) {
	name = fmt.Sprintf("monthly-bill#%s\x00%s\x00%s", kept.Bill.Account, kept.Bill.Month, section)
	position, limit, err := r.Place(h.cursors, name)
	if err != nil || position == "" {
		return name, 0, limit, err
	}
	from, err = strconv.Atoi(position)
	return name, from, limit, err
}

// page is a page of a section.
func page[T any](h handler, name string, kept statement.Kept, section string, from int, rows []T) api.Page[T] {
	p := api.Page[T]{Items: rows}
	if rows == nil {
		p.Items = []T{}
	}
	for _, s := range kept.Bill.Sections {
		if next := from + len(rows); s.Name == section && next < s.Rows {
			p.Next = h.cursors.Encode(name, strconv.Itoa(next))
		}
	}
	return p
}
