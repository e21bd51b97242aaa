package desk

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/export"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// What is what an export tells.
type What string

// What can be exported, by the names of the lists.
const (
	Consumption          What = "consumption"            // lines of bills, and who paid for them
	IncomeAndExpenditure What = "income-and-expenditure" // every change of a fund, with the balance after it
	VoucherDetails       What = "voucher-details"        // every movement of vouchers, each with its own balance
	CardDetails          What = "card-details"           // of prepaid cards
	Bills                What = "bills"                  // settled bills and reversals
)

// Format is how a file is written.
type Format string

// The formats.
const (
	CSV   Format = "csv"
	Focus Format = "focus" // FOCUS 1.2, of consumption
)

// Wish is what somebody wants exported, as requests write it.
type Wish struct {
	What      What            `json:"what"`
	From      string          `json:"from,omitempty"`
	To        string          `json:"to,omitempty"`
	Workspace string          `json:"workspace,omitempty"`
	Product   string          `json:"product,omitempty"`
	Kind      string          `json:"kind,omitempty"`
	Fund      string          `json:"fund,omitempty"`
	Lot       string          `json:"lot,omitempty"`
	Language  export.Language `json:"language,omitempty"`
	Format    Format          `json:"format,omitempty"`
}

// offer is what there is of one kind of export.
type offer struct {
	filters []string
	formats []Format
	table   func(o *opening) (export.Table, error)
}

// offers in the order in which they are told.
var offers = []struct {
	what What
	offer
}{
	{Consumption, offer{statement.ConsumptionFilters, []Format{CSV, Focus}, (*opening).consumption}},
	{IncomeAndExpenditure, offer{statement.MovementFilters, []Format{CSV}, (*opening).movements}},
	{VoucherDetails, offer{statement.LotFilters, []Format{CSV}, (*opening).vouchers}},
	{CardDetails, offer{statement.LotFilters, []Format{CSV}, (*opening).cards}},
	{Bills, offer{[]string{"from", "to"}, []Format{CSV}, (*opening).bills}},
}

func offerOf(what What) (offer, bool) {
	for _, o := range offers {
		if o.what == what {
			return o.offer, true
		}
	}
	return offer{}, false
}

// fields are a wish's filters by name.
func (w Wish) fields() map[string]string {
	return map[string]string{
		"from": w.From, "to": w.To, "workspace": w.Workspace, "product": w.Product, "kind": w.Kind, "fund": w.Fund, "lot": w.Lot,
	}
}

// Check completes a wish by its defaults, or names all that is wrong with it.
func (w Wish) Check() (Wish, error) {
	var check api.Check
	offer, known := offerOf(w.What)
	check.That(known, "/what", "must be one of "+whats())
	if w.Format == "" {
		w.Format = CSV
	}
	check.That(w.Format == CSV || w.Format == Focus, "/format", "must be csv or focus")
	language, err := export.ParseLanguage("/language", string(w.Language))
	check.Note(err)
	w.Language = language
	if !known {
		return w, check.Err()
	}
	check.That(w.Format != Focus || slices.Contains(offer.formats, Focus), "/format", "can be focus for consumption only")
	fields := w.fields()
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		check.That(fields[name] == "" || slices.Contains(offer.filters, name), "/"+name, "is no filter of "+string(w.What))
	}
	filter, err := w.filter(offer)
	check.Note(err)
	if w.What == Consumption {
		check.That(w.From != "", "/from", "is required: consumption is of a closed range of days")
		check.That(w.To != "", "/to", "is required: consumption is of a closed range of days")
	}
	check.That(filter.From == "" || filter.To == "" || statement.DaysBetween(filter.From, filter.To) <= mostDays, "/to", "must be at most ten years after from")
	return w, check.Err()
}

// mostDays is ten years: more than anybody asks for, and less than what a mistake asks for.
const mostDays = 3_653

func whats() string {
	var names []string
	for _, o := range offers {
		names = append(names, string(o.what))
	}
	return strings.Join(names, ", ")
}

func (w Wish) filter(o offer) (statement.Filter, error) {
	fields := w.fields()
	return statement.ReadFilter(func(name string) string { return fields[name] }, o.filters)
}

// opening is what a table is made of.
type opening struct {
	wish     Wish
	filter   statement.Filter
	view     *books.View
	through  int64 // the last entry that the file tells
	zone     *time.Location
	name     string // of the account
	provider string
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
	return offer.table(&opening{e.Wish, filter, view, e.Work.Through, zone, name, m.Provider})
}

// accountName is the account's, "" where it has none.
func accountName(ctx context.Context, store ledger.Store, id wallet.AccountID) (string, error) {
	account, err := (&directory.Directory{Store: store, Now: time.Now}).Account(ctx, id)
	if refusal.Is(err, refusal.NotFound) {
		return "", nil
	}
	return account.Name, err
}

func (o *opening) consumption() (export.Table, error) {
	f := o.filter.Rows()
	f.Through = o.through
	if o.wish.Format == Focus {
		return export.Focus(o.view.EachRow, f, export.Payer{ID: string(o.view.Head.Account), Name: o.name, Zone: o.zone, Provider: o.provider}), nil
	}
	return export.Consumption(o.view.EachRow, f, o.zone, o.wish.language()), nil
}

func (o *opening) changes() (books.ChangeFilter, error) {
	f, err := o.filter.Changes(o.zone)
	f.Through = o.through
	return f, err
}

func (o *opening) movements() (export.Table, error) {
	f, err := o.changes()
	return export.Movements(o.view.EachChange, f, o.zone, o.wish.language()), err
}

func (o *opening) bills() (export.Table, error) {
	f, err := o.changes()
	return export.Bills(o.view.EachChange, f, o.zone, o.wish.language()), err
}

func (o *opening) vouchers() (export.Table, error) { return o.lots(false) }

func (o *opening) cards() (export.Table, error) { return o.lots(true) }

func (o *opening) lots(cards bool) (export.Table, error) {
	f, err := o.filter.Lots(o.zone, cards)
	f.Through = o.through
	return export.LotMovements(o.lotMovements, f, o.zone, o.wish.language()), err
}

func (o *opening) lotMovements(ctx context.Context, f statement.LotFilter) iter.Seq2[statement.LotMovement, error] {
	return statement.EachLotMovement(ctx, o.view, f)
}
