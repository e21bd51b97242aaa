package books

import (
	"fmt"
	"slices"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// The documents of months are small and compressed; each batch of a hundred entries writes one or two of them anew.

const (
	usageKind   = "books-usage"   // by account and usage month
	journalKind = "books-journal" // by account and month of the entries
)

// What bounds the documents of usage months. Tests make them small.
var (
	maxProducts = 64      // of a day that are kept one by one
	maxNames    = 4 << 10 // bytes of their names
	maxRuns     = 64      // of volumes of a day: beyond, the closest are joined, and some are read in vain
)

func monthKey(kind string, account wallet.AccountID, month string) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: kind, ID: fmt.Sprintf("%s#%s", account, month)}
}

// monthOf is the month of a day.
func monthOf(day string) string { return day[:len("2006-01")] }

// usageMonth is what is kept of the usage of one month, by day.
type usageMonth struct {
	Last int64                `json:"last"` // the last entry that is counted; a view may have been opened before it was
	Days map[string]*usageDay `json:"days"`
}

// usageDay is what is kept of the usage of one day.
type usageDay struct {
	Total    *tally            `json:"t"`
	Products map[string]*tally `json:"p,omitempty"`
	Many     bool              `json:"m,omitzero"` // too many products: only Total is kept
	Runs     [][2]int64        `json:"r"`          // first and last of volumes that have rows of the day, ascending
}

func readUsage(body []byte, currency money.Currency) (*usageMonth, error) {
	m := &usageMonth{Days: map[string]*usageDay{}}
	if body == nil {
		return m, nil
	}
	if err := unpacked(body, m); err != nil {
		return nil, err
	}
	for _, day := range m.Days {
		for _, t := range day.tallies() {
			if err := t.thaw(currency); err != nil {
				return nil, err
			}
		}
	}
	return m, nil
}

func (m *usageMonth) body() []byte {
	for _, day := range m.Days {
		for _, t := range day.tallies() {
			t.Exact = t.exact.String()
		}
	}
	return packed(m)
}

func (d *usageDay) tallies() []*tally {
	all := []*tally{d.Total}
	for _, t := range d.Products {
		all = append(all, t)
	}
	return all
}

// add counts the rows of one entry.
func (m *usageMonth) add(rows []Row) {
	day, known := m.Days[rows[0].Day]
	currency := rows[0].Payable.Currency()
	if !known {
		day = &usageDay{Total: newTally(currency), Products: map[string]*tally{}}
		m.Days[rows[0].Day] = day
	}
	m.Last = rows[0].Entry
	day.Total.rows(rows, 1)
	day.run(volumeOf(rows[0].Entry))
	for _, same := range byProduct(rows, !day.Many) {
		if day.Many {
			break
		}
		product := same[0].Product
		if day.Products[product] == nil {
			if day.full(product) {
				day.Products, day.Many = nil, true
				break
			}
			day.Products[product] = newTally(currency)
		}
		day.Products[product].rows(same, 1)
	}
}

// full tells whether a further product would be too many.
func (d *usageDay) full(product string) bool {
	names := len(product)
	for name := range d.Products {
		names += len(name)
	}
	return len(d.Products) == maxProducts || names > maxNames
}

// run notes that a volume, the last one so far, has rows of the day.
func (d *usageDay) run(volume int64) {
	if n := len(d.Runs); n > 0 {
		last := &d.Runs[n-1]
		if last[1] >= volume-1 {
			last[1] = max(last[1], volume)
			return
		}
	}
	d.Runs = append(d.Runs, [2]int64{volume, volume})
	if len(d.Runs) > maxRuns {
		closest := 1
		for i := 2; i < len(d.Runs); i++ {
			if d.Runs[i][0]-d.Runs[i-1][1] < d.Runs[closest][0]-d.Runs[closest-1][1] {
				closest = i
			}
		}
		d.Runs[closest-1][1] = d.Runs[closest][1]
		d.Runs = slices.Delete(d.Runs, closest, closest+1)
	}
}

// tally is Totals in the making; it is also the form in which they are kept, in minor units.
type tally struct {
	Rows     int64  `json:"n,omitzero"` // reversals are rows too: a group without any doesn't exist
	Exact    string `json:"x,omitzero"` // exact, when it is kept
	Payable  int64  `json:"p,omitzero"`
	Regular  int64  `json:"r,omitzero"`
	Discount int64  `json:"d,omitzero"`
	Card     int64  `json:"c,omitzero"`
	Cash     int64  `json:"m,omitzero"`
	Arrears  int64  `json:"a,omitzero"`
	Cloud    int64  `json:"o,omitzero"`
	Bills    int64  `json:"b,omitzero"`
	Reversed int64  `json:"v,omitzero"`
	Lines    int64  `json:"l,omitzero"`

	exact money.Exact
}

func newTally(currency money.Currency) *tally { return &tally{exact: money.ZeroExact(currency)} }

func (t *tally) thaw(currency money.Currency) (err error) {
	t.exact, err = money.ReadExact(t.Exact, currency)
	return err
}

func (t *tally) numbers() [11]*int64 {
	return [...]*int64{
		&t.Rows, &t.Payable, &t.Regular, &t.Discount, &t.Card, &t.Cash, &t.Arrears, &t.Cloud, &t.Bills, &t.Reversed, &t.Lines,
	}
}

// add adds another tally, or takes it away.
func (t *tally) add(o *tally, sign int64) {
	others := o.numbers()
	for i, n := range t.numbers() {
		*n += sign * *others[i]
	}
	if sign < 0 {
		t.exact = t.exact.Sub(o.exact)
	} else {
		t.exact = t.exact.Add(o.exact)
	}
}

// rows adds rows of one entry, or takes them away.
func (t *tally) rows(rows []Row, sign int64) {
	if len(rows) == 0 {
		return
	}
	sum := newTally(t.exact.Currency())
	for _, r := range rows {
		sum.exact = sum.exact.Add(r.Exact)
		sum.Payable += r.Payable.Minor()
		for i, n := range [...]*int64{&sum.Regular, &sum.Discount, &sum.Card, &sum.Cash, &sum.Arrears, &sum.Cloud} {
			*n += r.Paid.funds()[i].Minor()
		}
	}
	sum.Rows, sum.Bills, sum.Lines = int64(len(rows)), 1, int64(len(rows))
	if rows[0].Reversal {
		sum.Bills, sum.Lines, sum.Reversed = -1, -sum.Lines, 1
	}
	t.add(sum, sign)
}

func (t *tally) totals() Totals {
	amount := func(minor int64) money.Amount { return money.Of(t.exact.Currency(), minor) }
	return Totals{
		Exact: t.exact, Payable: amount(t.Payable), Bills: t.Bills, Reversed: t.Reversed, Lines: t.Lines,
		Paid: Paid{amount(t.Regular), amount(t.Discount), amount(t.Card), amount(t.Cash), amount(t.Arrears), amount(t.Cloud)},
	}
}
