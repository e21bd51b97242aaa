package books

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// long is a store with the books of one account of so many entries, each of which is made when somebody asks for it:
// thousands of bills a night, each of one of a thousand workspaces, and a top-up in every thousandth volume. It
// counts what is read.
type long struct {
	memory.Store
	t       testing.TB
	entries int64 // that are kept; some more are in the tail
	calls   int
	read    int // documents and entries
}

const inTail = 50

var (
	began = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	sold  = []string{"logs", "sms"}
)

// when is the time of an entry: 3,600 of them in six hours of the night, and nothing by day.
func when(number int64) time.Time {
	night, minute := (number-1)/3600, (number-1)%3600
	return began.AddDate(0, 0, int(night)).Add(time.Duration(minute) * 6 * time.Second)
}

func (l *long) head(number int64) wallet.Head {
	h := wallet.Head{
		Account: "acme", Currency: money.CNY, Zone: "UTC", Version: number, Time: when(max(number, 1)), Cash: money.Units(money.CNY, 1_000_000_000),
		Arrears: money.Zero(money.CNY), Carried: [2]money.Exact{money.ZeroExact(money.CNY), money.ZeroExact(money.CNY)},
	}
	h.Last[0] = byte(volumeOf(number)) // whatever: a volume is replayed by itself
	return h
}

// made decides the entries of a volume, up to a number.
func (l *long) made(number, until int64) *volume {
	v := &volume{before: l.head(firstOf(number) - 1), settled: map[wallet.BillID]wallet.Entry{}}
	if number > volumeOf(l.entries) { // the tail follows from the last volume
		var err error
		if v.before, err = l.made(number-1, l.entries).after(l.entries); err != nil {
			l.t.Fatal(err)
		}
	}
	head := v.before
	for n := firstOf(number); n <= min(lastOf(number), until); n++ {
		var command wallet.Command = l.bill(n)
		switch {
		case n == 1:
			head, v.before = wallet.Head{Account: "acme"}, wallet.Head{Account: "acme"}
			command = wallet.Open{Account: "acme", Currency: money.CNY, Zone: "UTC"}
		case number%1000 == 1 && n == firstOf(number), n == 2:
			command = wallet.TopUp{Order: fmt.Sprint(n), Amount: money.Units(money.CNY, 1), Channel: "alipay"}
		}
		change, err := wallet.Decide(head, command, wallet.DefaultPolicy(), when(n))
		if err != nil {
			l.t.Fatal(err)
		}
		head = change.Head
		v.entries = append(v.entries, change.Entry)
	}
	return v
}

func (l *long) bill(number int64) wallet.Settle {
	s := wallet.Settle{
		Bill: wallet.Bill{
			ID: wallet.BillID(fmt.Sprint("b-", number)), Workspace: wallet.WorkspaceID(fmt.Sprint("ws-", number%1000)), Day: when(number).AddDate(0, 0, -1).Format(time.DateOnly), Currency: money.CNY,
		},
		DayEnd: when(number), Method: wallet.BillingCenter,
	}
	for _, product := range sold {
		s.Bill.Lines = append(s.Bill.Lines, wallet.Line{Product: product, Usage: "1", Unit: "u", Amount: money.Of(money.CNY, number%100).Exact()})
	}
	return s
}

func (l *long) Head(context.Context, wallet.AccountID) (wallet.Head, error) {
	l.calls, l.read = l.calls+1, l.read+1
	h := l.head(l.entries + inTail)
	h.Time = when(l.entries + inTail)
	return h, nil
}

func (l *long) Journal(_ context.Context, _ wallet.AccountID, before int64, limit int) (page []wallet.Entry, _ error) {
	l.calls += 2
	v := l.made(volumeOf(l.entries+1), l.entries+inTail)
	for i := len(v.entries) - 1; i >= 0 && len(page) < limit; i-- {
		if e := v.entries[i]; before == 0 || e.Number < before {
			page = append(page, e)
		}
	}
	l.read += len(page)
	return page, nil
}

func (l *long) Documents(_ context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	l.calls += 1 + (len(keys)-1)/100
	l.read += len(keys)
	found := map[ledger.DocumentKey]ledger.Document{}
	for _, key := range keys {
		_, id, _ := strings.Cut(key.ID, "#")
		var number int64
		_, _ = fmt.Sscan(id, &number)
		var body []byte
		switch key.Kind {
		case follow.DocumentKind:
			body = l.cursor()
		case volumeKind:
			body = l.made(number, lastOf(number)).write()[0]
		case contentsKind:
			body = l.contents(number)
		case indexKind:
			body = l.index(id)
		case usageKind, journalKind:
			body = l.month(key.Kind, id)
		}
		if body != nil {
			found[key] = ledger.Document{Key: key, Version: 1, Body: body}
		}
	}
	return found, nil
}

func (l *long) cursor() []byte {
	cursor := follow.Cursor[Cover]{Account: "acme", Number: l.entries, State: Cover{Months: map[string]int64{}, Indexed: map[string]int64{}}}
	for n := int64(1); n <= l.entries; n += 3600 {
		cursor.State.Months[monthOf(l.bill(n).Bill.Day)] = n
		cursor.State.Indexed[monthOf(l.bill(n).Bill.Day)] = volumeOf(l.entries) - 10
	}
	for table := int64(1); table <= contentsOf(volumeOf(l.entries)); table++ {
		cursor.State.Starts = append(cursor.State.Starts, when(firstOf((table-1)*listed+1)).UnixMilli())
		cursor.State.Masks = append(cursor.State.Masks, 1<<wallet.Settled|1<<wallet.ToppedUp|1<<(24+Cash))
	}
	text, err := json.Marshal(cursor)
	if err != nil {
		l.t.Fatal(err)
	}
	return text
}

func (l *long) contents(table int64) []byte {
	c := new(contents)
	for v := (table-1)*listed + 1; v <= min(table*listed, volumeOf(l.entries)); v++ {
		mask := uint32(1<<wallet.Settled | 1<<24)
		if v%1000 == 1 {
			mask |= 1 << wallet.ToppedUp
		}
		c.add(when(firstOf(v)).UnixMilli(), mask)
	}
	return packed(c)
}

// index is of the one workspace that is asked for: ws-77.
func (l *long) index(id string) []byte {
	x, _ := readIndex(nil, money.CNY)
	x.Through = volumeOf(l.entries) - 10
	for n := int64(77); n <= l.entries; n += 1000 {
		if month := monthOf(l.bill(n).Bill.Day); strings.HasPrefix(id, month) && volumeOf(n) <= x.Through {
			x.add([]Row{{Workspace: "ws-77", Exact: money.ZeroExact(money.CNY), Payable: money.Zero(money.CNY), Paid: nothing(money.CNY)}}, volumeOf(n))
		}
	}
	return x.body()
}

func (l *long) month(kind, month string) []byte {
	usage, journal := &usageMonth{Days: map[string]*usageDay{}}, &journalMonth{Days: map[string]*journalDay{}}
	for n := int64(1); n <= l.entries; n += 3600 {
		usageDate, madeOn := l.bill(n).Bill.Day, when(n).Format(time.DateOnly)
		last := min(n+3599, l.entries)
		if monthOf(usageDate) == month {
			t := newTally(money.CNY)
			t.Rows, t.Bills, t.Lines = 7200, 3600, 7200
			usage.Days[usageDate] = &usageDay{Total: t, Products: map[string]*tally{"logs": t, "sms": t}, Runs: [][2]int64{{volumeOf(n), volumeOf(last)}}}
		}
		if monthOf(madeOn) == month {
			h := l.head(n)
			zero := keep(h.Balances())
			journal.Days[madeOn] = &journalDay{First: n, Last: last, Opening: zero, Closing: zero, Flows: map[uint8]*flow{}}
		}
	}
	if kind == usageKind {
		return usage.body()
	}
	return packed(journal)
}

// TestReadsDontGrowWithTheJournal asks the same of a journal of ten thousand entries and of one of a million.
func TestReadsDontGrowWithTheJournal(t *testing.T) {
	always := Filter{From: "2020-01-01", Until: "2099-12-31", Most: 64}
	for _, c := range []struct {
		name  string
		calls int
		read  int // documents and entries; those of the tail are 50
		ask   func(v *View, l *long) error
	}{
		{"a look", 4, 52, func(*View, *long) error { return nil }},
		{"the first page of rows", 7, 60, func(v *View, _ *long) error {
			page, err := v.Rows(t.Context(), always, Place{}, 200)
			return wrong(err, len(page.Rows) != 200 || page.Next == Place{})
		}},
		{"a page in the middle", 7, 60, func(v *View, l *long) error {
			n := l.entries / 2
			page, err := v.Rows(t.Context(), always, Place{l.bill(n).Bill.Day, n, 0}, 200)
			return wrong(err, len(page.Rows) != 200 || page.Rows[0].Entry != n)
		}},
		{"rows of one workspace of a thousand", 13, 80, func(v *View, _ *long) error {
			f := always
			f.Workspace = "ws-77"
			page, err := v.Rows(t.Context(), f, Place{}, 20)
			return wrong(err, len(page.Rows) != 20 && page.Next != Place{})
		}},
		{"totals of a month by workspace", 9, 92, func(v *View, _ *long) error {
			groups, err := v.Totals(t.Context(), Filter{From: "2025-01-01", Until: "2025-01-31"}, ByWorkspace)
			return wrong(err, len(groups) == 0)
		}},
		{"totals of a month by product", 5, 53, func(v *View, _ *long) error {
			groups, err := v.Totals(t.Context(), Filter{From: "2025-01-01", Until: "2025-01-31"}, ByProduct)
			return wrong(err, len(groups) != 2)
		}},
		{"the first page of changes", 5, 53, func(v *View, _ *long) error {
			page, err := v.Changes(t.Context(), ChangeFilter{}, 0, 100)
			return wrong(err, len(page.Changes) != 100)
		}},
		{"the last top-up", 7, 56, func(v *View, l *long) error {
			page, err := v.Changes(t.Context(), ChangeFilter{Kinds: []wallet.EntryKind{wallet.ToppedUp}, Most: 64}, 0, 1)
			return wrong(err, len(page.Changes) != 1)
		}},
		{"a kind that never was", 5, 53, func(v *View, l *long) error {
			page, err := v.Changes(t.Context(), ChangeFilter{Kinds: []wallet.EntryKind{wallet.Lapsed}}, 0, 100)
			return wrong(err, len(page.Changes) != 0 || page.Next != 0)
		}},
		{"as of an instant", 6, 54, func(v *View, l *long) error {
			n := l.entries/2 + 17
			head, err := v.AsOf(t.Context(), when(n).Add(time.Second))
			return wrong(err, head.Version != n)
		}},
		{"a month of the journal", 6, 55, func(v *View, _ *long) error {
			days, err := v.JournalDays(t.Context(), "2025-01-01", "2025-01-31")
			return wrong(err, len(days) == 0)
		}},
		{"what was late", 4, 52, func(v *View, l *long) error {
			changed, err := v.Changed(t.Context(), l.entries)
			return wrong(err, len(changed) != 1)
		}},
	} {
		for _, entries := range []int64{10_000, 1_000_000} {
			l := &long{t: t, entries: entries}
			v, err := (&Books{Store: l}).Open(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.ask(v, l); err != nil {
				t.Errorf("%s of %d: %v", c.name, entries, err)
			}
			t.Logf("%s of %d entries: %d calls, %d read", c.name, entries, l.calls, l.read)
			if l.calls > c.calls || l.read > c.read {
				t.Errorf("%s of %d entries: %d calls for %d documents and entries, the budget is %d for %d", c.name, entries, l.calls, l.read, c.calls, c.read)
			}
		}
	}
}

func wrong(err error, so bool) error {
	if err == nil && so {
		return fmt.Errorf("it says something else")
	}
	return err
}
