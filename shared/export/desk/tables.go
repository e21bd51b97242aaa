package desk

import (
	"context"
	"iter"
	"slices"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/export"
	"billingcentre/shared/fund"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// opening is what a table is made of.
type opening struct {
	account  wallet.AccountID
	wish     Wish
	filter   statement.Filter
	view     *books.View
	through  int64 // the last entry that the file tells
	zone     *time.Location
	name     string // of the account
	provider string
	store    ledger.Store
	now      time.Time
}

// open finds what an export's table is made of.
func (m *Maker) open(ctx context.Context, e *Export) (export.Table, error) {
	offer, known := offerOf(e.Wish.What)
	if !known {
		return export.Table{}, refusal.Of(refusal.NotApplicable, "There are no exports of %s any more.", e.Wish.What)
	}
	filter, err := e.Wish.filter(offer)
	if err != nil {
		return export.Table{}, err
	}
	view, err := (&books.Books{Store: m.Store}).Open(ctx, e.Account)
	if err != nil {
		return export.Table{}, err
	}
	if view.Behind() > 0 && e.Work.Through == 0 || view.Through < e.Work.Through {
		return export.Table{}, &refusal.Refusal{Kind: refusal.Unavailable, Detail: "The account's books are behind.", RetryAfter: 10}
	}
	if e.Work.Through == 0 {
		e.Work.Through = view.Through
	}
	zone, err := directory.Zone(view.Head.Zone)
	if err != nil {
		return export.Table{}, err
	}
	name, err := accountName(ctx, m.Store, e.Account)
	if err != nil {
		return export.Table{}, err
	}
	return offer.table(ctx, &opening{e.Account, e.Wish, filter, view, e.Work.Through, zone, name, m.Provider, m.Store, m.Now()})
}

// accountName is the account's, "" where it has none.
func accountName(ctx context.Context, store ledger.Store, id wallet.AccountID) (string, error) {
	account, err := (&directory.Directory{Store: store, Now: time.Now}).Account(ctx, id)
	if refusal.Is(err, refusal.NotFound) {
		return "", nil
	}
	return account.Name, err
}

func consumption(_ context.Context, o *opening) (export.Table, error) {
	f := o.filter.Rows()
	f.Through = o.through
	if o.wish.Format == Focus {
		return export.Focus(o.view.EachRow, f, export.Payer{ID: string(o.account), Name: o.name, Zone: o.zone, Provider: o.provider}), nil
	}
	return export.Consumption(o.view.EachRow, f, o.zone, o.wish.language()), nil
}

func (o *opening) changes() (books.ChangeFilter, error) {
	f, err := o.filter.Changes(o.zone)
	f.Through = o.through
	return f, err
}

func movements(_ context.Context, o *opening) (export.Table, error) {
	f, err := o.changes()
	return export.Movements(o.view.EachChange, f, o.filter.About(), o.zone, o.wish.language()), err
}

func bills(_ context.Context, o *opening) (export.Table, error) {
	f, err := o.changes()
	return export.Bills(o.view.EachChange, f, o.filter.About(), o.zone, o.wish.language()), err
}

// lots are movements of vouchers, or of cards.
func lots(cards bool) func(context.Context, *opening) (export.Table, error) {
	return func(_ context.Context, o *opening) (export.Table, error) {
		f, err := o.filter.Lots(o.zone, cards)
		f.Through = o.through
		walk := func(ctx context.Context, f statement.LotFilter) iter.Seq2[statement.LotMovement, error] {
			return statement.EachLotMovement(ctx, o.view, f)
		}
		return export.LotMovements(walk, f, o.zone, o.wish.language()), err
	}
}

func (o *opening) funds(of func(wallet.LotKind) bool) (export.Funds, export.Span, error) {
	walk := func(ctx context.Context, before int64) iter.Seq2[fund.Listed, error] {
		return fund.Each(ctx, o.store, o.account, before, of, o.now)
	}
	f, err := o.changes()
	return walk, export.Span{From: f.From, Until: f.Until, Through: o.through}, err
}

func vouchers(_ context.Context, o *opening) (export.Table, error) {
	walk, span, err := o.funds(wallet.LotKind.IsVoucher)
	return export.Vouchers(walk, span, o.zone, o.view.Head.Currency, o.wish.language()), err
}

func cards(_ context.Context, o *opening) (export.Table, error) {
	walk, span, err := o.funds(func(kind wallet.LotKind) bool { return kind == wallet.Card })
	return export.Cards(walk, span, o.zone, o.view.Head.Currency, o.wish.language()), err
}

// billsAtOnce is how many monthly bills are read at once.
const billsAtOnce = 50

// monthlyBills are those whose month has a day of the filter's.
func monthlyBills(_ context.Context, o *opening) (export.Table, error) {
	return export.MonthlyBills(func(ctx context.Context) ([]statement.Kept, error) {
		var all []statement.Kept
		for before := ""; ; {
			page, next, err := statement.Bills{Store: o.store}.List(ctx, o.account, before, billsAtOnce)
			if err != nil {
				return nil, err
			}
			for _, k := range page {
				if m := k.Bill.Month; (o.filter.From == "" || m.End() >= o.filter.From) && (o.filter.To == "" || m.First() <= o.filter.To) {
					all = append(all, k)
				}
			}
			if next == "" {
				slices.Reverse(all)
				return all, nil
			}
			before = next
		}
	}, o.zone), nil
}

func (o *opening) monthly(ctx context.Context) (statement.Kept, export.Sections, error) {
	made := statement.Bills{Store: o.store}
	kept, err := made.Bill(ctx, o.account, statement.Month(o.wish.Month))
	return kept, export.Sections{
		Lines: func(ctx context.Context, section string, from, limit int) ([]statement.Line, error) {
			return made.Lines(ctx, kept, section, from, limit)
		},
		Funds: func(ctx context.Context, from, limit int) ([]statement.FundLine, error) {
			return made.FundLines(ctx, kept, from, limit)
		},
	}, err
}

func monthlyBill(ctx context.Context, o *opening) (export.Table, error) {
	kept, sections, err := o.monthly(ctx)
	return export.MonthlyBill(kept, sections, o.wish.language()), err
}

func monthlyFunds(ctx context.Context, o *opening) (export.Table, error) {
	kept, sections, err := o.monthly(ctx)
	return export.MonthlyFunds(kept, sections, o.zone, o.wish.language()), err
}
