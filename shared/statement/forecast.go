package statement

import (
	"fmt"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// MostForecastDays is how far a forecast looks ahead: a year, so that all that is bought today has been used or has lapsed.
const MostForecastDays = 366

// mostTried is how many vouchers and cards a wallet may hold for gift tiers to be tried on it: each is another year ahead.
const mostTried = 200

// Spend is what usage cost over some days, by settlement method and class. It is what a forecast goes on with.
type Spend struct {
	Days int // over how many days
	Cost map[wallet.Method][2]money.Amount
}

// Add adds a line's payable.
func (s *Spend) Add(method wallet.Method, class wallet.Class, payable money.Amount) {
	if s.Cost == nil {
		s.Cost = map[wallet.Method][2]money.Amount{}
	}
	cost, known := s.Cost[method]
	if !known {
		zero := money.Zero(payable.Currency())
		cost = [2]money.Amount{zero, zero}
	}
	cost[class] = cost[class].Add(payable)
	s.Cost[method] = cost
}

// Average is what one day costs, rounded down.
func (s Spend) Average(method wallet.Method, class wallet.Class) money.Amount {
	return s.on(1, method, class)
}

// on is the cost of the day-th forecast day, from 1: the average, in whole minor units, such that they add up exactly.
func (s Spend) on(day int, method wallet.Method, class wallet.Class) money.Amount {
	total := s.Cost[method][class]
	if total.IsNegative() { // more was taken back than was used
		total = money.Zero(total.Currency())
	}
	upTo := func(days int) int64 {
		return total.Minor()/int64(s.Days)*int64(days) + total.Minor()%int64(s.Days)*int64(days)/int64(s.Days)
	}
	return money.Of(total.Currency(), upTo(day)-upTo(day-1))
}

// Fate is what becomes of one fund.
type Fate struct {
	Fund     string // "lot:<id>" or "cash"
	Kind     string // regular, discount, card, cash
	Balance  money.Amount
	Expires  time.Time // zero for cash
	RunsOut  string    // the day whose usage takes the last of it; empty when it outlasts the forecast, or lapses
	Lapses   money.Amount
	LapsesAt time.Time // zero when nothing lapses unused
}

// Forecast is a wallet run ahead.
type Forecast struct {
	From, To string // the first and the last day that are forecast
	Fates    []Fate // in burn order, cash last
	OwedFrom string // the first day whose usage can't be paid in full; empty when that isn't in sight
	Owed     money.Amount
	Cloud    money.Amount // charged to cloud accounts
	Left     wallet.Balances
	Tiers    []Tier
}

// Tier tells whether a card that reaches a gift tier (README rule 10), bought today, would pay off within a year.
type Tier struct {
	Face    money.Amount
	Gift    money.Amount
	Used    money.Amount // of card and gift, within the forecast
	Lapses  money.Amount // of card and gift
	Missing money.Amount // the cash that would have to be topped up first
	Saving  money.Amount // what is spent less within the year than without it; below zero when it doesn't pay off
	PaysOff bool
}

// Ahead runs a wallet ahead from now at a spend, by the very rules that settle bills: each day's usage is settled an hour
// after its day's end, and what expires lapses. It is pure, and takes at most MostForecastDays decisions a method.
func Ahead(head wallet.Head, policy wallet.Policy, spend Spend, now time.Time, days int) (Forecast, error) {
	days = min(max(days, 1), MostForecastDays)
	now = wallet.Effective(head, now)
	r, err := run(head, policy, spend, now, days)
	if err != nil {
		return Forecast{}, err
	}
	f := r.forecast(head, now)
	if len(policy.Gifts) == 0 || len(head.Lots) > mostTried {
		return f, nil
	}
	year, err := run(head, policy, spend, now, MostForecastDays)
	if err != nil {
		return Forecast{}, err
	}
	for _, gift := range policy.Gifts {
		tier, err := try(head, policy, spend, now, gift, year)
		if refusal.As(err) != nil { // such a card can't be bought: the wallet is full, or the policy has odd tiers
			continue
		}
		if err != nil {
			return Forecast{}, err
		}
		f.Tiers = append(f.Tiers, tier)
	}
	return f, nil
}

// ahead is a wallet on its way.
type ahead struct {
	head     wallet.Head
	policy   wallet.Policy
	days     []string
	ends     []time.Time
	ranOut   map[string]string
	lapsed   map[wallet.LotID]wallet.Posting
	owedFrom string
	cloud    money.Amount
	cash     money.Amount // that bills took
	owed     money.Amount // that bills added to the arrears
}

func run(head wallet.Head, policy wallet.Policy, spend Spend, now time.Time, days int) (*ahead, error) {
	zone, err := directory.Zone(head.Zone)
	if err != nil {
		return nil, err
	}
	zero := money.Zero(head.Currency)
	a := &ahead{
		head: head, policy: policy, ranOut: map[string]string{}, lapsed: map[wallet.LotID]wallet.Posting{}, cloud: zero, cash: zero, owed: zero,
	}
	a.head.Carried = [2]money.Exact{money.ZeroExact(head.Currency), money.ZeroExact(head.Currency)} // the spend is payables already
	today, err := time.Parse(time.DateOnly, now.In(zone).Format(time.DateOnly))
	if err != nil {
		return nil, err
	}
	for day := 1; day <= days; day++ {
		date := today.AddDate(0, 0, day-1).Format(time.DateOnly)
		end, err := directory.DayEnd(date, zone)
		if err != nil {
			return nil, err
		}
		a.days, a.ends = append(a.days, date), append(a.ends, end)
		if err := a.live(day, date, end, spend); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// live settles one day, and lets lapse what the night's bills could use no longer.
func (a *ahead) live(day int, date string, end time.Time, spend Spend) error {
	at := end.Add(time.Hour)
	for _, method := range [...]wallet.Method{wallet.BillingCenter, wallet.Cloud} {
		if _, any := spend.Cost[method]; !any || spend.Days < 1 {
			continue
		}
		bill := wallet.Bill{ID: wallet.BillID(fmt.Sprint(method, "/", date)), Workspace: "forecast", Day: date, Currency: a.head.Currency}
		for _, class := range wallet.Classes {
			bill.Lines = append(bill.Lines, wallet.Line{Product: a.product(class), Usage: "1", Amount: spend.on(day, method, class).Exact()})
		}
		if err := a.do(wallet.Settle{Bill: bill, DayEnd: end, Method: method}, at, date); err != nil {
			return err
		}
	}
	for _, lot := range a.head.Lots {
		if lot.LapsedAt(at, a.policy.Grace) {
			if err := a.do(wallet.Expire{Lot: lot.ID}, at, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// product is one of a class.
func (a *ahead) product(class wallet.Class) string {
	if class == wallet.General {
		return "\x00" // no product of any list
	}
	if len(a.policy.Restricted) == 0 {
		return "\x00"
	}
	return a.policy.Restricted[0]
}

func (a *ahead) do(command wallet.Command, at time.Time, date string) error {
	change, err := wallet.Decide(a.head, command, a.policy, at)
	if err != nil {
		return fmt.Errorf("forecast: %w", err)
	}
	a.head = change.Head
	for _, p := range change.Entry.Postings {
		switch {
		case p.To.Kind == wallet.AtBreakage:
			a.lapsed[p.From.Lot] = p
		case p.From.Kind == wallet.InLot:
			if _, held := a.head.Lot(p.From.Lot); !held {
				a.ranOut[p.From.String()] = date
			}
		case p.From.Kind == wallet.InCash:
			a.cash = a.cash.Add(p.Amount)
			if a.head.Cash.IsZero() {
				a.ranOut[p.From.String()] = date
			}
		case p.From.Kind == wallet.AtCloud:
			a.cloud = a.cloud.Add(p.Amount)
		case p.From.Kind == wallet.InArrears:
			a.owed = a.owed.Add(p.Amount)
			if a.owedFrom == "" {
				a.owedFrom = date
			}
		}
	}
	return nil
}

// forecast tells what the run has seen of the funds that were there at its beginning.
func (a *ahead) forecast(began wallet.Head, now time.Time) Forecast {
	f := Forecast{From: a.days[0], To: a.days[len(a.days)-1], OwedFrom: a.owedFrom, Owed: a.owed, Cloud: a.cloud, Left: a.head.Balances()}
	zero := money.Zero(began.Currency)
	for _, lot := range began.Lots {
		if !lot.UsableAt(now) {
			continue
		}
		place := wallet.Place{Kind: wallet.InLot, Lot: lot.ID}.String()
		fate := Fate{Fund: place, Kind: lot.Kind.String(), Balance: lot.Remaining, Expires: lot.ExpiresAt, RunsOut: a.ranOut[place], Lapses: zero}
		end := a.ends[len(a.ends)-1]
		if p, lapses := a.lapsed[lot.ID]; lapses {
			fate.Lapses, fate.LapsesAt = p.Amount, lot.ExpiresAt
		} else if left, held := a.head.Lot(lot.ID); held && !lot.ExpiresAt.After(end) { // its grace outlasts the forecast
			fate.Lapses, fate.LapsesAt = left.Remaining, lot.ExpiresAt
		}
		f.Fates = append(f.Fates, fate)
	}
	cash := Fate{Fund: "cash", Kind: "cash", Balance: began.Cash, RunsOut: a.ranOut["cash"], Lapses: zero}
	f.Fates = append(f.Fates, cash)
	return f
}

// try buys a card of a tier today, with cash that is topped up as far as it is missing, and compares the year with the one
// without it: what is paid in money, that is cash and what would be owed.
func try(head wallet.Head, policy wallet.Policy, spend Spend, now time.Time, gift wallet.Gift, without *ahead) (Tier, error) {
	zero, face := money.Zero(head.Currency), money.Units(head.Currency, gift.From)
	t := Tier{Face: face, Gift: money.Units(head.Currency, gift.Gift), Missing: zero}
	richer := head
	if short := face.Sub(head.Cash); short.IsPositive() {
		t.Missing = short.Add(head.Arrears)
		richer.Cash, richer.Arrears = face, zero
	}
	change, err := wallet.Decide(richer, wallet.Purchase{Account: head.Account, Once: "forecast", Face: face, Actor: "forecast"}, policy, now)
	if err != nil {
		return Tier{}, fmt.Errorf("forecast: tier %s: %w", face, err)
	}
	with, err := run(change.Head, policy, spend, now, MostForecastDays)
	if err != nil {
		return Tier{}, err
	}
	t.Lapses = zero
	used := zero
	for _, lot := range change.Entry.Lots {
		left := zero
		if held, is := with.head.Lot(lot.ID); is {
			left = held.Remaining
		} else if p, lapsed := with.lapsed[lot.ID]; lapsed {
			left = p.Amount
		}
		used, t.Lapses = used.Add(lot.Face.Sub(left)), t.Lapses.Add(left)
	}
	t.Used = used
	t.Saving = without.cash.Add(without.owed).Sub(with.cash.Add(with.owed)).Sub(face)
	t.PaysOff = t.Saving.IsPositive()
	return t, nil
}
