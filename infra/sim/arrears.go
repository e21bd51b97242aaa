package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/arrears"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/wallet"
)

// dunning is what a seed with arrears has besides: monthly bills of each account, and how many of them are made.
type dunning struct {
	on     bool
	months map[wallet.AccountID]int
	repaid int
}

const dunningLimit = 55 * time.Second // of the function

// dun runs the schedule's function, both of its rounds; a second one may run at the same time.
func (s *Simulation) dun() {
	s.start("dun", dunningLimit, func(ctx context.Context, w *worker) func() {
		c := s.centre(w)
		_, err := c.arrears.Run(ctx)
		_, lost := c.arrears.Patrol(ctx)
		return func() { s.tell("  arrears: %v", errors.Join(err, lost)) }
	})
}

// repay has an operator credit what an account owes, or half of it.
func (s *Simulation) repay() {
	account := s.world.accounts[s.dice.IntN(len(s.world.accounts))]
	s.credit(account, s.auditors[account].head.Arrears.Minor()/int64(1+s.dice.IntN(2)))
}

// credit has an operator credit an amount, if it is one.
func (s *Simulation) credit(account wallet.AccountID, minor int64) {
	if minor == 0 {
		return
	}
	s.dunning.repaid++
	credit := wallet.Adjust{Account: account, Once: fmt.Sprint("repay-", s.dunning.repaid), Amount: money.Of(money.CNY, minor), Reason: "owed"}
	s.start("repay", dunningLimit, func(ctx context.Context, w *worker) func() {
		_, err := s.centre(w).ledger.Do(ctx, account, ledger.Intent{Command: credit})
		return func() { s.tell("  %s of %s: %v", credit.Amount, account, err) }
	})
}

// monthlyBill is all that matters of one here.
type monthlyBill struct {
	Version int64 `json:"version"` // of the head that it saw
	Owed    int64 `json:"owed"`    // by it
	Begun   bool  `json:"begun"`   // the countdown
}

func monthlyKey(account wallet.AccountID, month string) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: "monthly-bill", ID: string(account) + "#" + month}
}

// cut makes an account's next monthly bill, with its countdown, as the function does; or the one that may have failed.
func (s *Simulation) cut() {
	account := s.world.accounts[s.dice.IntN(len(s.world.accounts))]
	if there, err := s.truth.Documents(plain(), monthlyKey(account, monthOf(s.dunning.months[account]))); err == nil && len(there) > 0 {
		s.dunning.months[account]++
	}
	month := monthOf(s.dunning.months[account])
	s.start("cut", dunningLimit, func(ctx context.Context, w *worker) func() {
		c := s.centre(w)
		err := c.cut(ctx, account, month)
		return func() { s.tell("  %s of %s: %v", month, account, err) }
	})
}

func monthOf(n int) string { return fmt.Sprintf("%04d-%02d", 2026+n/12, 1+n%12) }

func (c *centre) cut(ctx context.Context, account wallet.AccountID, month string) error {
	head, err := c.store.Head(ctx, account)
	if err != nil {
		return err
	}
	countdown, err := arrears.Begin(ctx, c.store, c.ledger.Policy, head, month, c.ledger.Now())
	if err != nil {
		return err
	}
	bill := ledger.Document{Key: monthlyKey(account, month)}.With(monthlyBill{head.Version, head.Arrears.Minor(), len(countdown) > 0})
	return c.store.Put(ctx, append([]ledger.Document{bill}, countdown...)...)
}

// endDunning is what the calm brings: first the schedule takes what is due, and then one account repays all.
func (s *Simulation) endDunning() {
	account := s.world.accounts[0]
	s.dun()
	s.finish()
	s.credit(account, s.auditors[account].head.Arrears.Minor())
	s.finish()
	s.dun()
	s.finish()
}

// finalDunning: when all is quiet, standings tell what the journals do. Each time of owing is one case, with the very
// entries by which it began and ended; what was told of it is what became of it (README rule 26).
func (s *Simulation) finalDunning() {
	for _, account := range s.world.accounts {
		cases, err := s.cases(account)
		if err != nil {
			s.violated("arrears: %v", err)
			return
		}
		times := timesOfOwing(s.auditors[account].entries)
		if len(cases) != len(times) {
			s.violated("arrears: %s owed %d times, and has %d cases", account, len(times), len(cases))
			continue
		}
		for i, c := range cases {
			if c.Entry != times[i].began || c.EndedBy != times[i].ended || c.Owed != times[i].owed {
				s.violated("arrears: case %d of %s is from %d to %d with %d, the journal says %+v", c.Number, account, c.Entry, c.EndedBy, c.Owed, times[i])
			}
			s.judgeCase(account, c)
		}
		s.judgeMonths(account, cases)
	}
}

// judgeMonths: each monthly bill that found arrears has left a countdown with the case that it found.
func (s *Simulation) judgeMonths(account wallet.AccountID, cases []arrears.Case) {
	for n := range s.dunning.months[account] + 1 {
		bill, _, err := ledger.Read[monthlyBill](plain(), s.truth, monthlyKey(account, monthOf(n)))
		if err != nil || bill.Owed == 0 {
			continue // it wasn't made, or found nothing
		}
		at := slices.IndexFunc(cases, func(c arrears.Case) bool {
			return c.Entry <= bill.Version && (c.EndedBy == 0 || bill.Version < c.EndedBy)
		})
		if late := !bill.Begun && at >= 0 && cases[at].EndedBy > 0; late {
			continue // it was repaid before the bill was kept
		}
		if at < 0 || cases[at].Countdown == nil {
			s.violated("arrears: the bill %s of %s found %d owed, and there is no countdown", monthOf(n), account, bill.Owed)
		}
	}
}

// cases are an account's, oldest first, the open one too.
func (s *Simulation) cases(account wallet.AccountID) (cases []arrears.Case, err error) {
	for number := 1; ; number++ {
		found, err := arrears.OneCase(plain(), s.truth, account, number)
		if err != nil {
			standing, err := arrears.Of(plain(), s.truth, account)
			if err == nil && standing.Cases != number-1 {
				err = fmt.Errorf("case %d of %d of %s isn't kept", number, standing.Cases, account)
			}
			slices.SortFunc(cases, func(a, b arrears.Case) int { return cmp.Compare(a.Entry, b.Entry) }) // numbered as they were seen
			return cases, err
		}
		cases = append(cases, found.Case)
	}
}

// judgeCase holds a case against what was told of it.
func (s *Simulation) judgeCase(account wallet.AccountID, c arrears.Case) {
	locked, over := !c.LockedAt.IsZero(), c.EndedBy > 0
	if locked && (c.Countdown == nil || c.LockedAt.Before(c.Countdown.EndsAt)) {
		s.violated("arrears: case %d of %s was locked at %s by the countdown %+v", c.Number, account, c.LockedAt, c.Countdown)
	}
	if c.Countdown != nil && (c.Countdown.Version < c.Entry || over && c.Countdown.Version >= c.EndedBy) {
		s.violated("arrears: case %d of %s, of entries %d to %d, has the countdown of entry %d", c.Number, account, c.Entry, c.EndedBy, c.Countdown.Version)
	}
	for kind, want := range map[string]bool{
		"locked": locked, "unlocked": locked && over, "arrears_reminder": c.Countdown != nil && !c.Countdown.RemindedAt.IsZero(),
	} {
		key := ledger.DocumentKey{Kind: notice.DocumentKind, ID: fmt.Sprintf("%s:%s#%d", kind, account, c.Number)}
		found, err := s.truth.Documents(plain(), key)
		if err != nil || (len(found) == 1) != want {
			s.violated("arrears: of case %d of %s %q was told: %t, %v", c.Number, account, kind, len(found) == 1, err)
		}
	}
}

// timeOfOwing is one, as the journal tells it.
type timeOfOwing struct{ began, ended, owed int64 }

func timesOfOwing(entries []wallet.Entry) (times []timeOfOwing) {
	owing := false
	for _, e := range entries {
		owed := e.Balances.Arrears.Minor()
		switch {
		case owed > 0 && !owing:
			times = append(times, timeOfOwing{began: e.Number, owed: owed})
		case owed > 0:
			times[len(times)-1].owed = owed
		case owing:
			times[len(times)-1].owed, times[len(times)-1].ended = 0, e.Number
		}
		owing = owed > 0
	}
	return times
}
