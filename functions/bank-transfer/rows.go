package main

import (
	"context"
	"fmt"

	"billingcentre/shared/api"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/transfer"
	"billingcentre/shared/wallet"
)

// row is a bank's row as operators see it.
type row struct {
	ID         string            `json:"row_id"`
	Bank       string            `json:"bank_id"`
	Date       string            `json:"date"`
	Currency   string            `json:"currency"`
	Amount     string            `json:"amount"`
	Held       string            `json:"held"`
	Payer      string            `json:"payer_name"`
	Memo       string            `json:"memo"`
	State      transfer.RowState `json:"state"`
	ImportedAt string            `json:"imported_at"`
	ImportedBy string            `json:"imported_by"`
	Parts      []part            `json:"parts"`
	Matches    []match           `json:"matches,omitempty"`
	Reasons    []transfer.Reason `json:"reasons,omitempty"`
}

type part struct {
	Number    int                `json:"number"`
	Account   wallet.AccountID   `json:"account_id,omitempty"`
	Transfer  string             `json:"transfer_id,omitempty"`
	Return    bool               `json:"return,omitzero"`
	Amount    string             `json:"amount"`
	Reason    string             `json:"reason,omitempty"`
	State     transfer.PartState `json:"state"`
	AskedBy   string             `json:"asked_by"`
	AskedAt   string             `json:"asked_at"`
	DecidedBy string             `json:"decided_by,omitempty"`
	Rejection string             `json:"rejection,omitempty"`
	BookedAt  string             `json:"booked_at,omitempty"`
	Entry     wallet.Key         `json:"entry_id,omitempty"`
}

type match struct {
	Transfer string            `json:"transfer_id"`
	Account  wallet.AccountID  `json:"account_id"`
	Amount   string            `json:"amount"`
	Payer    string            `json:"payer_name"`
	Short    string            `json:"short,omitempty"`
	Reasons  []transfer.Reason `json:"reasons"`
}

// rowOf tells of a row; whose it may be, as long as some of it is nobody's.
func (h handler) rowOf(ctx context.Context, r transfer.Row) (row, error) {
	out := row{
		ID: r.ID, Bank: r.Bank, Date: r.Date, Currency: string(r.Currency), Amount: r.Amount().String(), Held: r.Held().String(), Payer: r.Payer,
		Memo: r.Memo, State: r.State(), ImportedAt: api.Instant(r.ImportedAt), ImportedBy: r.ImportedBy, Parts: []part{},
	}
	for _, p := range r.Parts {
		out.Parts = append(out.Parts, partOf(r, p))
	}
	if out.State != transfer.InSuspense {
		return out, nil
	}
	matches, reasons, err := h.desk.Matches(ctx, r)
	out.Reasons = reasons
	for _, m := range matches {
		told := match{
			Transfer: m.Order.ID, Account: m.Order.Account, Amount: m.Order.Amount().String(), Payer: m.Order.Payer, Reasons: m.Reasons,
		}
		if short := m.Short(r); short.IsPositive() {
			told.Short = short.String()
		}
		out.Matches = append(out.Matches, told)
	}
	return out, err
}

func partOf(r transfer.Row, p transfer.Part) part {
	out := part{
		Number: p.Number, Account: p.Account, Transfer: p.Transfer, Return: p.Return, Amount: money.Of(r.Currency, p.Minor).String(),
		Reason: p.Reason, State: p.State, AskedBy: p.AskedBy, AskedAt: api.Instant(p.AskedAt), DecidedBy: p.DecidedBy, Rejection: p.Rejection,
		BookedAt: api.Instant(p.BookedAt),
	}
	if p.State == transfer.Booked && !p.Return {
		out.Entry = wallet.TransferKey(r.ID, p.Number)
	}
	return out
}

func (h handler) listRows(ctx context.Context, r *api.Request) (api.Response, error) {
	state, err := r.Query("state")
	if err != nil {
		return api.Response{}, err
	}
	settled := state == "settled"
	if !settled && state != "" && state != "waiting" {
		return api.Response{}, refusal.At("/state", `must be "waiting" or "settled"`)
	}
	list := fmt.Sprintf("bank-rows#%t", settled)
	before, limit, err := h.operatorsPage(r, list, "state")
	if err != nil {
		return api.Response{}, err
	}
	rows, next, err := h.desk.Rows(ctx, settled, before, limit)
	if err != nil {
		return api.Response{}, err
	}
	page := api.Page[row]{Items: []row{}, Next: h.cursors.Encode(list, next)}
	for _, one := range rows {
		told, err := h.rowOf(ctx, one)
		if err != nil {
			return api.Response{}, err
		}
		page.Items = append(page.Items, told)
	}
	return api.OK(page)
}

// id is the row that a path names.
func id(r *api.Request) (string, error) {
	if err := r.Caller.MustBe(api.Operator); err != nil {
		return "", err
	}
	if id := r.Path("row"); api.ValidID(id) {
		return id, nil
	}
	return "", refusal.Of(refusal.NotFound, "There is no such row of a bank statement.")
}

func (h handler) getRow(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := id(r)
	if err != nil {
		return api.Response{}, err
	}
	return h.told(ctx)(h.desk.Row(ctx, id))
}

// told answers with a row as it stands.
func (h handler) told(ctx context.Context) func(transfer.Row, error) (api.Response, error) {
	return func(r transfer.Row, err error) (api.Response, error) {
		if err != nil {
			return api.Response{}, err
		}
		out, err := h.rowOf(ctx, r)
		if err != nil {
			return api.Response{}, err
		}
		return api.OK(out)
	}
}

const maxShares = 20 // parts of one assignment

func (h handler) assign(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := id(r)
	if err != nil {
		return api.Response{}, err
	}
	once, err := r.IdempotencyKey()
	if err != nil {
		return api.Response{}, err
	}
	shares, err := sharesOf(r)
	if err != nil {
		return api.Response{}, err
	}
	assigned, repeated, err := h.desk.Assign(ctx, transfer.Assignment{Row: id, Once: once, Shares: shares, Actor: r.Caller.Subject})
	if err != nil {
		return api.Response{}, err
	}
	told, err := h.rowOf(ctx, assigned)
	if err != nil {
		return api.Response{}, err
	}
	return api.Done(told, repeated)
}

// sharesOf reads where a row's money shall go.
func sharesOf(r *api.Request) ([]transfer.Share, error) {
	var body struct {
		Parts []struct {
			Account  string `json:"account_id"`
			Transfer string `json:"transfer_id"`
			Return   bool   `json:"return"`
			Amount   string `json:"amount"`
			Reason   string `json:"reason"`
		} `json:"parts"`
	}
	if err := r.Decode(&body); err != nil {
		return nil, err
	}
	var check api.Check
	check.That(len(body.Parts) >= 1 && len(body.Parts) <= maxShares, "/parts", "must be 1 to 20 parts")
	var shares []transfer.Share
	for i, p := range body.Parts {
		at := fmt.Sprintf("/parts/%d", i)
		share := transfer.Share{Account: wallet.AccountID(p.Account), Transfer: p.Transfer, Return: p.Return, Amount: p.Amount}
		if share.Reason = check.OptionalText(at+"/reason", p.Reason); p.Return {
			check.That(p.Account == "" && p.Transfer == "", at+"/account_id", "must be left out of what is sent back")
			check.That(share.Reason != "", at+"/reason", "is required")
		} else {
			check.Account(at+"/account_id", p.Account)
		}
		if p.Transfer != "" {
			check.ID(at+"/transfer_id", p.Transfer)
		}
		shares = append(shares, share)
	}
	return shares, check.Err()
}

func (h handler) approve(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := id(r)
	if err != nil {
		return api.Response{}, err
	}
	if r.Caller.Subject == "" {
		return api.Response{}, refusal.Of(refusal.Forbidden, "The token doesn't say who approves.")
	}
	return h.told(ctx)(h.desk.Approve(ctx, id, r.Caller.Subject))
}

func (h handler) reject(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := id(r)
	if err != nil {
		return api.Response{}, err
	}
	reason, err := r.Reason()
	if err != nil {
		return api.Response{}, err
	}
	return h.told(ctx)(h.desk.Reject(ctx, id, reason, r.Caller.Subject))
}
