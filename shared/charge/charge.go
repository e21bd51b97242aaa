// Package charge is what a linked cloud account owes for settled bills: the remainder that vouchers and cards didn't pay
// (README rule 20), and its way to the cloud's marketplace.
//
// A charge is written pending, in the very commit of its bill's entry. A schedule (Desk.Run) gathers the pending charges
// of one customer into one Record, and writes that down before any call: clouds keep one record for a customer and hour,
// take the same record again without charging again, and refuse another quantity for that hour. So whatever becomes of a
// call, the next one sends the same record, and each charge is in exactly one record that may count.
//
//	charge   pending ── gathered ──> sent (its status is its record's from here on)
//	            ^└── bill reversed ──> void       │
//	            └────── record released ──────────┘
//	record   gathering ── written down before the call ──> sent ──> accepted
//	                                                         └──> case ── an operator ──> released | written_off | accepted
//
// A record that was refused, whose customer isn't subscribed, or that couldn't be sent while the cloud took it, is a
// case for an operator. A case is doubtful when a call without an answer may have counted it: then it is sent again, as
// part of a new record, only when an operator says that the cloud doesn't have it. A charge never falls back on cash or
// arrears by itself.
//
//	charge.go    the charge, and what its bill's entry and reversal commit
//	record.go    the record, its states, its lists
//	gather.go    pending charges become records
//	run.go       what is due is sent
//	conclude.go  what an answer means for a record
//	aside.go     what can't be read is set aside
//	desk.go      an operator's part, and who a customer is
//	view.go      charges as people see them
package charge

import (
	"context"
	"fmt"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	documentKind = "cloud-charge"
	placeKind    = "cloud-charge-place"
	pendingList  = "cloud-charges#pending"
)

// Status is how far a charge has come.
type Status string

// The statuses. A charge itself is pending, sent or void; once it is sent, people see what became of its record.
const (
	Pending    Status = "pending"
	Sent       Status = "sent" // in a record, of which the cloud may have heard
	Void       Status = "void" // its bill was reversed in time
	Accepted   Status = "accepted"
	Rejected   Status = "rejected"    // its record is a case for an operator
	WrittenOff Status = "written_off" // by an operator, with a reason
)

// Charge is one bill's remainder on one cloud account.
type Charge struct {
	Bill      wallet.BillID       `json:"bill_id"`
	Account   wallet.AccountID    `json:"account_id"`
	Workspace wallet.WorkspaceID  `json:"workspace_id"`
	Day       string              `json:"day"`
	Cloud     wallet.CloudAccount `json:"cloud"`
	Amount    string              `json:"amount"`
	Currency  money.Currency      `json:"currency"`
	Status    Status              `json:"status"`
	At        time.Time           `json:"at"` // when the bill was settled

	Record   string `json:"record_id,omitempty"` // the one that it is in; nothing while it is pending
	Previous string `json:"previous_record_id,omitempty"`
	Records  int    `json:"records,omitzero"` // how many it has been in
}

// Of is what to commit with a settlement's entry: its pending charge, and the charge's place in its account's list. None
// when the cloud owes nothing.
func Of(entry wallet.Entry) []ledger.Document {
	s := entry.Settlement
	if s == nil || s.Method != wallet.Cloud {
		return nil
	}
	currency := entry.Balances.Cash.Currency()
	amount := s.Paid(wallet.AtCloud, 0, currency)
	if !amount.IsPositive() {
		return nil
	}
	c := Charge{
		Bill: s.Bill, Account: entry.Account, Workspace: s.Workspace, Day: s.Day, Cloud: s.Cloud,
		Amount: amount.String(), Currency: currency, Status: Pending, At: entry.Time,
	}
	place := ledger.Document{Key: ledger.DocumentKey{Kind: placeKind, ID: string(s.Bill)}}.With(struct{}{})
	return []ledger.Document{
		c.document(ledger.Document{Key: Key(s.Bill)}),
		place.In(listOf(entry.Account), entry.Time.UTC().Format("20060102T150405.000Z")+string(s.Bill)),
	}
}

// listOf is the list of an account's charges, by when their bills were settled.
func listOf(account wallet.AccountID) string { return "cloud-charges#" + string(account) }

// document is the charge in its document: listed as pending, or with its record.
func (c Charge) document(d ledger.Document) ledger.Document {
	switch c.Status {
	case Pending:
		return d.With(c).In(pendingList, c.rank())
	case Sent:
		return d.With(c).In(recordList(c.Record), c.rank())
	}
	return d.With(c).In("", "")
}

// rank is the charge's place in the list of pending ones, which begins with what has waited longest.
func (c Charge) rank() string { return ledger.SoonestFirst(c.At, string(c.Bill)) }

// minor is the charge in minor units.
func (c Charge) minor() (int64, error) {
	amount, err := money.Parse("/amount", c.Amount, c.Currency)
	return amount.Minor(), err
}

// Key is the document of a bill's charge.
func Key(bill wallet.BillID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: documentKind, ID: string(bill)}
}

// Get loads a bill's charge. A bill that the cloud owes nothing for has none: NotFound.
func Get(ctx context.Context, store ledger.Store, bill wallet.BillID) (Charge, error) {
	c, _, err := ledger.Read[Charge](ctx, store, Key(bill))
	return c, err
}

// ListPending lists charges that are still pending, the one that has waited longest first, without those that can't be
// read. next is the place to go on before; "" at the end.
func ListPending(ctx context.Context, store ledger.Store, before string, limit int) (charges []Charge, next string, err error) {
	return readable(ctx, store, pendingList, before, limit, func(d ledger.Document) (Charge, error) {
		c, err := load(d)
		return c.Charge, err
	})
}

// AcceptedError is the Conflict of a bill's reversal whose charge the cloud has accepted: only people can put that right.
type AcceptedError struct {
	Charge Charge
	Record Record
}

func (e *AcceptedError) Error() string { return e.Unwrap().Error() }

// Unwrap is the refusal.
func (e *AcceptedError) Unwrap() error {
	return refusal.Of(refusal.Conflict, "The cloud has accepted the charge of %s %s; that can't be undone here.", e.Charge.Currency, e.Charge.Amount)
}

// Reverse gives the documents to commit with the reversal of a bill (README rule 21): a pending charge becomes void, and
// so does one that the cloud has certainly not taken. What it has taken can't be undone (an AcceptedError), and what it may
// have taken must be known first: Conflict.
func Reverse(ctx context.Context, store ledger.Store, bill wallet.BillID) ([]ledger.Document, error) {
	c, document, err := ledger.Read[Charge](ctx, store, Key(bill))
	switch {
	case refusal.Is(err, refusal.NotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case c.Status == Pending:
		c.Status = Void
		return []ledger.Document{c.document(document)}, nil
	case c.Status == Void:
		return nil, nil
	}
	record, recordDocument, err := ledger.Read[Record](ctx, store, RecordKey(c.Record))
	if err != nil {
		return nil, fmt.Errorf("the charge of %s is in the record %s: %w", bill, c.Record, err)
	}
	switch {
	case record.State == RecordAccepted:
		return nil, &AcceptedError{c, record}
	case record.State == RecordWrittenOff:
		return nil, nil
	case record.State == RecordCase && !record.Doubtful:
		minor, err := c.minor()
		if err != nil {
			return nil, err
		}
		c.Status = Void
		// Its record is part of the commit, so that no operator can call it accepted meanwhile.
		return []ledger.Document{c.document(document), record.without(minor).document(recordDocument)}, nil
	case record.State == RecordCase:
		return nil, refusal.Of(refusal.Conflict, "The cloud may have accepted the charge of %s %s: settle the case of its record %s first.", c.Currency, c.Amount, record.ID)
	}
	return nil, refusal.Of(refusal.Conflict, "The charge of %s %s is on its way to the cloud; try again when it is known what became of it.", c.Currency, c.Amount)
}
