package main

import (
	"context"

	"billingcentre/shared/api"
	"billingcentre/shared/receipt"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// cause is what an entry tells about itself.
type cause struct {
	Entry     int64              `json:"entry"` // its number in the account
	Key       wallet.Key         `json:"key"`
	At        string             `json:"at"`
	Kind      string             `json:"kind"`
	Actor     string             `json:"actor,omitempty"`
	Reason    string             `json:"reason,omitempty"`
	Reference string             `json:"reference,omitempty"`
	Bill      wallet.BillID      `json:"bill_id,omitempty"`      // of a settlement, or its reversal
	Workspace wallet.WorkspaceID `json:"workspace_id,omitempty"` // of a settlement
	Day       string             `json:"day,omitempty"`          // of a settlement
}

func causeOf(e wallet.Entry) cause {
	c := cause{Entry: e.Number, Key: e.Key, At: api.Instant(e.Time), Kind: e.Kind.String(), Actor: e.Actor, Reason: e.Reason, Reference: e.Reference}
	if s := e.Settlement; s != nil {
		c.Bill, c.Workspace, c.Day = s.Bill, s.Workspace, s.Day
	}
	if e.Reversal != nil {
		c.Bill = e.Reversal.Bill
	}
	return c
}

// movement is one line of income and expenditure.
type movement struct {
	cause
	Fund    string `json:"fund"`
	Change  string `json:"change"`  // signed; arrears that grow are "+"
	Balance string `json:"balance"` // of the fund, after it
}

// movements is a page of income and expenditure, the last entry first.
func (h handler) movements(ctx context.Context, r *api.Request) (api.Response, error) {
	l, err := h.open(ctx, r, "movements", statement.MovementPageFilters)
	if err != nil {
		return api.Response{}, err
	}
	at, err := statement.ParsePosition(l.position)
	if err != nil {
		return api.Response{}, err
	}
	chosen, err := l.filter.Changes(l.zone)
	if err != nil {
		return api.Response{}, err
	}
	found, err := statement.Movements(ctx, l.view, chosen, l.filter.About(), at, l.limit)
	if err != nil {
		return api.Response{}, large(err)
	}
	page := api.Page[movement]{Items: make([]movement, 0, len(found.Rows)), Next: h.cursors.Encode(l.name, found.Next.String())}
	for _, m := range found.Rows {
		page.Items = append(page.Items, movement{causeOf(m.Entry), m.Fund.String(), signed(m.Change), m.Balance.String()})
	}
	return api.OK(page)
}

// movementTotals are what came in and went out of each fund over some days of the journal.
type movementTotals struct {
	From    string             `json:"from"`
	To      string             `json:"to"`
	Entries int64              `json:"entries"`
	Opening *receipt.Balances  `json:"opening,omitempty"` // before the first entry of these days; none without entries
	Closing *receipt.Balances  `json:"closing,omitempty"` // after the last one
	In      statement.FundSums `json:"in"`                // opening + in - out = closing, fund by fund
	Out     statement.FundSums `json:"out"`
	Flows   []statement.Flow   `json:"flows"` // the same by kind of entry
}

func (h handler) movementTotals(ctx context.Context, r *api.Request) (api.Response, error) {
	known := []string{"from", "to"}
	id, err := account(r, known...)
	if err != nil {
		return api.Response{}, err
	}
	filter, err := readFilter(r, known)
	if err != nil {
		return api.Response{}, err
	}
	if _, err := filter.Days(); err != nil {
		return api.Response{}, err
	}
	view, _, err := h.view(ctx, id)
	if err != nil {
		return api.Response{}, err
	}
	days, err := view.JournalDays(ctx, filter.From, filter.To)
	if err != nil {
		return api.Response{}, large(err)
	}
	currency := view.Head.Currency
	flows := statement.Flows(days, currency)
	all := statement.Altogether(flows, currency)
	answer := movementTotals{
		From: filter.From, To: filter.To, Entries: all.Count, In: statement.FundSumsOf(all.In), Out: statement.FundSumsOf(all.Out), Flows: []statement.Flow{},
	}
	for _, f := range flows {
		answer.Flows = append(answer.Flows, statement.FlowOf(f))
	}
	if len(days) > 0 {
		opening, closing := receipt.BalancesOf(days[0].Opening), receipt.BalancesOf(days[len(days)-1].Closing)
		answer.Opening, answer.Closing = &opening, &closing
	}
	return api.OK(answer)
}

// lotMovement is one movement of one voucher or card.
type lotMovement struct {
	cause
	Lot         string `json:"lot_id"` // a card's number
	LotKind     string `json:"lot_kind"`
	Change      string `json:"change"`
	Counterpart string `json:"counterpart"` // where it came from, or went to
	Balance     string `json:"balance"`     // of this voucher or card, after it
}

func (h handler) voucherDetails(ctx context.Context, r *api.Request) (api.Response, error) {
	return h.lotDetails(ctx, r, "voucher-details", false)
}

func (h handler) cardDetails(ctx context.Context, r *api.Request) (api.Response, error) {
	return h.lotDetails(ctx, r, "card-details", true)
}

// lotDetails is a page of what became of vouchers, or of cards, the last entry first.
func (h handler) lotDetails(ctx context.Context, r *api.Request, name string, cards bool) (api.Response, error) {
	l, err := h.open(ctx, r, name, statement.LotPageFilters)
	if err != nil {
		return api.Response{}, err
	}
	at, err := statement.ParsePosition(l.position)
	if err != nil {
		return api.Response{}, err
	}
	chosen, err := l.filter.Lots(l.zone, cards)
	if err != nil {
		return api.Response{}, err
	}
	found, err := statement.LotMovements(ctx, l.view, chosen, at, l.limit)
	if err != nil {
		return api.Response{}, large(err)
	}
	page := api.Page[lotMovement]{Items: make([]lotMovement, 0, len(found.Rows)), Next: h.cursors.Encode(l.name, found.Next.String())}
	for _, m := range found.Rows {
		page.Items = append(page.Items, lotMovement{
			causeOf(m.Entry), m.Lot.String(), m.Kind.String(), signed(m.Change), m.Other.Kind.String(), m.Balance.String(),
		})
	}
	return api.OK(page)
}
