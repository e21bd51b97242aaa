package desk

import (
	"context"
	"maps"
	"slices"
	"strings"

	"billingcentre/shared/api"
	"billingcentre/shared/export"
	"billingcentre/shared/statement"
)

// What is what an export tells.
type What string

// What can be exported, by the names of the lists.
const (
	Consumption          What = "consumption"            // lines of bills, and who paid for them
	IncomeAndExpenditure What = "income-and-expenditure" // every change of a fund, with the balance after it
	Vouchers             What = "vouchers"               // vouchers and what is left of them
	Cards                What = "cards"                  // prepaid cards and what is left of them
	VoucherDetails       What = "voucher-details"        // every movement of vouchers, each with its own balance
	CardDetails          What = "card-details"           // of prepaid cards
	Bills                What = "bills"                  // settled bills and reversals
	MonthlyBills         What = "monthly-bills"          // a row each
	MonthlyBill          What = "monthly-bill"           // one, by workspace and product
	MonthlyBillFunds     What = "monthly-bill-funds"     // one, by fund
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
	Month     string          `json:"month,omitempty"` // of monthly-bill and monthly-bill-funds
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
	what    What
	filters []string
	focus   bool // it can be written as FOCUS, too
	table   func(ctx context.Context, o *opening) (export.Table, error)
}

var (
	days  = []string{"from", "to"}
	month = []string{"month"}
)

// offers in the order in which they are told.
var offers = []offer{
	{Consumption, statement.ConsumptionFilters, true, consumption},
	{IncomeAndExpenditure, statement.MovementPageFilters, false, movements},
	{Vouchers, days, false, vouchers},
	{Cards, days, false, cards},
	{VoucherDetails, statement.LotPageFilters, false, lots(false)},
	{CardDetails, statement.LotPageFilters, false, lots(true)},
	{Bills, []string{"from", "to", "workspace", "product"}, false, bills},
	{MonthlyBills, days, false, monthlyBills},
	{MonthlyBill, month, false, monthlyBill},
	{MonthlyBillFunds, month, false, monthlyFunds},
}

func offerOf(what What) (offer, bool) {
	at := slices.IndexFunc(offers, func(o offer) bool { return o.what == what })
	if at < 0 {
		return offer{}, false
	}
	return offers[at], true
}

// fields are a wish's filters by name.
func (w Wish) fields() map[string]string {
	return map[string]string{
		"from": w.From, "to": w.To, "workspace": w.Workspace, "product": w.Product, "kind": w.Kind, "fund": w.Fund, "lot": w.Lot, "month": w.Month,
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
	check.That(w.Format != Focus || offer.focus, "/format", "can be focus for consumption only")
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
	if slices.Contains(offer.filters, "month") {
		_, err := statement.ParseMonth("/month", w.Month)
		check.Note(err)
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
