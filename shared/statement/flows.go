package statement

import (
	"slices"

	"billingcentre/shared/books"
	"billingcentre/shared/money"
)

// JournalSums are what entries moved, over some days.
type JournalSums struct {
	Count   int64
	In, Out books.Sums
}

// Flows adds up days of the journal, kind by kind.
func Flows(days []books.JournalDay, currency money.Currency) []books.Flow {
	var flows []books.Flow
	for _, day := range days {
		for _, f := range day.Flows {
			at := slices.IndexFunc(flows, func(o books.Flow) bool { return o.Kind == f.Kind })
			if at < 0 {
				flows = append(flows, books.Flow{Kind: f.Kind, In: noSums(currency), Out: noSums(currency)})
				at = len(flows) - 1
			}
			o := &flows[at]
			o.Count, o.In, o.Out = o.Count+f.Count, add(o.In, f.In), add(o.Out, f.Out)
		}
	}
	slices.SortFunc(flows, func(a, b books.Flow) int { return int(a.Kind) - int(b.Kind) })
	return flows
}

// Altogether adds up flows of all kinds.
func Altogether(flows []books.Flow, currency money.Currency) JournalSums {
	s := JournalSums{In: noSums(currency), Out: noSums(currency)}
	for _, f := range flows {
		s.Count, s.In, s.Out = s.Count+f.Count, add(s.In, f.In), add(s.Out, f.Out)
	}
	return s
}

func noSums(currency money.Currency) books.Sums {
	zero := money.Zero(currency)
	return books.Sums{Cash: zero, Arrears: zero, Regular: zero, Discount: zero, Card: zero}
}

func add(a, b books.Sums) books.Sums {
	return books.Sums{
		Cash: a.Cash.Add(b.Cash), Arrears: a.Arrears.Add(b.Arrears), Regular: a.Regular.Add(b.Regular), Discount: a.Discount.Add(b.Discount), Card: a.Card.Add(b.Card),
	}
}
