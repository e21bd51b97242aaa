package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"billingcentre/shared/api"
	"billingcentre/shared/books"
	"billingcentre/shared/receipt"
	"billingcentre/shared/refusal"
	"billingcentre/shared/statement"
	"billingcentre/shared/wallet"
)

// balances are what a wallet held at an instant.
type balances struct {
	At       string           `json:"at"`
	Entry    int64            `json:"entry"` // the last one before the instant; 0 before the account was opened
	Balances receipt.Balances `json:"balances"`
	Usable   usable           `json:"usable"` // what of the vouchers and cards could be spent then (README rule 19)
	Lots     []held           `json:"lots"`   // in burn order
}

type usable struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
}

// held is a voucher or card with what was left of it.
type held struct {
	receipt.Lot
	Balance string `json:"balance"`
	Usable  bool   `json:"usable"`
}

// balances tells what the wallet held at an instant: after the entries before it.
func (h handler) balances(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, "at")
	if err != nil {
		return api.Response{}, err
	}
	text, err := r.Query("at")
	if err != nil {
		return api.Response{}, err
	}
	var check api.Check
	at := check.Instant("/at", text)
	check.That(text != "", "/at", "is required: an instant such as 2026-11-01T00:00:00Z, or with %2B08:00 for +08:00")
	check.That(!at.After(h.now()), "/at", "must not be in the future")
	if err := check.Err(); err != nil {
		return api.Response{}, err
	}
	view, _, err := h.view(ctx, id)
	if err != nil {
		return api.Response{}, err
	}
	head, err := view.AsOf(ctx, at)
	if err != nil {
		return api.Response{}, err
	}
	if head.Version == 0 {
		head = statement.Empty(view.Head)
	}
	answer := balances{
		At: api.Instant(at), Entry: head.Version, Balances: receipt.BalancesOf(head.Balances()), Lots: []held{},
		Usable: usable{head.Usable(wallet.Regular, at).String(), head.Usable(wallet.Discount, at).String(), head.Usable(wallet.Card, at).String()},
	}
	for _, lot := range head.Lots {
		answer.Lots = append(answer.Lots, held{receipt.LotOf(lot), lot.Remaining.String(), lot.UsableAt(at)})
	}
	return api.OK(answer)
}

// forecast is a wallet run ahead, with what was assumed.
type forecast struct {
	From        string      `json:"from"`
	To          string      `json:"to"`
	Assumptions assumptions `json:"assumptions"`
	Funds       []fate      `json:"funds"` // in the order in which they pay
	OwedFrom    string      `json:"owed_from,omitempty"`
	Owed        string      `json:"owed"`
	Cloud       string      `json:"cloud"`
	Left        fundsLeft   `json:"left"`
	GiftTiers   []tier      `json:"gift_tiers"`
}

type assumptions struct {
	SpendFrom string   `json:"spend_from"`
	SpendTo   string   `json:"spend_to"`
	SpendDays int      `json:"spend_days"`
	Daily     []daily  `json:"daily"`
	Text      []string `json:"text"`
}

// daily is what a day is taken to cost.
type daily struct {
	Method     wallet.Method `json:"settlement_method"`
	General    string        `json:"general"`
	Restricted string        `json:"restricted"`
}

type fate struct {
	Fund      string `json:"fund"`
	Kind      string `json:"kind"`
	Balance   string `json:"balance"`
	ExpiresAt string `json:"expires_at,omitempty"`
	RunsOut   string `json:"runs_out,omitempty"` // the day whose usage takes the last of it
	Lapses    string `json:"lapses"`             // unused
	LapsesAt  string `json:"lapses_at,omitempty"`
}

type fundsLeft struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
	Cash     string `json:"cash"`
	Arrears  string `json:"arrears"`
}

// tier tells whether a card that reaches a gift tier would pay off within a year (README rule 10).
type tier struct {
	Face    string `json:"face_value"`
	Gift    string `json:"gift"`
	Missing string `json:"cash_missing"` // to be topped up first
	Used    string `json:"used"`         // of card and gift, within a year
	Lapses  string `json:"lapses"`       // of card and gift, unused
	Saving  string `json:"saving"`       // signed
	PaysOff bool   `json:"pays_off"`
}

const (
	forecastDays = 90
	spendDays    = 7
	mostSpent    = 30
)

func (h handler) forecast(ctx context.Context, r *api.Request) (api.Response, error) {
	id, err := account(r, "days", "spend_days")
	if err != nil {
		return api.Response{}, err
	}
	days, errDays := count(r, "days", forecastDays, statement.MostForecastDays)
	over, errOver := count(r, "spend_days", spendDays, mostSpent)
	if err := errors.Join(errDays, errOver); err != nil {
		return api.Response{}, err
	}
	view, zone, err := h.view(ctx, id)
	if err != nil {
		return api.Response{}, err
	}
	spent, err := h.spend(ctx, view, zone, over)
	if err != nil {
		return api.Response{}, err
	}
	f, err := statement.Ahead(view.Head, h.policy, spent.Spend, h.now(), days)
	if err != nil {
		return api.Response{}, err
	}
	return api.OK(forecastOf(f, spent))
}

// count is a whole number of a query.
func count(r *api.Request, name string, normal, most int) (int, error) {
	text, err := r.Query(name)
	if err != nil || text == "" {
		return normal, err
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most || strconv.Itoa(n) != text {
		return 0, refusal.At("/"+name, "must be a whole number from 1 to %d", most)
	}
	return n, nil
}

// spent is what the last days cost.
type spent struct {
	statement.Spend
	from, to string
	rough    bool // there were too many lines: methods aren't told apart
}

const (
	spentRows  = 100 // of one read
	spentReads = 20  // two thousand lines; above them sums by product must do
)

// spend sums up the last days that have been billed.
func (h handler) spend(ctx context.Context, view *books.View, zone *time.Location, days int) (spent, error) {
	today, err := time.Parse(time.DateOnly, h.today(view, zone))
	if err != nil {
		return spent{}, err
	}
	day := func(ago int) string { return today.AddDate(0, 0, -ago).Format(time.DateOnly) }
	// The last days may not be billed yet: the window ends with the newest one that is, if that is no older than two days.
	newest, err := view.Rows(ctx, books.Filter{From: day(3), Until: day(1), Most: mostVolumes}, books.Place{}, 1)
	if err != nil {
		return spent{}, large(err)
	}
	s := spent{to: day(1)}
	if len(newest.Rows) > 0 {
		s.to = newest.Rows[0].Day
	}
	to, err := time.Parse(time.DateOnly, s.to)
	if err != nil {
		return spent{}, err
	}
	s.from, s.Days = to.AddDate(0, 0, 1-days).Format(time.DateOnly), days
	return s, h.add(ctx, view, &s)
}

// add adds the window's rows; or, where they are many, its sums by product.
func (h handler) add(ctx context.Context, view *books.View, s *spent) error {
	filter, after := books.Filter{From: s.from, Until: s.to, Most: mostVolumes}, books.Place{}
	exact := statement.Spend{Days: s.Days}
	for range spentReads {
		page, err := view.Rows(ctx, filter, after, spentRows)
		if err != nil {
			return large(err)
		}
		for _, row := range page.Rows {
			exact.Add(row.Method, row.Class, row.Payable)
		}
		if after = page.Next; after == (books.Place{}) {
			s.Spend = exact
			return nil
		}
	}
	s.rough = true
	groups, err := view.Totals(ctx, filter, books.ByProduct)
	if err != nil {
		return large(err)
	}
	for _, g := range groups {
		class := h.policy.ClassOf(g.Product)
		s.Add(wallet.BillingCenter, class, g.Payable.Sub(g.Paid.Cloud))
		s.Add(wallet.Cloud, class, g.Paid.Cloud)
	}
	return nil
}

func forecastOf(f statement.Forecast, s spent) forecast {
	out := forecast{
		From: f.From, To: f.To, OwedFrom: f.OwedFrom, Owed: f.Owed.String(), Cloud: f.Cloud.String(), Funds: []fate{}, GiftTiers: []tier{},
		Left:        fundsLeft{f.Left.Regular.String(), f.Left.Discount.String(), f.Left.Card.String(), f.Left.Cash.String(), f.Left.Arrears.String()},
		Assumptions: assumptionsOf(s),
	}
	for _, x := range f.Fates {
		out.Funds = append(out.Funds, fate{
			x.Fund, x.Kind, x.Balance.String(), api.Instant(x.Expires), x.RunsOut, x.Lapses.String(), api.Instant(x.LapsesAt),
		})
	}
	for _, t := range f.Tiers {
		out.GiftTiers = append(out.GiftTiers, tier{
			t.Face.String(), t.Gift.String(), t.Missing.String(), t.Used.String(), t.Lapses.String(), signed(t.Saving), t.PaysOff,
		})
	}
	return out
}

// assumptionsOf says what the forecast takes for granted.
func assumptionsOf(s spent) assumptions {
	a := assumptions{SpendFrom: s.from, SpendTo: s.to, SpendDays: s.Days, Daily: []daily{}, Text: []string{
		fmt.Sprintf("Every day costs what the days from %s to %s cost on average, with the same settlement methods.", s.from, s.to),
		"Bills come the night after their day and are settled by today's rules; what isn't billed yet of past days is left out; no money comes in, and nothing else is bought.",
		"A gift tier is tried with a card bought today, with cash topped up as far as it is missing, over a year: its saving is the money spent less, by cash and arrears, than without the card. None is tried on a wallet of more than 200 vouchers and cards.",
	}}
	for _, method := range [...]wallet.Method{wallet.BillingCenter, wallet.Cloud} {
		if _, any := s.Cost[method]; any {
			a.Daily = append(a.Daily, daily{method, s.Average(method, wallet.General).String(), s.Average(method, wallet.Restricted).String()})
		}
	}
	if s.rough {
		a.Text = append(a.Text, "There were too many lines to tell settlement methods apart: what cloud accounts paid is taken to stay theirs, and all else to be the wallet's.")
	}
	return a
}
