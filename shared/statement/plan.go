package statement

import (
	"context"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/api"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Wish is a message to the queue of monthly bills: make these.
type Wish struct {
	Version  int                `json:"version"`
	Month    Month              `json:"month"`
	Accounts []wallet.AccountID `json:"accounts"` // of one time zone
}

const (
	wishVersion = 1
	mostWished  = 100 // accounts of one message that are believed
	wished      = 25  // accounts of one message
	planPage    = 100 // accounts that are looked at together
	planRounds  = 3   // how often all accounts are looked at for a month
	roundPause  = 48 * time.Hour
)

// ReadWish reads a message strictly.
func ReadWish(body []byte) (Wish, error) {
	var w Wish
	if err := api.Strict(body, &w); err != nil {
		return Wish{}, err
	}
	var check api.Check
	check.That(w.Version == wishVersion, "/version", "must be 1")
	_, err := ParseMonth("/month", string(w.Month))
	check.Note(err)
	check.That(len(w.Accounts) > 0 && len(w.Accounts) <= mostWished, "/accounts", "must be 1 to 100 accounts")
	for _, account := range w.Accounts {
		check.Account("/accounts", string(account))
	}
	return w, check.Err()
}

// Planner has the bills of all accounts made, month after month. It walks through the directory in bounded steps, and keeps
// its position, so a run may end at any time and the next one goes on.
//
// The walk of a month begins when the first zone on earth has its 4th: a message whose accounts' 4th hasn't come is handed
// back by its worker until it has. Each month has three rounds, two days apart. A round asks only for bills that aren't
// there, so the later ones find what was lost, and mostly nothing.
type Planner struct {
	Store     ledger.Store
	Directory *directory.Directory
	Send      func(ctx context.Context, bodies []string) error
	Now       func() time.Time
}

// Plan is how far the planner is.
type Plan struct {
	Month    Month  `json:"month"`
	Round    int    `json:"round"`            // from 0
	Before   string `json:"before,omitempty"` // the rank of the last account that was looked at
	Done     bool   `json:"done"`             // of this round
	Accounts int64  `json:"accounts"`         // looked at, in this round
	Wished   int64  `json:"wished"`           // bills that were asked for, in this round
}

func planKey() ledger.DocumentKey { return ledger.DocumentKey{Kind: "monthly-plan", ID: "all"} }

// earliest is the zone in which a day begins first.
var earliest = time.FixedZone("", 14*60*60)

// begins is the instant at which a round of a month begins.
func (p Plan) begins() (time.Time, error) {
	cut, err := p.Month.Cut(earliest)
	return cut.Add(time.Duration(p.Round) * roundPause), err
}

// due moves a plan on to what comes next, if its time has come.
func (p Plan) due(now time.Time) (next Plan, due bool, err error) {
	switch {
	case p.Month == "": // the very first run
		next = Plan{Month: MonthOf(now, earliest).Last()}
		if begins, err := next.begins(); err != nil || now.Before(begins) {
			next.Month = next.Month.Last()
			return next, true, err
		}
		return next, true, nil
	case !p.Done:
		return p, true, nil
	case p.Round+1 < planRounds:
		next = Plan{Month: p.Month, Round: p.Round + 1}
	default:
		next = Plan{Month: p.Month.Next()}
	}
	begins, err := next.begins()
	if err == nil && !now.Before(begins) {
		return next, true, nil
	}
	after := Plan{Month: p.Month.Next()} // when the planner stood for a month, its rounds must not delay the next month's
	if begins, err = after.begins(); err == nil && !now.Before(begins) {
		return after, true, nil
	}
	return p, false, err
}

// Run plans while room says that there is time.
func (p *Planner) Run(ctx context.Context, room func() bool) (Plan, error) {
	plan, document, err := ledger.Read[Plan](ctx, p.Store, planKey())
	if err != nil && !refusal.Is(err, refusal.NotFound) {
		return Plan{}, err
	}
	for room() {
		next, due, err := plan.due(p.Now())
		if err != nil || !due {
			return plan, err
		}
		if err := p.step(ctx, &next); err != nil {
			return plan, err
		}
		err = p.Store.Put(ctx, document.With(next))
		if errors.Is(err, ledger.ErrStale) { // another run is at it
			return plan, nil
		}
		if err != nil {
			return plan, err
		}
		plan = next
		document.Version++
	}
	return plan, nil
}

// step looks at one page of accounts.
func (p *Planner) step(ctx context.Context, plan *Plan) error {
	accounts, next, err := p.Directory.Accounts(ctx, plan.Before, planPage)
	if err != nil {
		return err
	}
	missing, err := p.missing(ctx, plan.Month, accounts)
	if err != nil {
		return err
	}
	bodies, err := wishes(plan.Month, missing)
	if err != nil {
		return err
	}
	if err := p.Send(ctx, bodies); err != nil {
		return err
	}
	plan.Accounts, plan.Wished = plan.Accounts+int64(len(accounts)), plan.Wished+int64(len(missing))
	if plan.Done = next == ""; !plan.Done {
		plan.Before = next
	}
	return nil
}

// missing are the accounts that were open in the month, and have no bill of it.
func (p *Planner) missing(ctx context.Context, month Month, accounts []directory.Account) ([]directory.Account, error) {
	var open []directory.Account
	var keys []ledger.DocumentKey
	for _, account := range accounts {
		zone, err := directory.Zone(account.Zone)
		if err != nil {
			return nil, err
		}
		if MonthOf(account.OpenedAt, zone) <= month {
			open, keys = append(open, account), append(keys, billKey(account.ID, month))
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	found, err := p.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var missing []directory.Account
	for i, account := range open {
		if _, made := found[keys[i]]; !made {
			missing = append(missing, account)
		}
	}
	return missing, nil
}

// wishes are the messages for accounts: those of one zone together, since their time comes at once.
func wishes(month Month, accounts []directory.Account) ([]string, error) {
	var bodies []string
	open := map[string]*Wish{}
	var zones []string
	finish := func(zone string) error {
		text, err := json.Marshal(open[zone], json.Deterministic(true))
		bodies = append(bodies, string(text))
		delete(open, zone)
		return err
	}
	for _, account := range accounts {
		if open[account.Zone] == nil {
			open[account.Zone] = &Wish{Version: wishVersion, Month: month}
			zones = append(zones, account.Zone)
		}
		wish := open[account.Zone]
		if wish.Accounts = append(wish.Accounts, account.ID); len(wish.Accounts) == wished {
			if err := finish(account.Zone); err != nil {
				return nil, err
			}
		}
	}
	for _, zone := range zones {
		if open[zone] != nil {
			if err := finish(zone); err != nil {
				return nil, err
			}
		}
	}
	return bodies, nil
}
