package proof

import (
	"context"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

const (
	caseKind   = "proof-case"
	openList   = "proof-cases#open"
	closedList = "proof-cases#closed"
)

// Class is a word for why a row doesn't fit.
type Class string

// The classes.
const (
	OursOnly      Class = "ours_only"
	TheirsOnly    Class = "theirs_only"
	AmountDiffers Class = "amount_differs"
	StatusDiffers Class = "status_differs"
)

// CaseState is where a case stands.
type CaseState string

// The states of a case.
const (
	CaseOpen   CaseState = "open"
	CaseClosed CaseState = "closed"
)

// Case is one row that doesn't fit.
type Case struct {
	ID       string         `json:"case_id"`
	Source   string         `json:"source"`
	Day      string         `json:"day"`
	Class    Class          `json:"class"`
	Currency money.Currency `json:"currency"`
	Order    string         `json:"order,omitempty"` // a recharge order, or a bank's row: our id of it
	Trade    string         `json:"trade,omitempty"` // their number
	Refund   string         `json:"refund,omitempty"`
	Theirs   int64          `json:"theirs_minor"` // what they say moved, in minor units; refunds are negative
	Ours     int64          `json:"ours_minor"`
	Detail   string         `json:"detail"`
	State    CaseState      `json:"state"`
	OpenedAt time.Time      `json:"opened_at"`
	Reason   string         `json:"reason,omitempty"` // why it was closed
	ClosedBy string         `json:"closed_by,omitempty"`
	ClosedAt time.Time      `json:"closed_at,omitzero"`
}

// Difference is what the case adds to theirs − ours.
func (c Case) Difference() int64 { return c.Theirs - c.Ours }

func caseKey(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: caseKind, ID: id} }

func (c Case) document(d ledger.Document) ledger.Document {
	if c.State == CaseClosed {
		return d.With(c).In(closedList, c.ClosedAt.UTC().Format(rankForm)+c.ID)
	}
	return d.With(c).In(openList, c.Day+" "+c.ID)
}

// Cases is a page of the open cases, or of the closed ones, latest first; next is "" at the end.
func (b *Book) Cases(ctx context.Context, closed bool, before string, limit int) ([]Case, string, error) {
	list := openList
	if closed {
		list = closedList
	}
	return ledger.PageOf[Case](ctx, b.Store, list, before, limit)
}

// Close notes an operator's reason. It moves no money: that is another act, which the reason tells of. The same word
// again is the same; another reason is refused, since the first stands.
func (b *Book) Close(ctx context.Context, id, reason, actor string) (Case, error) {
	c, _, err := ledger.Turn(ctx, b.Store, func() (Case, []ledger.Document, error) {
		c, document, err := ledger.Read[Case](ctx, b.Store, caseKey(id))
		switch {
		case refusal.Is(err, refusal.NotFound):
			return Case{}, nil, refusal.Of(refusal.NotFound, "There is no such case.")
		case err != nil || c.State == CaseClosed && c.Reason == reason && c.ClosedBy == actor:
			return c, nil, err
		case c.State == CaseClosed:
			return Case{}, nil, refusal.Of(refusal.Conflict, "The case was closed by %s.", c.ClosedBy)
		}
		c.State, c.Reason, c.ClosedBy, c.ClosedAt = CaseClosed, reason, actor, b.Now().UTC().Truncate(time.Millisecond)
		return c, []ledger.Document{c.document(document)}, nil
	})
	return c, err
}
