package export

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/money"
	"billingcentre/shared/statement"
)

// Payer is the account as FOCUS names it.
type Payer struct {
	ID, Name string
	Zone     *time.Location
	Provider string // who sells: the company whose billing centre this is
}

// Focus tells consumption as FOCUS 1.2 (the open standard for cloud bills): every mandatory column, the conditional
// ones that apply here, and further ones of ours, which begin with x_.
//
//   - A row is a line of a bill. What it costs is its exact cost, in all four columns: there are no commitments and no
//     negotiated prices. Who paid for it is told by x_ columns, so that the sum over the file is the sum over the bills.
//   - A line that was a credit (README rule 21) is a Credit; all others are Usage. A reversal has everything negative;
//     it is a Correction when its month's bill had been cut before.
//   - Periods are the account's own days and months, as instants in UTC. x_UsageDay is the day itself.
//   - There is no price list, and so there are no SkuId, SkuPriceId, ListUnitPrice, ContractedUnitPrice; x_UnitPrice is
//     what the bill told. There are no invoices yet, and so there is no InvoiceId.
//   - A unit that wasn't told is "Units", since a quantity must have one.
//
// infra/focus reads it, with the same sums.
func Focus(walk Walk, f books.Filter, payer Payer) Table {
	columns := focusColumns(payer)
	days := &calendar{zone: payer.Zone, days: map[string]period{}}
	t := Table{Machine: true, Rows: consumptionRows(walk, f, len(columns), func(to []Cell, r books.Row) []Cell {
		charge := charge{Row: r, period: days.of(r.Day), credit: isCredit(r)}
		for _, c := range columns {
			to = append(to, c.cell(charge))
		}
		return to
	})}
	for _, c := range columns {
		t.Columns = append(t.Columns, Heading{c.name, c.name})
	}
	return t
}

// charge is a row as FOCUS sees it.
type charge struct {
	books.Row
	period
	credit bool
}

// isCredit tells lines that gave something back from the start. Their reversal takes it again.
func isCredit(r books.Row) bool { return r.Exact.Sign() != 0 && (r.Exact.Sign() < 0) != r.Reversal }

type focusColumn struct {
	name string
	cell func(c charge) Cell
}

func constant(name, value string) focusColumn {
	return focusColumn{name, func(charge) Cell { return Text(value) }}
}

// focusColumns are in alphabetical order, ours last.
func focusColumns(payer Payer) []focusColumn {
	cost := func(name string) focusColumn {
		return focusColumn{name, func(c charge) Cell { return Exact(c.Exact) }}
	}
	paid := func(name string, of func(p books.Paid) money.Amount) focusColumn {
		return focusColumn{name, func(c charge) Cell { return Amount(of(c.Paid)) }}
	}
	return []focusColumn{
		cost("BilledCost"),
		constant("BillingAccountId", payer.ID),
		{"BillingAccountName", func(charge) Cell { return TextOrNull(payer.Name) }},
		{"BillingCurrency", func(c charge) Cell { return Text(c.Exact.Currency()) }},
		{"BillingPeriodEnd", func(c charge) Cell { return Text(c.monthEnd) }},
		{"BillingPeriodStart", func(c charge) Cell { return Text(c.monthStart) }},
		{"ChargeCategory", func(c charge) Cell { return Text(choose(c.credit, "Credit", "Usage")) }},
		{"ChargeClass", correction},
		{"ChargeDescription", func(c charge) Cell { return Text(describe(c)) }},
		{"ChargeFrequency", func(c charge) Cell { return Text(choose(c.credit, "One-Time", "Usage-Based")) }},
		{"ChargePeriodEnd", func(c charge) Cell { return Text(c.dayEnd) }},
		{"ChargePeriodStart", func(c charge) Cell { return Text(c.dayStart) }},
		{"ConsumedQuantity", quantity},
		{"ConsumedUnit", unit},
		cost("ContractedCost"),
		cost("EffectiveCost"),
		constant("InvoiceIssuerName", payer.Provider),
		cost("ListCost"),
		{"PricingQuantity", quantity},
		{"PricingUnit", unit},
		constant("ProviderName", payer.Provider),
		constant("PublisherName", payer.Provider),
		{"ServiceCategory", func(c charge) Cell { return Text(serviceOf(c.Product).category) }},
		{"ServiceName", func(c charge) Cell { return Text(c.Product) }},
		{"ServiceSubcategory", func(c charge) Cell { return Text(serviceOf(c.Product).subcategory) }},
		{"SubAccountId", func(c charge) Cell { return Text(c.Workspace) }},
		{"SubAccountName", func(c charge) Cell { return Text(c.Workspace) }},
		{"x_BillId", func(c charge) Cell { return Text(c.Bill) }},
		{"x_BookedAt", func(c charge) Cell { return Text(c.Booked.UTC().Format(time.RFC3339)) }},
		{"x_Payable", func(c charge) Cell { return Amount(c.Payable) }},
		paid("x_PaidByRegularVouchers", func(p books.Paid) money.Amount { return p.Regular }),
		paid("x_PaidByDiscountVouchers", func(p books.Paid) money.Amount { return p.Discount }),
		paid("x_PaidByPrepaidCards", func(p books.Paid) money.Amount { return p.Card }),
		paid("x_PaidByCash", func(p books.Paid) money.Amount { return p.Cash }),
		paid("x_PaidByCloudAccount", func(p books.Paid) money.Amount { return p.Cloud }),
		paid("x_Overdue", func(p books.Paid) money.Amount { return p.Arrears }),
		{"x_SettlementMethod", func(c charge) Cell { return Text(c.Method) }},
		{"x_UnitPrice", func(c charge) Cell { return numberOrNull(c.UnitPrice) }},
		{"x_UsageDay", func(c charge) Cell { return Text(c.Day) }},
	}
}

func choose(which bool, yes, no string) string {
	if which {
		return yes
	}
	return no
}

func numberOrNull(text string) Cell {
	if text == "" {
		return Null()
	}
	return Number(text)
}

// quantity is null of what isn't usage, and negative where usage is taken away.
func quantity(c charge) Cell {
	if c.credit {
		return Null()
	}
	return numberOrNull(taken(c.Usage, c.Reversal))
}

func unit(c charge) Cell {
	switch {
	case c.credit:
		return Null()
	case c.Unit == "":
		return Text("Units")
	}
	return Text(c.Unit)
}

// correction is of a month whose bill had been cut.
func correction(c charge) Cell {
	if c.Reversal && !c.cut.IsZero() && !c.Booked.Before(c.cut) {
		return Text("Correction")
	}
	return Null()
}

// describe says the charge in a line: "sms: 45 message at 0.1".
func describe(c charge) string {
	text := c.Product + ": " + strings.TrimSpace(taken(c.Usage, c.Reversal)+" "+c.Unit)
	if c.UnitPrice != "" && costs(c.Usage, c.UnitPrice, c.Exact, c.Reversal) {
		text += " at " + c.UnitPrice
	}
	if c.Reversal {
		text += ", reversed"
	}
	return text
}

// costs tells whether usage times price is the cost: a producer may round, or price by the thousand.
func costs(usage, price string, exact money.Exact, reversal bool) bool {
	u, okU := new(big.Rat).SetString(taken(usage, reversal))
	p, okP := new(big.Rat).SetString(price)
	e, okE := new(big.Rat).SetString(exact.String())
	return okU && okP && okE && u.Mul(u, p).Cmp(e) == 0
}

// service is where FOCUS puts a product.
type service struct{ category, subcategory string }

// services are the products of which we know what they are. Any other is Other, as FOCUS asks for.
var services = []struct {
	service
	products []string
}{
	{service{"Management and Governance", "Observability"}, []string{
		"dial_testing", "time_series", "logs", "traces", "profiles", "page_views", "session_replay", "network_hosts", "forwarding", "forwarding_out",
		"forwarding_in", "scan", "reports", "pipeline", "tasks",
	}},
	{service{"Integration", "Messaging"}, []string{"sms"}},
}

func serviceOf(product string) service {
	for _, s := range services {
		if slices.Contains(s.products, product) {
			return s.service
		}
	}
	return service{"Other", "Other (Other)"}
}

// period is a day and its month, as FOCUS writes instants.
type period struct {
	dayStart, dayEnd, monthStart, monthEnd string
	cut                                    time.Time // when the month's bill is cut
}

// calendar remembers the periods of days: rows come day by day.
type calendar struct {
	zone *time.Location
	days map[string]period
}

func (c *calendar) of(day string) period {
	if p, known := c.days[day]; known {
		return p
	}
	if len(c.days) > 1_000 {
		clear(c.days)
	}
	p := c.period(day)
	c.days[day] = p
	return p
}

func (c *calendar) period(day string) period {
	date, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return period{} // bills have days of the calendar
	}
	start := func(d time.Time) string {
		at, err := directory.DayEnd(d.AddDate(0, 0, -1).Format(time.DateOnly), c.zone)
		if err != nil {
			return ""
		}
		return at.UTC().Format(time.RFC3339)
	}
	first := date.AddDate(0, 0, 1-date.Day())
	cut, _ := statement.MonthOf(first, time.UTC).Cut(c.zone) // of a day of the calendar it doesn't fail
	return period{start(date), start(date.AddDate(0, 0, 1)), start(first), start(first.AddDate(0, 1, 0)), cut}
}
