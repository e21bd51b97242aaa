package main

import (
	"context"
	"errors"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// mostVolumes is how much of the books one answer may read, in volumes of a hundred entries: about a second.
const mostVolumes = 64

type handler struct {
	books   *books.Books
	bills   statement.Bills
	policy  wallet.Policy
	now     func() time.Time
	cursors api.Cursors
}

func (h handler) routes() []api.Route {
	return []api.Route{
		{Key: "GET /v1/accounts/{account}/monthly-bills", Handle: h.monthlyBills},
		{Key: "GET /v1/accounts/{account}/monthly-bills/{month}", Handle: h.monthlyBill},
		{Key: "GET /v1/accounts/{account}/monthly-bills/{month}/lines", Handle: h.monthlyLines},
		{Key: "GET /v1/accounts/{account}/monthly-bills/{month}/funds", Handle: h.monthlyFunds},
		{Key: "GET /v1/accounts/{account}/consumption", Handle: h.consumption},
		{Key: "GET /v1/accounts/{account}/consumption/totals", Handle: h.consumptionTotals},
		{Key: "GET /v1/accounts/{account}/income-and-expenditure", Handle: h.movements},
		{Key: "GET /v1/accounts/{account}/income-and-expenditure/totals", Handle: h.movementTotals},
		{Key: "GET /v1/accounts/{account}/voucher-details", Handle: h.voucherDetails},
		{Key: "GET /v1/accounts/{account}/card-details", Handle: h.cardDetails},
		{Key: "GET /v1/accounts/{account}/balances", Handle: h.balances},
		{Key: "GET /v1/accounts/{account}/forecast", Handle: h.forecast},
	}
}

// account is the account that a request is about. Somebody else's isn't there.
func account(r *api.Request, query ...string) (wallet.AccountID, error) {
	id := wallet.AccountID(r.Path("account"))
	return id, errors.Join(r.Caller.MayRead(id), r.OnlyQuery(query...))
}

// list is what a page of a filtered list begins with.
type list struct {
	name     string
	filter   statement.Filter
	position string // of the cursor
	limit    int
	view     *books.View
	zone     *time.Location
}

// open reads a request for a page of a list, and opens the account's books. A cursor is bound to its list, its account and
// its filters.
func (h handler) open(ctx context.Context, r *api.Request, name string, filters []string) (list, error) {
	id, err := account(r, append([]string{"limit", "cursor"}, filters...)...)
	if err != nil {
		return list{}, err
	}
	l := list{}
	if l.filter, err = readFilter(r, filters); err != nil {
		return list{}, err
	}
	l.name = name + "#" + string(id) + "\x00" + l.filter.String()
	if l.position, l.limit, err = r.Place(h.cursors, l.name); err != nil {
		return list{}, err
	}
	l.view, l.zone, err = h.view(ctx, id)
	return l, err
}

// view opens an account's books.
func (h handler) view(ctx context.Context, id wallet.AccountID) (*books.View, *time.Location, error) {
	view, err := h.books.Open(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	zone, err := directory.Zone(view.Head.Zone)
	return view, zone, err
}

// readFilter reads the filters of a list.
func readFilter(r *api.Request, known []string) (statement.Filter, error) {
	texts := make(map[string]string, len(known))
	for _, name := range known {
		text, err := r.Query(name)
		if err != nil {
			return statement.Filter{}, err
		}
		texts[name] = text
	}
	return statement.ReadFilter(func(name string) string { return texts[name] }, known)
}

// today is the day that it is for an account.
func (h handler) today(view *books.View, zone *time.Location) string {
	return wallet.Effective(view.Head, h.now()).In(zone).Format(time.DateOnly)
}

// large turns the books' "too much at once" into a refusal.
func large(err error) error {
	var much *books.LargeError
	if errors.As(err, &much) {
		return refusal.At("/from", "must be later: so many days are too much for one answer with these filters; ask for fewer, or for an export")
	}
	return err
}

// signed writes a change: "+5.00", "-9.40", "0.00".
func signed(a money.Amount) string {
	if a.IsPositive() {
		return "+" + a.String()
	}
	return a.String()
}
