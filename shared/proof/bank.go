package proof

import (
	"context"
	"fmt"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/transfer"
	"billingcentre/shared/wallet"
)

// bankSource is the source of proofs of bank statements.
const bankSource = "bank"

// Bank compares what bank statements brought with the journal. A row is proved by the entries that credited it; what
// of it is in suspense is theirs only, until somebody has got it.
type Bank struct {
	Desk *transfer.Desk
}

const statementPage = 100

// find makes the finding of the statements that were imported on a day.
func (b Bank) find(ctx context.Context, day string) (finding, error) {
	f := finding{Proof: Proof{ID: proofID(bankSource, day), Source: bankSource, Day: day, Currency: b.Desk.Config.Currency}}
	begin, err := time.ParseInLocation(time.DateOnly, day, zone)
	if err != nil {
		return finding{}, err
	}
	end := begin.AddDate(0, 0, 1)
	for before := end.UTC().Format(rankForm); ; {
		statements, next, err := b.Desk.Statements(ctx, before, statementPage)
		if err != nil {
			return finding{}, err
		}
		for _, statement := range statements {
			if statement.ImportedAt.Before(begin) {
				return f, nil
			}
			if err := b.statement(ctx, &f, statement); err != nil {
				return finding{}, err
			}
		}
		if before = next; next == "" {
			return f, nil
		}
	}
}

// statement compares the rows that a statement was the first to bring.
func (b Bank) statement(ctx context.Context, f *finding, statement transfer.Statement) error {
	for _, id := range statement.Rows {
		row, err := b.Desk.Row(ctx, id)
		if err != nil {
			return err
		}
		if row.Statement != statement.ID {
			continue
		}
		if err := b.row(ctx, f, row); err != nil {
			return err
		}
	}
	return nil
}

func (b Bank) row(ctx context.Context, f *finding, row transfer.Row) error {
	credited, returned, err := b.booked(ctx, row)
	if err != nil {
		return err
	}
	f.Theirs.Payments, f.Theirs.In = f.Theirs.Payments+1, f.Theirs.In+row.Minor
	f.Ours.In += credited + returned
	f.Ours.Held += returned
	if credited+returned > 0 {
		f.Ours.Payments++
	}
	held := row.Held().Minor()
	out := Case{Order: row.ID, Trade: row.Bank, Theirs: row.Minor, Ours: credited + returned}
	switch {
	case credited+returned+held != row.Minor:
		out.Class = AmountDiffers
		out.Detail = fmt.Sprintf("%s arrived, %s is in suspense, the journal and what was sent back say %s", row.Amount(), row.Held(), money.Of(row.Currency, credited+returned))
	case held > 0:
		out.Class, out.Detail = TheirsOnly, fmt.Sprintf("%s is in suspense", row.Held())
	default:
		return nil
	}
	f.note(out)
	return nil
}

// booked is what the journal says of a row, and what was sent back of it.
func (b Bank) booked(ctx context.Context, row transfer.Row) (credited, returned int64, err error) {
	var keys []wallet.Key
	for _, part := range row.Parts {
		switch {
		case part.State != transfer.Booked:
		case part.Return:
			returned += part.Minor
		default:
			keys = append(keys, wallet.TransferKey(row.ID, part.Number))
		}
	}
	found, err := entries(ctx, b.Desk.Ledger.Store, keys)
	for _, entry := range found {
		for _, posting := range entry.Postings {
			if posting.From.Kind == wallet.AtPayer {
				credited += posting.Amount.Minor()
			}
		}
	}
	return credited, returned, err
}
