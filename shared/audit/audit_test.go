package audit

import (
	"slices"
	"testing"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/recharge"
	"billingcentre/shared/wallet"
)

func TestWhatWasCommittedIsRight(t *testing.T) {
	w := newWorld(t).story()
	if got, err := w.Verify(t.Context(), "acme"); err != nil || !got.Complete() || got.Entries != 12 {
		t.Errorf("%+v, %v", got, err)
	}
	w.more(250)
	if got := w.audit(); !got.Complete() || got.Verified != 262 {
		t.Errorf("%+v", got)
	}
}

// The next run reads what is new, and nothing at all where nothing is.
func TestARunCostsWhatIsNew(t *testing.T) {
	w := newWorld(t).story()
	w.more(150)
	w.audit()
	for w.audit().Entries > 0 { // the patrol
	}
	w.store.reads = 0
	w.audit()
	if w.store.reads != 1 { // whether there is something beyond the head
		t.Errorf("%d pages were read for nothing", w.store.reads)
	}
	w.more(5)
	if got := w.audit(); got.Entries != 5 || !got.Complete() {
		t.Errorf("%d entries read: %v", got.Entries, got.Findings)
	}
	w.now = w.now.Add(24 * time.Hour)
	if got := w.audit(); got.Entries != 167 || !got.Complete() {
		t.Errorf("the day's patrol read %d entries: %v", got.Entries, got.Findings)
	}
}

// plant is damage that must be found. It is planted before anything was verified (the tail finds it), and after all was
// (the head's comparison or the patrol must).
type plant struct {
	what    string
	want    Kind
	head    func(wallet.Head) (wallet.Head, error)
	journal func([]placed) []placed
	grants  func([]wallet.Entry) []wallet.Entry
	doc     func(*ledger.Document)
}

func headed(change func(*wallet.Head)) func(wallet.Head) (wallet.Head, error) {
	return func(h wallet.Head) (wallet.Head, error) {
		change(&h)
		return h, nil
	}
}

// entry changes the entry of a number, and the hashes of all behind it where the chain is mended.
func entry(number int, mended bool, change func(*wallet.Entry)) func([]placed) []placed {
	return func(all []placed) []placed {
		change(&all[number-1].entry)
		for i := number; mended && i < len(all); i++ {
			all[i].entry.Previous = all[i-1].entry.Hash()
		}
		return all
	}
}

func fen(n int64) money.Amount { return money.Of(money.CNY, n) }

var plants = []plant{
	{what: "a lot has a fen more", want: HeadDiffers, head: headed(func(h *wallet.Head) { h.Lots[0].Remaining = h.Lots[0].Remaining.Add(fen(1)) })},
	{what: "cash has a fen more", want: HeadDiffers, head: headed(func(h *wallet.Head) { h.Cash = h.Cash.Add(fen(1)) })},
	{what: "a lot expires later", want: HeadDiffers, head: headed(func(h *wallet.Head) { h.Lots[0].ExpiresAt = h.Lots[0].ExpiresAt.Add(time.Hour) })},
	{what: "a lot is gone", want: HeadDiffers, head: headed(func(h *wallet.Head) { h.Lots = nil })},
	{what: "the carried cost changed", want: HeadDiffers, head: headed(func(h *wallet.Head) { h.Carried[0] = money.ZeroExact(money.CNY) })},
	{what: "the head's hash changed", want: HeadDiffers, head: headed(func(h *wallet.Head) { h.Last[0] ^= 1 })},
	{what: "the head is one ahead", want: Missing, head: headed(func(h *wallet.Head) { h.Version++ })},
	{what: "the head tells a lower version", want: HeadDiffers, head: headed(func(h *wallet.Head) { h.Version-- })},
	{what: "the head is gone", want: HeadBehind, head: headed(func(h *wallet.Head) { *h = wallet.Head{Account: "acme"} })},
	{what: "the head isn't a head", want: Damaged, head: func(h wallet.Head) (wallet.Head, error) { return h, ledger.ErrDamaged }},
	{what: "nobody looks when a lot lapses", want: Forgotten, head: headed(func(h *wallet.Head) { h.Due = time.Time{} })},
	{what: "somebody looks long after a lot has lapsed", want: Forgotten, head: headed(func(h *wallet.Head) { h.Due = dayEnd.Add(13 * 24 * time.Hour) })},
	{what: "a grant isn't listed as one", want: Unlisted, grants: func(listed []wallet.Entry) []wallet.Entry {
		return slices.DeleteFunc(listed, func(e wallet.Entry) bool { return e.Number == 5 })
	}},
	{what: "an entry is deleted", want: Missing, journal: func(all []placed) []placed { return append(all[:4:4], all[5:]...) }},
	{what: "the first entry is deleted", want: Missing, journal: func(all []placed) []placed { return all[1:] }},
	{what: "the last entry is deleted", want: Missing, journal: func(all []placed) []placed { return all[:len(all)-1] }},
	{what: "all entries are deleted", want: Missing, journal: func([]placed) []placed { return nil }},
	{what: "two entries swapped their places", want: Misplaced, journal: func(all []placed) []placed {
		all[4].rank, all[5].rank = all[5].rank, all[4].rank
		return all
	}},
	{what: "an entry tells another's number", want: Misplaced, journal: entry(6, false, func(e *wallet.Entry) { e.Number = 7 })},
	{what: "an entry tells another account", want: Misplaced, journal: entry(6, false, func(e *wallet.Entry) { e.Account = "zen" })},
	{what: "a posting changed", want: Unbalanced, journal: entry(3, false, func(e *wallet.Entry) { e.Postings[0].Amount = fen(1) })},
	{what: "a posting changed, and the chain was mended", want: Unbalanced, journal: entry(3, true, func(e *wallet.Entry) { e.Postings[0].Amount = fen(1) })},
	{what: "a posting goes elsewhere", want: Unbalanced, journal: entry(6, true, func(e *wallet.Entry) { e.Postings[0].From = wallet.Place{Kind: wallet.InCash} })},
	{what: "a posting outside the wallet changed its place", want: ChainBroken, journal: entry(6, false, func(e *wallet.Entry) { e.Postings[0].To = wallet.Place{Kind: wallet.AtCompany} })},
	{what: "a posting is negative", want: Unbalanced, journal: entry(3, true, func(e *wallet.Entry) { e.Postings[0].Amount = fen(-1) })},
	{what: "an explanation changed", want: Unbalanced, journal: entry(6, true, func(e *wallet.Entry) {
		e.Settlement.Classes[0].Draws[0].Paid = e.Settlement.Classes[0].Draws[0].Paid.Sub(fen(1))
	})},
	{what: "balances changed", want: Unbalanced, journal: entry(3, true, func(e *wallet.Entry) { e.Balances.Cash = fen(1) })},
	{what: "a hash changed", want: ChainBroken, journal: entry(7, false, func(e *wallet.Entry) { e.Previous[3] ^= 1 })},
	{what: "a reason changed", want: ChainBroken, journal: entry(3, false, func(e *wallet.Entry) { e.Reason = "gift" })},
	{what: "a reason changed, and the chain was mended", want: HeadDiffers, journal: entry(3, true, func(e *wallet.Entry) { e.Reason = "gift" })},
	{what: "the last entry's reason changed", want: HeadDiffers, journal: entry(12, false, func(e *wallet.Entry) { e.Reason = "gift" })},
	{what: "a fund gave more than it held", want: Unbalanced, journal: entry(6, true, func(e *wallet.Entry) {
		class, gave := &e.Settlement.Classes[0], fen(2001)
		e.Postings[0].Amount, class.Draws[0].Paid, class.Payable = gave, gave, gave
		e.Balances.Regular, e.Balances.Carried[0] = fen(-1), class.Exact.Sub(gave.Exact())
	})},
	{what: "a fund paid when its grace was over", want: OutOfTime, journal: entry(6, true, func(e *wallet.Entry) { e.Time = dayEnd.Add(11 * 24 * time.Hour) })},
	{what: "a fund paid for a day that it didn't live to see the end of", want: OutOfTime, journal: entry(4, true, func(e *wallet.Entry) {
		e.Lots[0].ExpiresAt = dayEnd.Add(-time.Millisecond)
	})},
	{what: "a fund lapsed before its grace was over", want: OutOfTime, journal: entry(12, true, func(e *wallet.Entry) {
		e.Time = dayEnd.Add(48*time.Hour - time.Millisecond)
	})},
	{what: "a bill was settled again under another key", want: WrongCause, journal: entry(7, true, func(e *wallet.Entry) { e.Settlement.Bill = "b-1" })},
	{what: "an entry has another's cause", want: WrongCause, journal: entry(7, true, func(e *wallet.Entry) { e.Key = "bill:b-1" })},
	{what: "one cause has two entries", want: CauseTwice, journal: twice},
	{what: "the order isn't credited", want: DocumentDiffers, doc: order(func(o *recharge.Order) { o.State = recharge.Awaiting })},
	{what: "the order is about another amount", want: DocumentDiffers, doc: order(func(o *recharge.Order) { o.Minor++ })},
	{what: "the order was paid by another trade", want: DocumentDiffers, doc: order(func(o *recharge.Order) { o.Trade = "T2" })},
	{what: "the order is another account's", want: DocumentDiffers, doc: order(func(o *recharge.Order) { o.Account = "zen" })},
	{what: "the order is deleted", want: DocumentDiffers, doc: only("recharge", func(d *ledger.Document) { d.Body = nil })},
	{what: "the cloud's charge is deleted", want: DocumentDiffers, doc: only("cloud-charge", func(d *ledger.Document) { d.Body = nil })},
	{what: "the cloud's charge is another", want: DocumentDiffers, doc: only("cloud-charge", func(d *ledger.Document) {
		*d = d.With(map[string]any{"bill_id": "b-3", "amount": "1.00"})
	})},
}

// twice is the second voucher's activation made to be the first one's, with everything else mended.
func twice(all []placed) []placed {
	var head wallet.Head
	head.Account = "acme"
	for i := range all {
		e := &all[i].entry
		if i == 4 {
			*e = wallet.Entry{
				Key: all[2].entry.Key, Account: "acme", Number: 5, Time: e.Time, Kind: wallet.Adjusted, Fingerprint: all[2].entry.Fingerprint,
				Postings: all[2].entry.Postings, Balances: head.Balances(),
			}
			e.Balances.Cash = e.Balances.Cash.Add(e.Postings[0].Amount)
		}
		e.Previous = head.Last
		next, err := wallet.Replay(head, *e)
		if err != nil {
			break
		}
		head = next
	}
	return all
}

func only(kind string, change func(*ledger.Document)) func(*ledger.Document) {
	return func(d *ledger.Document) {
		if d.Key.Kind == kind {
			change(d)
		}
	}
}

func order(change func(*recharge.Order)) func(*ledger.Document) {
	return only("recharge", func(d *ledger.Document) {
		o, err := ledger.Body[recharge.Order](*d)
		if err != nil {
			panic(err)
		}
		change(&o)
		*d = d.With(o)
	})
}

func TestEachPlantedCorruptionIsFound(t *testing.T) {
	for _, p := range plants {
		t.Run(p.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).story()
			w.plant(p)
			w.now = w.now.Add(time.Hour)
			if got := w.audit(); len(got.Findings) == 0 || got.Findings[0].Kind != p.want {
				t.Errorf("the first run found %v, want %s", got.Findings, p.want)
			}
			kept, _, err := Findings(t.Context(), w.store, "", 10)
			if err != nil || len(kept) == 0 || kept[0].ID == "" {
				t.Errorf("kept: %v, %v", kept, err)
			}
			before := len(kept)
			w.audit()
			if kept, _, err = Findings(t.Context(), w.store, "", 10); len(kept) != before {
				t.Errorf("found again, it is kept again: %v, %v", kept, err)
			}
		})
	}
}

// What was verified is damaged afterwards: within two days, it is found by the patrol, at the latest.
func TestEachCorruptionIsFoundThoughAllWasVerifiedBefore(t *testing.T) {
	for _, p := range plants {
		t.Run(p.what, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t).story()
			for range 3 {
				if got := w.audit(); !got.Complete() {
					t.Fatal(got.Findings)
				}
			}
			w.plant(p)
			for hours := 0; hours <= 24; hours++ {
				w.now = w.now.Add(time.Hour)
				if got := w.audit(); len(got.Findings) > 0 {
					t.Logf("found after %d hours: %v", hours+1, got.Findings[0])
					return
				}
			}
			t.Error("not found")
		})
	}
}

func (w *world) plant(p plant) {
	w.store.head, w.store.journal, w.store.grants, w.store.documents = p.head, p.journal, p.grants, p.doc
}

func TestAnIndexThatLagsIsNoAlarm(t *testing.T) {
	for what, lacks := range map[string]func(e placed) bool{
		"the newest": func(e placed) bool { return e.rank > 8 },
		"one":        func(e placed) bool { return e.rank == 11 },
		"all":        func(placed) bool { return true },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t).story()
			w.now = w.head().Time.Add(time.Second)
			w.store.journal = func(all []placed) []placed {
				var listed []placed
				for _, p := range all {
					if !lacks(p) {
						listed = append(listed, p)
					}
				}
				return listed
			}
			if got := w.audit(); len(got.Findings) > 0 || !got.Late {
				t.Errorf("at once: %+v", got)
			}
			w.store.journal = nil
			if got := w.audit(); !got.Complete() {
				t.Errorf("when it has caught up: %+v", got)
			}
		})
	}
	w := newWorld(t).story()
	w.now = w.head().Time.Add(time.Second)
	w.store.journal = func(all []placed) []placed { return all[:10] }
	w.audit()
	w.now = w.now.Add(Lag)
	if got := w.audit(); len(got.Findings) != 1 || got.Findings[0].Kind != Missing || got.Findings[0].Number != 11 {
		t.Errorf("when it had its time: %+v", got)
	}
}

// A head that was restored from a backup, beside a journal that wasn't, is found either way (failures.md T-71).
func TestAHeadThatWasRestoredIsFound(t *testing.T) {
	for _, verified := range []bool{false, true} {
		w := newWorld(t).story()
		old := w.head()
		w.more(3)
		if verified {
			w.audit()
		}
		w.store.head = func(wallet.Head) (wallet.Head, error) { return old, nil }
		if got := w.audit(); len(got.Findings) != 1 || got.Findings[0].Kind != HeadBehind {
			t.Errorf("verified before %v: %v", verified, got.Findings)
		}
	}
}

// A store that doesn't answer is no finding.
func TestTroubleIsNoFinding(t *testing.T) {
	w := newWorld(t).story()
	w.store.head = func(h wallet.Head) (wallet.Head, error) { return h, ledger.ErrThrottled }
	if _, err := w.Audit(t.Context(), "acme"); err == nil {
		t.Error("a throttled read went unnoticed")
	}
	w.store.head = nil
	if kept, _, err := Findings(t.Context(), w.store, "", 10); err != nil || len(kept) > 0 {
		t.Errorf("%v, %v", kept, err)
	}
}

func TestPendingChargesAreCompared(t *testing.T) {
	w := newWorld(t).story()
	if found, next, err := w.Charges(t.Context(), ""); err != nil || len(found) > 0 || next != "" {
		t.Errorf("%v, %q, %v", found, next, err)
	}
	w.store.documents = only("cloud-charge", func(d *ledger.Document) {
		*d = d.With(map[string]any{"bill_id": "b-3", "account_id": "acme", "amount": "1.00"})
	})
	if found, _, err := w.Charges(t.Context(), ""); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}
