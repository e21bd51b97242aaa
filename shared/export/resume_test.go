package export_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"billingcentre/shared/books"
	"billingcentre/shared/export"
	"billingcentre/shared/money"
)

// A walk that is begun again passes over the rows of its day that were told before. There may be millions: whoever walks
// must be able to stop among them, or his time ends while he waits for the first that is new.
func TestAWalkThatIsBegunAgainCanBeStoppedSoon(t *testing.T) {
	const rows, told = 5000, 4900
	row := func(i int) books.Row {
		return books.Row{Day: "2026-11-01", Product: "logs", Bill: "b", Entry: int64(i), Exact: money.ZeroExact(money.CNY), Payable: money.Zero(money.CNY)}
	}
	walked := 0
	walk := func(context.Context, books.Filter) iter.Seq2[books.Row, error] {
		return func(yield func(books.Row, error) bool) {
			for i := range rows {
				if walked++; !yield(row(i), nil) {
					return
				}
			}
		}
	}
	table := export.Consumption(walk, books.Filter{}, time.UTC, export.English)
	after := row(told - 1).Place().String()
	for r, err := range table.Rows(t.Context(), after) {
		if err != nil || r.Cells != nil {
			t.Fatal(fmt.Sprint(r), err)
		}
		break
	}
	if walked > 1000 {
		t.Errorf("%d rows were walked through", walked)
	}
	lines, places := 0, 0
	for r, err := range table.Rows(t.Context(), after) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Cells != nil {
			lines++
		}
		if r.Place != "" {
			places++
		}
	}
	if lines != rows-told || places != rows-told {
		t.Errorf("%d lines, %d places", lines, places)
	}
}
