package transfer

import (
	"context"
	"fmt"
	"slices"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const mostParts = 50 // of one row, the rejected ones included

// Share is where some of a row's money shall go: to an account, or back to who sent it.
type Share struct {
	Account  wallet.AccountID // "" with Return
	Transfer string           // the order of that account that it pays; "" when there is none
	Return   bool
	Amount   string // a decimal; "" for all that is free
	Reason   string
}

// Assignment is an operator's word on a row, or on some of it.
type Assignment struct {
	Row    string
	Once   string // the operator's idempotency key
	Shares []Share
	Actor  string
}

// Assign notes what an operator decided, and books it, unless the row is above the limit of one operator: then it waits
// for Approve by another. The row's amount counts, not the part's: splitting doesn't help. The same wish again goes on
// where it was interrupted, and answers with the row as it stands; repeated tells so.
func (d *Desk) Assign(ctx context.Context, a Assignment) (row Row, repeated bool, err error) {
	row, err = d.turn(ctx, a.Row, func(row *Row) error {
		if prior := partsOf(*row, a.Once); len(prior) > 0 {
			repeated = true
			return sameWish(row.Currency, prior, a.Shares)
		}
		repeated = false
		return d.add(ctx, row, a)
	})
	if err != nil {
		return Row{}, false, err
	}
	row, err = d.book(ctx, row)
	return row, repeated, err
}

// add appends an assignment's parts to a row.
func (d *Desk) add(ctx context.Context, row *Row, a Assignment) error {
	if len(row.Parts)+len(a.Shares) > mostParts {
		return refusal.Of(refusal.Conflict, "A row can be split into at most %d parts.", mostParts)
	}
	for i, share := range a.Shares {
		amount, err := d.share(ctx, *row, share, fmt.Sprintf("/parts/%d", i))
		if err != nil {
			return err
		}
		part := Part{
			Number: len(row.Parts) + 1, Account: share.Account, Transfer: share.Transfer, Return: share.Return, Minor: amount.Minor(),
			Reason: share.Reason, State: Asked, Once: a.Once, AskedBy: a.Actor, AskedAt: d.now(),
		}
		if row.Amount().Cmp(d.Config.alone) <= 0 {
			part.State, part.DecidedBy = Approved, a.Actor
		}
		row.Parts = append(row.Parts, part)
	}
	return nil
}

// share checks one share against the row as the shares before it left it.
func (d *Desk) share(ctx context.Context, row Row, s Share, pointer string) (money.Amount, error) {
	free, amount := row.Free(), row.Free()
	if s.Amount != "" {
		var err error
		if amount, err = money.Parse(pointer+"/amount", s.Amount, row.Currency); err != nil {
			return amount, err
		}
	}
	switch {
	case s.Amount != "" && !amount.IsPositive():
		return amount, refusal.At(pointer+"/amount", "must be above 0")
	case free.IsZero(), amount.Cmp(free) > 0:
		return amount, refusal.Of(refusal.Conflict, "Only %s of the row is nobody's yet.", free)
	case s.Return:
		return amount, nil
	}
	head, err := d.Ledger.Open(ctx, s.Account)
	if err == nil && head.Currency != row.Currency {
		err = refusal.Of(refusal.NotApplicable, "The account is in %s, not in %s.", head.Currency, row.Currency)
	}
	if err == nil && s.Transfer != "" {
		_, err = d.Find(ctx, s.Account, s.Transfer)
	}
	return amount, err
}

func partsOf(row Row, once string) []Part {
	return slices.DeleteFunc(slices.Clone(row.Parts), func(p Part) bool { return p.Once != once })
}

// sameWish compares what a key made before with what it is used for now.
func sameWish(currency money.Currency, prior []Part, shares []Share) error {
	same := len(prior) == len(shares)
	for i := 0; same && i < len(shares); i++ {
		p, s := prior[i], shares[i]
		asked := s.Amount == "" || s.Amount == money.Of(currency, p.Minor).String()
		same = asked && p.Account == s.Account && p.Transfer == s.Transfer && p.Return == s.Return && p.Reason == s.Reason
	}
	if !same {
		return refusal.Of(refusal.KeyReused, "The key was used for another assignment of this row before; that one stands.")
	}
	return nil
}

// Approve is the second operator's word: it books what was asked for by somebody else.
func (d *Desk) Approve(ctx context.Context, id, actor string) (Row, error) {
	row, err := d.turn(ctx, id, func(row *Row) error {
		own, found := false, false
		for i := range row.Parts {
			switch p := &row.Parts[i]; {
			case p.State == Asked && p.AskedBy == actor:
				own = true
			case p.State == Asked:
				p.State, p.DecidedBy, found = Approved, actor, true
			case p.State != Rejected && p.DecidedBy == actor && p.AskedBy != actor:
				found = true // the same word again
			}
		}
		switch {
		case found:
			return nil
		case own:
			return refusal.Of(refusal.Forbidden, "A second operator must approve what you asked for.")
		}
		return refusal.Of(refusal.Conflict, "Nothing of this row waits for approval.")
	})
	if err != nil {
		return Row{}, err
	}
	return d.book(ctx, row)
}

// Reject withdraws what wasn't booked yet: its money stays in suspense. Any operator may, the one who asked too.
func (d *Desk) Reject(ctx context.Context, id, reason, actor string) (Row, error) {
	return d.turn(ctx, id, func(row *Row) error {
		found := false
		for i := range row.Parts {
			switch p := &row.Parts[i]; {
			case p.State == Asked, p.State == Approved:
				p.State, p.DecidedBy, p.Rejection, found = Rejected, actor, reason, true
			case p.State == Rejected && p.DecidedBy == actor && p.Rejection == reason:
				found = true // the same word again
			}
		}
		if !found {
			return refusal.Of(refusal.Conflict, "Nothing of this row waits to be booked.")
		}
		return nil
	})
}

// turn changes a row.
func (d *Desk) turn(ctx context.Context, id string, change func(*Row) error) (Row, error) {
	row, _, err := ledger.Turn(ctx, d.Ledger.Store, func() (Row, []ledger.Document, error) {
		row, document, err := d.readRow(ctx, id)
		if err != nil {
			return row, nil, err
		}
		row.Parts = slices.Clone(row.Parts)
		if err := change(&row); err != nil {
			return row, nil, err
		}
		next := row.document(document)
		if string(next.Body) == string(document.Body) {
			return row, nil, nil
		}
		return row, []ledger.Document{next}, nil
	})
	return row, err
}
