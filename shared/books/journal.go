package books

import (
	"maps"
	"slices"

	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// journalMonth is what is kept of the entries of one month, by day of the account's zone.
type journalMonth struct {
	Days map[string]*journalDay `json:"days"`
}

type journalDay struct {
	First   int64           `json:"f"`
	Last    int64           `json:"l"`
	Opening keptBalances    `json:"o"`
	Closing keptBalances    `json:"c"`
	Flows   map[uint8]*flow `json:"k"` // by the number of the entries' kind
}

type flow struct {
	Count int64    `json:"n"`
	In    [5]int64 `json:"i"` // by Fund
	Out   [5]int64 `json:"o"`
}

// keptBalances are balances as they are kept.
type keptBalances struct {
	Funds   [5]int64  `json:"f"`
	Carried [2]string `json:"c"`
}

func keep(b wallet.Balances) (k keptBalances) {
	for i, fund := range Funds {
		k.Funds[i] = held(b, fund).Minor()
	}
	for i, carried := range b.Carried {
		k.Carried[i] = carried.String()
	}
	return k
}

func (k keptBalances) balances(currency money.Currency) (b wallet.Balances, err error) {
	amounts := [...]*money.Amount{&b.Cash, &b.Arrears, &b.Regular, &b.Discount, &b.Card}
	for i := range Funds {
		*amounts[i] = money.Of(currency, k.Funds[i])
	}
	for i, text := range k.Carried {
		if b.Carried[i], err = money.ReadExact(text, currency); err != nil {
			return b, err
		}
	}
	return b, nil
}

func readJournal(body []byte) (*journalMonth, error) {
	m := &journalMonth{Days: map[string]*journalDay{}}
	if body == nil {
		return m, nil
	}
	return m, unpacked(body, m)
}

// add counts one change.
func (m *journalMonth) add(day string, c Change) {
	d, known := m.Days[day]
	if !known {
		d = &journalDay{First: c.Entry.Number, Opening: keep(c.Before), Flows: map[uint8]*flow{}}
		m.Days[day] = d
	}
	d.Last, d.Closing = c.Entry.Number, keep(c.Entry.Balances)
	f := d.Flows[uint8(c.Entry.Kind)]
	if f == nil {
		f = new(flow)
		d.Flows[uint8(c.Entry.Kind)] = f
	}
	f.Count++
	for _, move := range c.Moves {
		if move.Amount.IsNegative() {
			f.Out[move.Fund] -= move.Amount.Minor()
		} else {
			f.In[move.Fund] += move.Amount.Minor()
		}
	}
}

// tell is the day as it is told.
func (d *journalDay) tell(day string, currency money.Currency) (told JournalDay, err error) {
	told = JournalDay{Day: day, First: d.First, Last: d.Last}
	if told.Opening, err = d.Opening.balances(currency); err != nil {
		return told, err
	}
	if told.Closing, err = d.Closing.balances(currency); err != nil {
		return told, err
	}
	for _, kind := range slices.Sorted(maps.Keys(d.Flows)) {
		f := d.Flows[kind]
		told.Flows = append(told.Flows, Flow{wallet.EntryKind(kind), f.Count, sumsOf(f.In, currency), sumsOf(f.Out, currency)})
	}
	return told, nil
}

func sumsOf(minor [5]int64, currency money.Currency) Sums {
	of := func(f Fund) money.Amount { return money.Of(currency, minor[f]) }
	return Sums{of(Cash), of(Arrears), of(Regular), of(Discount), of(Card)}
}
