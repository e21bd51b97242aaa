package statement

import (
	"context"
	"iter"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// LotMovement is one movement of one voucher or card.
type LotMovement struct {
	Entry   wallet.Entry
	Lot     wallet.LotID
	Kind    books.Fund   // Regular, Discount or Card
	Change  money.Amount // signed
	Other   wallet.Place // where it came from, or went to
	Balance money.Amount // of this voucher or card, after it
}

// LotFilter chooses movements of vouchers, or of cards.
type LotFilter struct {
	Cards       bool
	From, Until time.Time          // From <= time < Until; zero: no bound
	Kind        wallet.EntryKind   // 0: all
	Lot         wallet.LotID       // zero: all
	Workspace   wallet.WorkspaceID // "": all entries; otherwise the settlements of its bills

	After, Through int64 // After < the entry's number <= Through; Through 0: no bound
}

func (f LotFilter) changes() books.ChangeFilter {
	kinds := []books.Fund{books.Regular, books.Discount}
	if f.Cards {
		kinds = []books.Fund{books.Card}
	}
	return books.ChangeFilter{From: f.From, Until: f.Until, Funds: kinds, After: f.After, Through: f.Through}
}

func (f LotFilter) holds(m LotMovement) bool {
	return (f.Kind == 0 || m.Entry.Kind == f.Kind) && (f.Lot == wallet.LotID{} || m.Lot == f.Lot) && of(m.Entry, f.Workspace)
}

// moves are the movements of an entry that are about vouchers, or about cards.
func (f LotFilter) moves(c books.Change) []books.Move {
	var moves []books.Move
	for _, m := range c.Moves {
		if m.Lot != (wallet.LotID{}) && (m.Fund == books.Card) == f.Cards {
			moves = append(moves, m)
		}
	}
	return moves
}

// lots are what vouchers and cards hold.
type lots struct {
	left map[wallet.LotID]money.Amount
	none money.Amount
}

func lotsOf(head wallet.Head, currency money.Currency) lots {
	l := lots{map[wallet.LotID]money.Amount{}, money.Zero(currency)}
	for _, lot := range head.Lots {
		l.left[lot.ID] = lot.Remaining
	}
	return l
}

func (l lots) of(id wallet.LotID) money.Amount {
	if left, held := l.left[id]; held {
		return left
	}
	return l.none
}

// forward tells the movements of a change, and moves on to what it left.
func (l lots) forward(c books.Change, f LotFilter) []LotMovement {
	var rows []LotMovement
	for _, m := range f.moves(c) {
		l.left[m.Lot] = l.of(m.Lot).Add(m.Amount)
		rows = append(rows, LotMovement{c.Entry, m.Lot, m.Fund, m.Amount, m.Other, l.of(m.Lot)})
	}
	return rows
}

// backward is forward for a walk from the last change to the first: what is held is what the change left.
func (l lots) backward(c books.Change, f LotFilter) []LotMovement {
	moves := f.moves(c)
	rows := make([]LotMovement, len(moves))
	for i := len(moves) - 1; i >= 0; i-- {
		m := moves[i]
		rows[i] = LotMovement{c.Entry, m.Lot, m.Fund, m.Amount, m.Other, l.of(m.Lot)}
		l.left[m.Lot] = l.of(m.Lot).Sub(m.Amount)
	}
	return rows
}

// LotPage is some movements of a list.
type LotPage struct {
	Rows []LotMovement
	Next Position // zero: there are no more. A page may be short, or empty, and have more
}

// LotMovements lists movements, the last entry first, within an entry in the order of its postings. What a page costs is
// bounded: where such movements are rare, it is short, and its position goes on.
func LotMovements(ctx context.Context, view *books.View, f LotFilter, at Position, limit int) (LotPage, error) {
	var page LotPage
	var held *lots
	for range changeReads {
		changes, err := view.Changes(ctx, f.changes(), at.Before, changesAtOnce)
		if err != nil {
			return LotPage{}, err
		}
		for _, c := range changes.Changes {
			if held == nil { // the balances of all are told from the first entry of the page on
				head, err := view.After(ctx, c.Entry.Number)
				if err != nil {
					return LotPage{}, err
				}
				l := lotsOf(head, view.Head.Currency)
				held = &l
			}
			for i, m := range held.backward(c, f) {
				if i < at.Skip || !f.holds(m) {
					continue
				}
				if len(page.Rows) == limit {
					page.Next = Position{c.Entry.Number + 1, i}
					return page, nil
				}
				page.Rows = append(page.Rows, m)
			}
			at.Skip = 0
		}
		if changes.Next == 0 {
			return page, nil
		}
		at = Position{Before: changes.Next}
		if len(changes.Changes) < changesAtOnce {
			break
		}
	}
	page.Next = at
	return page, nil
}

// EachLotMovement walks through movements the other way, for exports: in the order of entries.
func EachLotMovement(ctx context.Context, view *books.View, f LotFilter) iter.Seq2[LotMovement, error] {
	return func(yield func(LotMovement, error) bool) {
		var held *lots
		for c, err := range view.EachChange(ctx, f.changes()) {
			if err != nil {
				yield(LotMovement{}, err)
				return
			}
			if held == nil {
				head, err := view.After(ctx, c.Entry.Number-1)
				if err != nil {
					yield(LotMovement{}, err)
					return
				}
				l := lotsOf(head, view.Head.Currency)
				held = &l
			}
			for _, m := range held.forward(c, f) {
				if f.holds(m) && !yield(m, nil) {
					return
				}
			}
		}
	}
}
