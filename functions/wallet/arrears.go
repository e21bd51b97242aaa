package main

import (
	"context"
	"errors"
	"strconv"

	"billingcentre/shared/api"
	"billingcentre/shared/arrears"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// standing is how an account stands with what it owes (README rules 17 and 26): who owes what since when, from which
// bills, and what comes next.
type standing struct {
	Account  wallet.AccountID `json:"account_id"`
	Currency string           `json:"currency"`
	State    arrears.State    `json:"state"`
	Owed     string           `json:"owed"` // at this instant
	Case     *arrearsCase     `json:"case,omitempty"`
}

// arrearsCase is one time of owing, with all that became of it.
type arrearsCase struct {
	Number     int                  `json:"number"`
	Since      string               `json:"since"`
	Entry      int64                `json:"entry,omitzero"` // by which it began
	Owed       string               `json:"owed"`           // as far as the journal was read
	Most       string               `json:"most_owed"`
	Bills      []owedBill           `json:"bills"`
	Later      *laterBills          `json:"later_bills,omitempty"`
	Repayments []repayment          `json:"repayments"`
	Countdown  *countdown           `json:"countdown,omitempty"`
	LockedAt   string               `json:"locked_at,omitempty"`
	Locked     []wallet.WorkspaceID `json:"locked_workspaces,omitempty"`
	EndedAt    string               `json:"ended_at,omitempty"`
	EndedBy    int64                `json:"ended_by,omitzero"` // the entry that repaid the last of it
	Steps      []arrearsStep        `json:"steps"`
}

type owedBill struct {
	Bill       wallet.BillID      `json:"bill_id"`
	Workspace  wallet.WorkspaceID `json:"workspace_id"`
	Day        string             `json:"day"`
	SettledAt  string             `json:"settled_at"`
	Entry      int64              `json:"entry"`
	Owed       string             `json:"owed"`
	Restricted string             `json:"restricted"` // of it, for products that vouchers never pay
	Products   []string           `json:"restricted_products,omitempty"`
	Repaid     string             `json:"repaid"`
}

type laterBills struct {
	Bills  int    `json:"bills"`
	Owed   string `json:"owed"`
	Repaid string `json:"repaid"`
}

type repayment struct {
	Entry  int64  `json:"entry"`
	At     string `json:"at"`
	Kind   string `json:"kind"`
	Amount string `json:"amount"`
}

type countdown struct {
	Month      string `json:"month"`
	BeganAt    string `json:"began_at"`
	RemindAt   string `json:"remind_at"`
	EndsAt     string `json:"ends_at"`
	RemindedAt string `json:"reminded_at,omitempty"`
}

type arrearsStep struct {
	At   string `json:"at"`
	What string `json:"what"`
	Note string `json:"note,omitempty"`
}

func caseOf(c *arrears.Case, currency money.Currency) *arrearsCase {
	if c == nil {
		return nil
	}
	amount := func(minor int64) string { return money.Of(currency, minor).String() }
	seen := &arrearsCase{
		Number: c.Number, Since: api.Instant(c.Since), Entry: c.Entry, Owed: amount(c.Owed), Most: amount(c.Most), Bills: []owedBill{},
		Repayments: []repayment{}, LockedAt: api.Instant(c.LockedAt), Locked: c.Named, EndedAt: api.Instant(c.EndedAt), EndedBy: c.EndedBy,
	}
	for _, b := range c.Bills {
		seen.Bills = append(seen.Bills, owedBill{
			b.ID, b.Workspace, b.Day, api.Instant(b.At), b.Entry, amount(b.Owed), amount(b.Restricted), b.Products, amount(b.Repaid),
		})
	}
	if c.Later.Bills > 0 {
		seen.Later = &laterBills{c.Later.Bills, amount(c.Later.Owed), amount(c.Later.Repaid)}
	}
	for _, r := range c.Repaid {
		seen.Repayments = append(seen.Repayments, repayment{r.Entry, api.Instant(r.At), r.Kind, amount(r.Amount)})
	}
	if d := c.Countdown; d != nil {
		seen.Countdown = &countdown{d.Month, api.Instant(d.BeganAt), api.Instant(d.RemindAt), api.Instant(d.EndsAt), api.Instant(d.RemindedAt)}
	}
	for _, s := range c.Steps {
		seen.Steps = append(seen.Steps, arrearsStep{api.Instant(s.At), s.What, s.Note})
	}
	return seen
}

// stands is the state of an account at this instant: what was just repaid, or is owed since just now, may not be noted yet.
func stands(s arrears.Standing, head wallet.Head) arrears.State {
	switch {
	case !head.Arrears.IsPositive():
		return arrears.Clear
	case s.State == arrears.Clear:
		return arrears.Owing
	}
	return s.State
}

func (h handler) arrears(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	s, err := arrears.Of(ctx, h.ledger.Store, account)
	if err != nil {
		return api.Response{}, err
	}
	head, err := h.ledger.Open(ctx, account)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(standing{account, string(head.Currency), stands(s, head), head.Arrears.String(), caseOf(s.Case, head.Currency)})
}

func (h handler) arrearsCases(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery("limit", "cursor")); err != nil {
		return api.Response{}, err
	}
	list := "arrears-cases#" + string(account)
	before, limit, err := r.Place(h.cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	cases, next, err := arrears.Cases(ctx, h.ledger.Store, account, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	told := func(e arrears.Ended) *arrearsCase { return caseOf(&e.Case, e.Currency) }
	return api.OK(api.PageOf(cases, told, h.cursors.Encode(list, next)))
}

func (h handler) arrearsCase(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := errors.Join(r.Caller.MayRead(account), r.OnlyQuery()); err != nil {
		return api.Response{}, err
	}
	number, err := strconv.Atoi(r.Path("case"))
	if err != nil || number < 1 || strconv.Itoa(number) != r.Path("case") {
		return api.Response{}, refusal.Of(refusal.NotFound, "The account has no such case of arrears.")
	}
	found, err := arrears.OneCase(ctx, h.ledger.Store, account, number)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(caseOf(&found.Case, found.Currency))
}

// debtor is an account with an open case, as operators list them.
type debtor struct {
	Account    wallet.AccountID `json:"account_id"`
	Currency   string           `json:"currency"`
	State      arrears.State    `json:"state"`
	Owed       string           `json:"owed"` // when it was looked at last
	Since      string           `json:"since"`
	Case       int              `json:"case"`
	Month      string           `json:"month,omitempty"` // of the monthly bill that began the countdown
	EndsAt     string           `json:"ends_at,omitempty"`
	LockedAt   string           `json:"locked_at,omitempty"`
	Workspaces int              `json:"locked_workspaces,omitzero"`
}

// debtors lists the accounts of a state: owing, counting (by what is due next) or locked.
func (h handler) debtors(ctx context.Context, r *api.Request) (api.Response, error) {
	if err := errors.Join(r.Caller.MustBe(api.Operator), r.OnlyQuery("state", "limit", "cursor")); err != nil {
		return api.Response{}, err
	}
	text, err := r.Query("state")
	if err != nil {
		return api.Response{}, err
	}
	state := arrears.State(text)
	if state != arrears.Owing && state != arrears.Counting && state != arrears.Locked {
		return api.Response{}, refusal.At("/state", `must be "owing", "counting" or "locked"`)
	}
	list := "arrears#" + text
	before, limit, err := r.Place(h.cursors, list)
	if err != nil {
		return api.Response{}, err
	}
	found, next, err := arrears.List(ctx, h.ledger.Store, state, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(api.PageOf(found, debtorOf, h.cursors.Encode(list, next)))
}

func debtorOf(s arrears.Standing) debtor {
	c := s.Case
	d := debtor{
		Account: s.Account, Currency: string(s.Currency), State: s.State, Owed: money.Of(s.Currency, c.Owed).String(), Since: api.Instant(c.Since),
		Case: c.Number, LockedAt: api.Instant(c.LockedAt), Workspaces: len(c.Named),
	}
	if c.Countdown != nil {
		d.Month, d.EndsAt = c.Countdown.Month, api.Instant(c.Countdown.EndsAt)
	}
	return d
}

// owing is what the overview says of arrears that are counted, or locked.
type owing struct {
	State    arrears.State `json:"state"`
	EndsAt   string        `json:"ends_at,omitempty"`
	LockedAt string        `json:"locked_at,omitempty"`
}

func (h handler) owing(ctx context.Context, head wallet.Head) (*owing, error) {
	if !head.Arrears.IsPositive() {
		return nil, nil
	}
	s, err := arrears.Of(ctx, h.ledger.Store, head.Account)
	if err != nil {
		return nil, err
	}
	seen := &owing{State: stands(s, head)}
	if s.Case != nil && s.Case.Countdown != nil {
		seen.EndsAt = api.Instant(s.Case.Countdown.EndsAt)
	}
	if s.Case != nil {
		seen.LockedAt = api.Instant(s.Case.LockedAt)
	}
	return seen, nil
}
