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
	From, Until time.Time        // From <= time < Until; zero: no bound
	Kind        wallet.EntryKind // 0: all
	Lot         wallet.LotID     // zero: all
	About       About            // the settlements that are told; zero: all entries

	After, Through int64 // After < the entry's number <= Through; Through 0: no bound
}

func (f LotFilter) changes() books.ChangeFilter {
	kinds := []books.Fund{books.Regular, books.Discount}
	if f.Cards {
		kinds = []books.Fund{books.Card}
	}
	return books.ChangeFilter{From: f.From, Until: f.Until, Funds: kinds, After: f.After, Through: f.Through}
}

// Holds tells whether a movement within the filter's bounds is chosen.
func (f LotFilter) Holds(m LotMovement) bool {
	return (f.Kind == 0 || m.Entry.Kind == f.Kind) && (f.Lot == wallet.LotID{} || m.Lot == f.Lot) && f.About.Holds(m.Entry)
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

// lotsAfter are the lots after the entry of a number.
func lotsAfter(ctx context.Context, view *books.View, number int64) (*lots, error) {
	head, err := view.After(ctx, number)
	if err != nil {
		return nil, err
	}
	l := &lots{map[wallet.LotID]money.Amount{}, money.Zero(view.Head.Currency)}
	for _, lot := range head.Lots {
		l.left[lot.ID] = lot.Remaining
	}
	return l, nil
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

// LotMovements lists movements, the last entry first, within an entry in the order of its postings.
func LotMovements(ctx context.Context, view *books.View, f LotFilter, at Position, limit int) (Page[LotMovement], error) {
	var held *lots
	rows := func(c books.Change) (_ []LotMovement, err error) {
		if held == nil { // the balances of all are told from the first entry of the page on
			if held, err = lotsAfter(ctx, view, c.Entry.Number); err != nil {
				return nil, err
			}
		}
		return held.backward(c, f), nil
	}
	return list[LotMovement]{f.changes(), changesAtOnce, rows, f.Holds}.page(ctx, view, at, limit)
}

// EachLotMovement walks through movements the other way, for exports: in the order of entries.
func EachLotMovement(ctx context.Context, view *books.View, f LotFilter) iter.Seq2[LotMovement, error] {
	return func(yield func(LotMovement, error) bool) {
		var held *lots
		for c, err := range view.EachChange(ctx, f.changes()) {
			if err == nil && held == nil {
				held, err = lotsAfter(ctx, view, c.Entry.Number-1)
			}
			if err != nil {
				yield(LotMovement{}, err)
				return
			}
			for _, m := range held.forward(c, f) {
				if f.Holds(m) && !yield(m, nil) {
					return
				}
			}
		}
	}
}
