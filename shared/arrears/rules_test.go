package arrears

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
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

// Who owes what since when, from which bills, and what of it vouchers never pay (README rule 17).
func TestHistory(t *testing.T) {
	l := newLab(t)
	l.owe("3", "2")
	first := l.now
	l.run()
	l.now = l.now.Add(time.Hour)
	l.pay("1")
	l.now = l.now.Add(time.Hour)
	l.owe("0", "4")
	l.now = fourth
	l.month("2026-10")
	l.patrol()
	want := &Case{
		Number: 1, Since: first, Entry: 2, Owed: 800, Most: 800,
		Bills: []Bill{
			{ID: "b-1", Workspace: "ws-1", Day: "2026-11-01", At: first, Entry: 2, Owed: 500, Restricted: 200, Products: []string{"sms"}, Repaid: 100},
			{ID: "b-3", Workspace: "ws-1", Day: "2026-11-01", At: first.Add(2 * time.Hour), Entry: 4, Owed: 400, Restricted: 400, Products: []string{"sms"}},
		},
		Repaid: []Repayment{{Entry: 3, At: first.Add(time.Hour), Kind: "topped_up", Amount: 100}},
		Countdown: &Countdown{
			Month: "2026-10", Version: 4, BeganAt: fourth, RemindAt: fourth.AddDate(0, 0, 11), EndsAt: fourth.AddDate(0, 0, 14),
		},
		Steps: []Step{{At: first, What: "owing"}, {At: fourth, What: "countdown", Note: "2026-10"}},
	}
	if diff := cmp.Diff(want, l.open()); diff != "" {
		t.Error(diff)
	}
	l.pay("8")
	l.patrol()
	l.want(Clear, "arrears_countdown 1: 8.00")
	over := l.ended(1)
	if over.Owed != 0 || over.EndedAt != fourth || over.EndedBy != 5 || over.Bills[0].Repaid != 500 || over.Bills[1].Repaid != 400 {
		t.Errorf("%+v", over)
	}
	cases, err := Cases(t.Context(), l.store, "acme", "", 10)
	if err != nil || len(cases) != 1 || cases[0].Case.Number != 1 {
		t.Errorf("%+v %v", cases, err)
	}
}

// A monthly bill that comes before anybody took up the account's mark, or where there is none, as from before marks were
// made: the journal is read backwards to the beginning.
func TestTheBeginningIsFound(t *testing.T) {
	l := newLab(t)
	l.owe("1", "0")
	since := l.now
	for range 250 { // more than two pages
		l.now = l.now.Add(time.Second)
		l.owe("0.01", "0")
	}
	l.now = fourth
	l.month("2026-10")
	if c := l.open(); c.Entry != 0 || c.Owed != 350 {
		t.Errorf("%+v", c)
	}
	l.patrol()
	c := l.open()
	if c.Entry != 2 || !c.Since.Equal(since) || c.Owed != 350 || len(c.Bills) != maxBills || c.Later.Bills != 151 || c.Later.Owed != 151 {
		t.Errorf("entry %d since %v, %d named, %+v", c.Entry, c.Since, len(c.Bills), c.Later)
	}
	l.pay("3.50")
	l.run()
	l.patrol()
	l.want(Clear, "arrears_countdown 1: 3.50")
	if over := l.ended(1); over.Later.Repaid != 151 || over.Bills[0].Repaid != 100 {
		t.Errorf("%+v", over.Later)
	}
}

// A payment and the lock at the same time, in every order.
func TestRaces(t *testing.T) {
	due := func(t *testing.T) *lab {
		l := newLab(t)
		l.owe("5", "0")
		l.now = fourth
		l.month("2026-10")
		l.day(11)
		l.now = fourth.AddDate(0, 0, 14)
		l.store.told = nil
		return l
	}
	t.Run("the payment lands between the lock's read and its write: it unlocks", func(t *testing.T) {
		l := due(t)
		l.store.before = func() { l.pay("5") }
		l.run()
		l.run()
		l.want(Clear, locked, unlocked)
	})
	t.Run("two runs at once: one lock, told once", func(t *testing.T) {
		l := due(t)
		l.store.before = func() { l.run() }
		l.run()
		l.want(Locked, locked)
	})
	t.Run("the lock's answer is lost: told once", func(t *testing.T) {
		l := due(t)
		l.store.fail = ledger.ErrUnknown
		l.run()
		l.want(Locked, locked)
	})
	t.Run("the list of entries lags behind the payment: no lock, and none later", func(t *testing.T) {
		l := due(t)
		l.pay("5")
		l.store.hidden = 3
		l.run()
		l.want(Counting)
		l.store.hidden = 0
		l.run()
		l.want(Clear)
	})
	t.Run("the list lags behind one bill of two: no lock before it is read", func(t *testing.T) {
		l := due(t)
		l.owe("1", "0")
		l.store.hidden = 3
		l.run()
		l.want(Counting)
		l.store.hidden = 0
		l.run()
		l.want(Locked, "locked 1: 6.00 ws-1 ws-2")
	})
	t.Run("the list lags behind the entry that a case began with", func(t *testing.T) {
		l := newLab(t)
		l.owe("5", "0")
		l.now = fourth
		l.month("2026-10")
		l.store.hidden = 2
		l.day(14)
		l.want(Counting, countdown)
		l.store.hidden = 0
		l.day(15)
		l.want(Locked, locked)
	})
	t.Run("the monthly bill was decided on a head that has been repaid since: the countdown is over when it is seen", func(t *testing.T) {
		l := newLab(t)
		l.owe("5", "0")
		head, err := l.store.Head(t.Context(), "acme")
		l.must(err)
		l.now = fourth
		l.pay("5")
		l.monthOn("2026-10", head)
		l.patrol()
		l.want(Clear, countdown)
		l.day(14)
		l.want(Clear)
	})
	t.Run("a monthly bill against a run: whoever is second loads again", func(t *testing.T) {
		l := newLab(t)
		l.owe("5", "0")
		l.now = fourth
		l.store.before = func() { l.month("2026-10") }
		l.run()
		l.patrol()
		l.want(Counting, countdown)
		if c := l.open(); c.Number != 1 || c.Owed != 500 || len(c.Bills) != 1 {
			t.Errorf("%+v", c)
		}
	})
}
