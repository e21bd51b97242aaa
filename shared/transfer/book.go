package transfer

import (
	"context"
	"errors"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// book takes every approved part of a row out of suspense. A part that can't be booked stops no other; its error is
// told, and it stays approved: asking again books it, Reject withdraws it.
func (d *Desk) book(ctx context.Context, row Row) (Row, error) {
	var failed []error
	for _, part := range row.Parts {
		if part.State != Approved {
			continue
		}
		var err error
		if part.Return {
			err = d.giveBack(ctx, row.ID, part.Number)
		} else {
			err = d.credit(ctx, row.ID, part)
		}
		if err != nil {
			failed = append(failed, err)
		}
	}
	if err := errors.Join(failed...); err != nil {
		return Row{}, err
	}
	return d.Row(ctx, row.ID)
}

// errBooked says that somebody else has booked or withdrawn the part.
var errBooked = errors.New("transfer: the part isn't to be booked any more")

// parting is a part on its way out of suspense, with the documents that turn with it.
type parting struct {
	row       Row
	part      *Part
	documents []ledger.Document
}

// part loads a row and the sum, and turns both.
func (d *Desk) part(ctx context.Context, id string, number int) (parting, error) {
	row, document, err := d.readRow(ctx, id)
	if err != nil {
		return parting{}, err
	}
	sum, sumDocument, err := d.readSuspense(ctx, row.Currency)
	if err != nil {
		return parting{}, err
	}
	p := parting{row: row, part: &row.Parts[number-1]}
	if p.part.State != Approved {
		return p, errBooked
	}
	p.part.State, p.part.BookedAt = Booked, d.now()
	if p.part.Return {
		sum.Returned += p.part.Minor
	} else {
		sum.Credited += p.part.Minor
	}
	p.documents = []ledger.Document{row.document(document), sumDocument.With(sum)}
	return p, nil
}

// giveBack books what was sent back to its payer. The bank moved it; here it leaves suspense.
func (d *Desk) giveBack(ctx context.Context, id string, number int) error {
	_, _, err := ledger.Turn(ctx, d.Ledger.Store, func() (parting, []ledger.Document, error) {
		p, err := d.part(ctx, id, number)
		if errors.Is(err, errBooked) {
			err = nil // and there are no documents
		}
		return p, p.documents, err
	})
	return err
}

// credit books a part on its account: entry, row, sum and order in one commit, arrears first (README rule 3).
func (d *Desk) credit(ctx context.Context, id string, part Part) error {
	_, err := d.Ledger.Do(ctx, part.Account, ledger.Intent{
		Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) {
			p, err := d.part(ctx, id, part.Number)
			switch {
			case errors.Is(err, errBooked) && p.part.State == Booked:
				return nil, nil, &ledger.DoneError{Key: wallet.TransferKey(id, part.Number)}
			case err != nil:
				return nil, nil, err
			}
			turned, err := d.pay(ctx, p)
			command := wallet.TransferIn{
				Row: id, Part: part.Number, Amount: money.Of(p.row.Currency, part.Minor), Order: part.Transfer,
				Actor: p.part.DecidedBy, Reference: p.row.Bank,
			}
			return command, append(p.documents, turned...), err
		},
	})
	if errors.Is(err, errBooked) { // it was withdrawn
		return nil
	}
	return err
}

// pay notes the part on the order that it pays. What comes on top of a credited order is noted there, too.
func (d *Desk) pay(ctx context.Context, p parting) ([]ledger.Document, error) {
	if p.part.Transfer == "" {
		return nil, nil
	}
	order, document, err := ledger.Read[Order](ctx, d.Ledger.Store, orderKey(p.part.Transfer))
	if err != nil {
		return nil, err
	}
	_, code, err := ledger.Read[coded](ctx, d.Ledger.Store, codeKey(order.Code))
	if err != nil {
		return nil, err
	}
	order.Credited += p.part.Minor
	if order.State == Credited {
		return []ledger.Document{order.document(document)}, nil
	}
	order.State, order.CreditedAt, order.Row = Credited, d.now(), p.row.ID
	return []ledger.Document{order.document(document), order.coded(code)}, nil
}
