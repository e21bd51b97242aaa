package transfer

import (
	"context"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	rowKind      = "bank-row"
	suspenseKind = "suspense"
	waitingList  = "bank-rows#waiting"
	settledList  = "bank-rows#settled"
)

// PartState is how far a part of a row is.
type PartState string

// The states of a part.
const (
	Asked    PartState = "asked"    // a second operator must agree
	Approved PartState = "approved" // to be booked; only seen when booking was interrupted, or refused
	Booked   PartState = "booked"   // its money has left suspense
	Rejected PartState = "rejected" // withdrawn: its money stays in suspense
)

// Part is what operators decided on some of a row's money.
type Part struct {
	Number    int              `json:"number"` // from 1 within its row
	Account   wallet.AccountID `json:"account_id,omitempty"`
	Transfer  string           `json:"transfer_id,omitempty"` // the order that it pays
	Return    bool             `json:"return,omitzero"`       // sent back to the payer
	Minor     int64            `json:"minor"`
	Reason    string           `json:"reason,omitempty"`
	Rejection string           `json:"rejection,omitempty"` // why it was withdrawn
	State     PartState        `json:"state"`
	Once      string           `json:"once"` // the key of the wish that made it
	AskedBy   string           `json:"asked_by"`
	AskedAt   time.Time        `json:"asked_at"`
	DecidedBy string           `json:"decided_by,omitempty"` // who approved or rejected it: another one above the limit
	BookedAt  time.Time        `json:"booked_at,omitzero"`
}

// Row is money that arrived on the receiving account, and what became of it.
type Row struct {
	ID         string         `json:"row_id"`
	Bank       string         `json:"bank_id"` // the bank's own number of it
	Statement  string         `json:"statement_id"`
	Date       string         `json:"date"`
	Currency   money.Currency `json:"currency"`
	Minor      int64          `json:"minor"`
	Payer      string         `json:"payer"`
	Memo       string         `json:"memo"`
	ImportedAt time.Time      `json:"imported_at"`
	ImportedBy string         `json:"imported_by"`
	Parts      []Part         `json:"parts,omitempty"`
}

// RowState is where a row stands.
type RowState string

// The states of a row.
const (
	InSuspense     RowState = "suspense"        // some of it is nobody's yet
	AwaitingSecond RowState = "awaiting_second" // all that is free was asked for, and a second operator must agree
	Booking        RowState = "booking"         // approved, not booked yet
	Settled        RowState = "settled"         // every fen is credited or sent back
)

// Amount is what arrived.
func (r Row) Amount() money.Amount { return money.Of(r.Currency, r.Minor) }

// Held is what is still in suspense.
func (r Row) Held() money.Amount {
	return r.left(func(p Part) bool { return p.State == Booked })
}

// Free is what nobody has decided on.
func (r Row) Free() money.Amount {
	return r.left(func(p Part) bool { return p.State != Rejected })
}

func (r Row) left(gone func(Part) bool) money.Amount {
	left := r.Minor
	for _, p := range r.Parts {
		if gone(p) {
			left -= p.Minor
		}
	}
	return money.Of(r.Currency, left)
}

// State is told by the parts alone.
func (r Row) State() RowState {
	switch {
	case r.Held().IsZero():
		return Settled
	case slices.ContainsFunc(r.Parts, func(p Part) bool { return p.State == Asked }):
		return AwaitingSecond
	case r.Free().IsZero():
		return Booking
	}
	return InSuspense
}

// same tells whether a row is the same news as one that came before under its id.
func (r Row) same(other Row) bool {
	return r.Date == other.Date && r.Amount() == other.Amount() && r.Payer == other.Payer && r.Memo == other.Memo
}

func rowKey(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: rowKind, ID: id} }

func (r Row) document(d ledger.Document) ledger.Document {
	list := waitingList
	if r.State() == Settled {
		list = settledList
	}
	return d.With(r).In(list, r.ImportedAt.UTC().Format(rankForm)+r.ID)
}

// Suspense sums up all rows of a currency, to the fen and at every instant: it turns in the commits that turn rows.
type Suspense struct {
	Received int64 `json:"received"` // minor units
	Credited int64 `json:"credited"`
	Returned int64 `json:"returned"`
}

// Held is what nobody has got yet.
func (s Suspense) Held() int64 { return s.Received - s.Credited - s.Returned }

func suspenseKey(currency money.Currency) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: suspenseKind, ID: string(currency)}
}

// readSuspense is the sum as it stands; before the first row it is zero.
func (d *Desk) readSuspense(ctx context.Context, currency money.Currency) (Suspense, ledger.Document, error) {
	sum, document, err := ledger.Read[Suspense](ctx, d.Ledger.Store, suspenseKey(currency))
	if refusal.Is(err, refusal.NotFound) {
		err = nil
	}
	return sum, document, err
}

// Suspense is the sum of all rows in the currency of the receiving account.
func (d *Desk) Suspense(ctx context.Context) (Suspense, error) {
	if err := d.Config.ready(); err != nil {
		return Suspense{}, err
	}
	sum, _, err := d.readSuspense(ctx, d.Config.Currency)
	return sum, err
}

// Row is one row.
func (d *Desk) Row(ctx context.Context, id string) (Row, error) {
	row, _, err := d.readRow(ctx, id)
	return row, err
}

func (d *Desk) readRow(ctx context.Context, id string) (Row, ledger.Document, error) {
	row, document, err := ledger.Read[Row](ctx, d.Ledger.Store, rowKey(id))
	if refusal.Is(err, refusal.NotFound) {
		err = refusal.Of(refusal.NotFound, "There is no such row of a bank statement.")
	}
	return row, document, err
}

// Rows is a page of the rows that wait, or of those that are settled, latest first; next is "" at the end.
func (d *Desk) Rows(ctx context.Context, settled bool, before string, limit int) ([]Row, string, error) {
	list := waitingList
	if settled {
		list = settledList
	}
	return ledger.PageOf[Row](ctx, d.Ledger.Store, list, before, limit)
}
