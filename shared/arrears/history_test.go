package arrears

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/ledger"
)

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
	cases, _, err := Cases(t.Context(), l.store, "acme", "", 10)
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
	t.Run("a monthly bill that saw arrears of which the end is known already: no countdown", func(t *testing.T) {
		l := newLab(t)
		l.owe("5", "0")
		head, err := l.store.Head(t.Context(), "acme")
		l.must(err)
		l.now = fourth
		l.run()
		l.pay("5")
		l.patrol()
		l.monthOn("2026-10", head)
		l.want(Clear)
		l.owe("7", "0")
		l.run()
		l.monthOn("2026-10", head)
		l.want(Owing)
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
