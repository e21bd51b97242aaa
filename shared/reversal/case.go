package reversal

import (
	"context"
	"errors"
	"time"

	"billingcentre/shared/charge"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	caseKind   = "reversal-case"
	openList   = "reversal-cases#open"
	closedList = "reversal-cases#closed"
)

// Case is a bill that was to be reversed, though the cloud had accepted its charge (README rule 21): what is right again only
// people can bring about, at the marketplace or with the customer. There is one for a bill; the first wish opens it.
type Case struct {
	Bill      wallet.BillID       `json:"bill_id"` // its id, too
	Account   wallet.AccountID    `json:"account_id"`
	Workspace wallet.WorkspaceID  `json:"workspace_id"`
	Day       string              `json:"day"`
	Cloud     wallet.CloudAccount `json:"cloud"`
	Amount    string              `json:"amount"` // that the cloud has charged for the bill
	Currency  money.Currency      `json:"currency"`
	Record    string              `json:"record_id"`           // by which it was told
	Reference string              `json:"reference,omitempty"` // the cloud's id of that record
	Wish      string              `json:"wish"`                // why the bill was to be reversed
	OpenedBy  string              `json:"opened_by"`
	OpenedAt  time.Time           `json:"opened_at"`
	Reason    string              `json:"reason,omitempty"` // why it was closed
	ClosedBy  string              `json:"closed_by,omitempty"`
	ClosedAt  time.Time           `json:"closed_at,omitzero"`
}

// Closed tells whether somebody has put it right.
func (c Case) Closed() bool { return !c.ClosedAt.IsZero() }

func caseKey(bill wallet.BillID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: caseKind, ID: string(bill)}
}

const rankForm = "20060102T150405.000Z"

func (c Case) document(d ledger.Document) ledger.Document {
	if c.Closed() {
		return d.With(c).In(closedList, c.ClosedAt.Format(rankForm)+string(c.Bill))
	}
	return d.With(c).In(openList, c.OpenedAt.Format(rankForm)+string(c.Bill))
}

// open notes the case of a bill whose charge the cloud has, unless it is there already, and gives the refusal that says so.
func open(ctx context.Context, l *ledger.Ledger, wish Wish, accepted *charge.AcceptedError) error {
	owed := accepted.Charge
	c := Case{
		Bill: owed.Bill, Account: owed.Account, Workspace: owed.Workspace, Day: owed.Day, Cloud: owed.Cloud, Amount: owed.Amount,
		Currency: owed.Currency, Record: accepted.Record.ID, Reference: accepted.Record.Reference, Wish: wish.Reason, OpenedBy: wish.Actor,
		OpenedAt: l.Now().UTC().Truncate(time.Millisecond),
	}
	err := l.Store.Put(ctx, c.document(ledger.Document{Key: caseKey(c.Bill)}))
	if err != nil && !errors.Is(err, ledger.ErrStale) {
		return err
	}
	return refusal.Of(refusal.Conflict, "The cloud has accepted the charge of %s %s; that can't be undone here. It is noted as the case %s: "+
		"have the marketplace refund it, or make it good by an adjustment, and close the case with what was done.", c.Currency, c.Amount, c.Bill)
}

// Cases is a page of the open cases, or of the closed ones, latest first; next is "" at the end.
func Cases(ctx context.Context, store ledger.Store, closed bool, before string, limit int) (cases []Case, next string, err error) {
	list := openList
	if closed {
		list = closedList
	}
	return ledger.PageOf[Case](ctx, store, list, before, limit)
}

// Close notes what an operator did about a case. It moves no money: that is another act, which the reason tells of. The
// same word again is the same; another reason is refused, since the first stands.
func Close(ctx context.Context, l *ledger.Ledger, bill wallet.BillID, reason, actor string) (Case, error) {
	c, _, err := ledger.Turn(ctx, l.Store, func() (Case, []ledger.Document, error) {
		c, document, err := ledger.Read[Case](ctx, l.Store, caseKey(bill))
		switch {
		case refusal.Is(err, refusal.NotFound):
			return Case{}, nil, refusal.Of(refusal.NotFound, "There is no such case.")
		case err != nil || c.Closed() && c.Reason == reason && c.ClosedBy == actor:
			return c, nil, err
		case c.Closed():
			return Case{}, nil, refusal.Of(refusal.Conflict, "The case was closed by %s.", c.ClosedBy)
		}
		c.Reason, c.ClosedBy, c.ClosedAt = reason, actor, l.Now().UTC().Truncate(time.Millisecond)
		return c, []ledger.Document{c.document(document)}, nil
	})
	return c, err
}
