package statement

import (
	"slices"

	"billingcentre/shared/books"
	"billingcentre/shared/money"
)

// Flow is what the month's entries of one kind moved.
type Flow struct {
	Kind  string   `json:"kind"`
	Count int64    `json:"entries"`
	In    FundSums `json:"in"`
	Out   FundSums `json:"out"`
}

// FundSums are amounts of each fund.
type FundSums struct {
	Regular  string `json:"regular"`
	Discount string `json:"discount"`
	Card     string `json:"card"`
	Cash     string `json:"cash"`
	Arrears  string `json:"arrears"`
}

// FundSumsOf writes sums.
func FundSumsOf(s books.Sums) FundSums {
	return FundSums{s.Regular.String(), s.Discount.String(), s.Card.String(), s.Cash.String(), s.Arrears.String()}
}

// FlowOf writes a flow.
func FlowOf(f books.Flow) Flow {
	return Flow{f.Kind.String(), f.Count, FundSumsOf(f.In), FundSumsOf(f.Out)}
}

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
