package arrears

import (
	"testing"
	"time"

	"billingcentre/shared/wallet"
)

const (
	countdown = "arrears_countdown 1: 5.00"
	reminder  = "arrears_reminder 1: 5.00"
	locked    = "locked 1: 5.00 ws-1 ws-2"
	unlocked  = "unlocked 1: 0.00 ws-1 ws-2"
)

// README rule 26, row by row: what happens on which day after the fourth, and what is told.
func TestCountdown(t *testing.T) {
	for name, story := range map[string]func(l *lab){
		"who owes nothing isn't counted": func(l *lab) {
			l.month("2026-10")
			l.day(20)
			l.want(Clear)
		},
		"arrears without a monthly bill are only seen": func(l *lab) {
			l.owe("5", "0")
			l.run()
			l.want(Owing)
			l.day(60)
			l.want(Owing)
		},
		"fourteen days, a reminder three days before their end, then the lock; each is told once": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.want(Counting, countdown)
			l.day(10)
			l.want(Counting)
			l.day(11)
			l.want(Counting, reminder)
			l.run()
			l.day(13)
			l.want(Counting)
			l.day(14)
			l.want(Locked, locked)
			l.run()
			l.patrol()
			l.day(90)
			l.want(Locked)
		},
		"the end is an instant: not a millisecond before": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.day(11)
			l.now = fourth.AddDate(0, 0, 14).Add(-time.Millisecond)
			l.run()
			l.want(Counting, countdown, reminder)
			l.day(14)
			l.want(Locked, locked)
		},
		"a schedule that stood goes straight to the lock": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.day(40)
			l.want(Locked, countdown, locked)
		},
		"the same monthly bill again changes nothing": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.now = fourth.AddDate(0, 0, 7)
			l.month("2026-10")
			l.month("2026-09")
			l.want(Counting, countdown)
			l.day(11)
			l.want(Counting, reminder)
		},
		"a second monthly bill while it counts: the first countdown stands": func(l *lab) {
			l.keeper.Ledger.Policy.CountdownDays = 40
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.day(30)
			l.month("2026-11")
			l.want(Counting, countdown)
			if c := l.open(); c.Countdown.EndsAt != fourth.AddDate(0, 0, 40) || c.Steps[len(c.Steps)-1].Note != "2026-11" {
				l.Errorf("%+v %+v", c.Countdown, c.Steps)
			}
			l.day(37)
			l.day(40)
			l.want(Locked, reminder, locked)
		},
		"a monthly bill while it is locked": func(l *lab) {
			l.lock()
			l.day(30)
			l.month("2026-11")
			l.day(60)
			l.want(Locked)
		},
		"repaid while it counts: the countdown is over": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.day(2)
			l.pay("5")
			l.patrol()
			l.want(Clear, countdown)
			l.day(20)
			l.want(Clear)
		},
		"repaid in part: the countdown goes on": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.day(2)
			l.pay("4.99")
			l.day(11)
			l.want(Counting, countdown, "arrears_reminder 1: 0.01")
			l.day(14)
			l.want(Locked, "locked 1: 0.01 ws-1 ws-2")
		},
		"repaid, unseen until its end: no reminder, no lock": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.pay("5")
			l.day(14)
			l.want(Clear, countdown)
		},
		"repaid and in arrears again before the next monthly bill: a case of its own, and no countdown": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.pay("5")
			l.owe("7", "0")
			l.day(14)
			l.want(Owing, countdown)
			l.now = fourth.AddDate(0, 1, 0)
			l.month("2026-11")
			l.want(Counting, "arrears_countdown 2: 7.00")
		},
		"the same, but the monthly bill comes before the schedule sees any of it": func(l *lab) {
			l.owe("5", "0")
			l.run()
			l.pay("5")
			l.owe("7", "0")
			l.now = fourth
			l.month("2026-10")
			l.run()
			l.patrol()
			l.want(Counting, "arrears_countdown 1: 7.00")
			if first, second := l.ended(1), l.open(); first.Countdown != nil || second.Number != 2 || second.Owed != 700 || second.Entry != 4 {
				l.Errorf("%+v %+v", first, second)
			}
			l.day(11)
			l.day(14)
			l.want(Locked, "arrears_reminder 2: 7.00", "locked 2: 7.00 ws-1 ws-2")
		},
		"the same a month later: a countdown that nobody saw end doesn't stand in the way of the next": func(l *lab) {
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.patrol()
			l.pay("5")
			l.owe("7", "0")
			l.now = fourth.AddDate(0, 1, 0)
			l.month("2026-11")
			l.want(Counting, countdown)
			l.run()
			l.run()
			l.want(Counting, "arrears_countdown 2: 7.00")
			if first, second := l.ended(1), l.open(); first.Countdown.Month != "2026-10" || second.Countdown.Month != "2026-11" || second.Entry != 4 {
				l.Errorf("%+v %+v", first, second)
			}
			l.now = fourth.AddDate(0, 1, 14)
			l.run()
			l.want(Locked, "locked 2: 7.00 ws-1 ws-2")
		},
		"repaying unlocks at once": func(l *lab) {
			l.lock()
			l.now = l.now.Add(time.Hour)
			l.pay("5")
			l.must(l.keeper.Look(l.Context(), "acme")) // as the bus asks
			l.want(Clear, unlocked)
			l.run()
			l.want(Clear)
		},
		"without a bus the next minute unlocks": func(l *lab) {
			l.lock()
			l.pay("5")
			l.run()
			l.want(Clear, unlocked)
		},
		"repaying in part doesn't": func(l *lab) {
			l.lock()
			l.pay("1")
			l.run()
			l.want(Locked)
		},
		"repaid and in arrears again, unseen: it was repaid, so it unlocks": func(l *lab) {
			l.lock()
			l.pay("6")
			l.owe("9", "0")
			l.run()
			l.want(Owing, unlocked)
			l.day(60)
			l.want(Owing)
		},
		"a lock doesn't stop settlement: more is owed": func(l *lab) {
			l.lock()
			l.owe("2", "0")
			l.pay("6.99")
			l.run()
			l.want(Locked)
			l.pay("0.01")
			l.run()
			l.want(Clear, unlocked)
		},
		"a reversal that clears the arrears unlocks": func(l *lab) {
			bill := l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.day(11)
			l.day(14)
			l.reverse(bill)
			l.run()
			l.want(Clear, countdown, reminder, locked, unlocked)
		},
		"a reversal in part": func(l *lab) {
			bill := l.owe("2", "0")
			l.owe("3", "0")
			l.now = fourth
			l.month("2026-10")
			l.reverse(bill)
			l.day(11)
			l.want(Counting, countdown, "arrears_reminder 1: 3.00")
		},
		"no days at all lock at once": func(l *lab) {
			l.keeper.Ledger.Policy.CountdownDays, l.keeper.Ledger.Policy.ReminderDays = 0, 0
			l.owe("5", "0")
			l.now = fourth
			l.month("2026-10")
			l.run()
			l.want(Locked, countdown, locked)
		},
	} {
		t.Run(name, func(t *testing.T) { story(newLab(t)) })
	}
}

// lock has acme locked for 5.00.
func (l *lab) lock() {
	l.Helper()
	l.owe("5", "0")
	l.now = fourth
	l.month("2026-10")
	l.day(11)
	l.day(14)
	l.want(Locked, countdown, reminder, locked)
}

func TestWorkspacesWhileLocked(t *testing.T) {
	for name, story := range map[string]func(l *lab){
		"one that is bound comes under the lock": func(l *lab) {
			l.bind("ws-3", wallet.BillingCenter)
			l.run()
			l.want(Locked, "workspaces_locked 1: 5.00 ws-3")
			l.run()
			l.want(Locked)
			l.pay("5")
			l.run()
			l.want(Clear, "unlocked 1: 0.00 ws-1 ws-2 ws-3")
		},
		"one that is unbound leaves it": func(l *lab) {
			l.unbind("ws-1")
			l.run()
			l.want(Locked, "workspaces_unlocked 1: 5.00 ws-1")
			l.pay("5")
			l.run()
			l.want(Clear, "unlocked 1: 0.00 ws-2")
		},
		"one leaves, another comes, the first comes back": func(l *lab) {
			l.unbind("ws-1")
			l.bind("ws-3", wallet.BillingCenter)
			l.run()
			l.want(Locked, "workspaces_locked 1: 5.00 ws-3", "workspaces_unlocked 1: 5.00 ws-1")
			l.bind("ws-1", wallet.BillingCenter)
			l.run()
			l.want(Locked, "workspaces_locked 1: 5.00 ws-1")
		},
		"what a cloud account pays isn't locked": func(l *lab) {
			l.bind("ws-cloud-2", wallet.Cloud)
			l.run()
			l.want(Locked)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			l.lock()
			story(l)
		})
	}
}
