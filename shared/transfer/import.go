package transfer

import (
	"context"
	"errors"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

const (
	statementKind = "bank-statement"
	statementList = "bank-statements"
	chunk         = 50 // rows in one commit, beside the sum
)

// Statement is a statement that was imported. The same file again is the same statement.
type Statement struct {
	ID         string         `json:"statement_id"`
	Currency   money.Currency `json:"currency"`
	ImportedAt time.Time      `json:"imported_at"`
	ImportedBy string         `json:"imported_by"`
	Rows       []string       `json:"rows"`           // all that it tells of, whichever statement brought them first
	Imported   int            `json:"imported"`       // how many it brought
	Repeated   int            `json:"repeated"`       // how many were there before
	Outgoing   int            `json:"outgoing"`       // lines of money that went out
	Bad        []Bad          `json:"bad,omitempty"`  // lines that weren't taken
	Minor      int64          `json:"received_minor"` // what Imported sums up to
}

// Received is what the statement brought.
func (s Statement) Received() money.Amount { return money.Of(s.Currency, s.Minor) }

func statementKey(id string) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: statementKind, ID: id}
}

// Import takes a bank's statement: each of its rows once, ever, by the bank's own number of it. Rows that come again,
// in the same file or another, are counted and change nothing; with other content they are refused by their line.
// repeated tells that the very file was imported before.
func (d *Desk) Import(ctx context.Context, body []byte, actor string) (statement Statement, repeated bool, err error) {
	if err := d.Config.ready(); err != nil {
		return Statement{}, false, err
	}
	key := statementKey(idOf("S", d.Config.Receiver.Number, string(body)))
	if statement, _, err = ledger.Read[Statement](ctx, d.Ledger.Store, key); !refusal.Is(err, refusal.NotFound) {
		return statement, true, err
	}
	read, err := d.Config.parse(body)
	if err != nil {
		return Statement{}, false, err
	}
	statement = Statement{
		ID: key.ID, Currency: d.Config.Currency, ImportedAt: d.now(), ImportedBy: actor, Bad: read.bad, Outgoing: read.outgoing, Rows: []string{},
	}
	for rest := read.arrivals; len(rest) > 0; rest = rest[min(chunk, len(rest)):] {
		if err := d.importSome(ctx, &statement, rest[:min(chunk, len(rest))]); err != nil {
			return Statement{}, false, err
		}
	}
	document := ledger.Document{Key: key}.With(statement).In(statementList, statement.ImportedAt.Format(rankForm)+statement.ID)
	err = d.Ledger.Store.Put(ctx, document)
	if errors.Is(err, ledger.ErrStale) {
		statement, _, err = ledger.Read[Statement](ctx, d.Ledger.Store, key) // a twin of this request was faster
		return statement, true, err
	}
	return statement, false, err
}

// importSome writes a few rows and the sum of all, in one commit.
func (d *Desk) importSome(ctx context.Context, statement *Statement, arrivals []arrival) error {
	for range tries {
		next := *statement
		documents, err := d.newRows(ctx, &next, arrivals)
		if err != nil {
			return err
		}
		if len(documents) > 0 {
			sum, document, err := d.readSuspense(ctx, d.Config.Currency)
			if err != nil {
				return err
			}
			sum.Received += next.Minor - statement.Minor
			err = d.Ledger.Store.Put(ctx, append(documents, document.With(sum))...)
			if errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrUnknown) {
				continue // somebody else imports or books; or it was us, and then the rows are there
			}
			if err != nil {
				return err
			}
		}
		*statement = next
		return nil
	}
	return ledger.ErrContended
}

// newRows are the documents of the rows that aren't there yet; the statement learns of all of them.
func (d *Desk) newRows(ctx context.Context, s *Statement, arrivals []arrival) ([]ledger.Document, error) {
	keys := make([]ledger.DocumentKey, len(arrivals))
	for i, a := range arrivals {
		keys[i] = rowKey(idOf("B", d.Config.Receiver.Number, a.bank))
	}
	found, err := d.Ledger.Store.Documents(ctx, distinct(keys)...)
	if err != nil {
		return nil, err
	}
	known := map[ledger.DocumentKey]Row{}
	for key, document := range found {
		if known[key], err = ledger.Body[Row](document); err != nil {
			return nil, err
		}
	}
	var documents []ledger.Document
	for i, a := range arrivals {
		row := Row{
			ID: keys[i].ID, Bank: a.bank, Statement: s.ID, Date: a.date, Currency: a.amount.Currency(), Minor: a.amount.Minor(),
			Payer: a.payer, Memo: a.memo, ImportedAt: s.ImportedAt, ImportedBy: s.ImportedBy,
		}
		prior, there := known[keys[i]]
		switch {
		case there && !prior.same(row):
			s.Bad = append(s.Bad, Bad{a.line, "row " + a.bank + " came before with other content; the first stands"})
			continue
		case there && (prior.Statement != s.ID || slices.Contains(s.Rows, row.ID)):
			s.Repeated++
		case there: // by an earlier try of this very import, of which nobody had the answer
			s.Imported++
			s.Minor += row.Minor
		default:
			known[keys[i]] = row
			documents = append(documents, row.document(ledger.Document{Key: keys[i]}))
			s.Imported++
			s.Minor += row.Minor
		}
		if !slices.Contains(s.Rows, row.ID) {
			s.Rows = append(s.Rows, row.ID)
		}
	}
	return documents, nil
}

func distinct(keys []ledger.DocumentKey) []ledger.DocumentKey {
	seen, out := map[ledger.DocumentKey]bool{}, []ledger.DocumentKey{}
	for _, key := range keys {
		if !seen[key] {
			seen[key] = true
			out = append(out, key)
		}
	}
	return out
}

// Statements is a page of what was imported, latest first; next is "" at the end.
func (d *Desk) Statements(ctx context.Context, before string, limit int) ([]Statement, string, error) {
	return ledger.PageOf[Statement](ctx, d.Ledger.Store, statementList, before, limit)
}
