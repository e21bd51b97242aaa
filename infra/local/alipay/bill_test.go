package alipay

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
)

// billed moves to ten o'clock of the next day in GMT+8, and returns the day before.
func (w *town) billed() string {
	at := w.clock.now().In(gmt8)
	next := time.Date(at.Year(), at.Month(), at.Day()+1, 10, 0, 0, 0, gmt8)
	w.clock.move(next.Sub(at))
	return at.Format(time.DateOnly)
}

func TestABillTellsWhatMoved(t *testing.T) {
	w := newTown(t)
	for _, id := range []string{"one", "two", "open"} {
		w.create(id)
	}
	for _, id := range []string{"one", "two"} {
		if _, err := w.gateway.Pay(id); err != nil {
			t.Fatal(err)
		}
	}
	paid, _ := w.gateway.Trade("two")
	refund := payment.Refund{ID: "back_1", OrderID: "two", Ref: paid.TradeNo, Amount: money.Of(money.CNY, 88), Reason: "test"}
	if _, err := w.channel.Refund(w.ctx(), refund); err != nil {
		t.Fatal(err)
	}
	day := w.clock.now().In(gmt8).Format(time.DateOnly)
	if _, err := w.channel.Bill(w.ctx(), day); !errors.Is(err, payment.ErrNoBill) {
		t.Errorf("the bill of today: %v", err)
	}
	w.billed()
	rows, err := w.channel.Bill(w.ctx(), day)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		got = append(got, row.OrderID+" "+row.Refund+" "+row.Amount.String()+" "+row.Received.String())
		if trade, _ := w.gateway.Trade(row.OrderID); row.Ref != trade.TradeNo || row.At.IsZero() || row.Line == 0 {
			t.Errorf("%+v of trade %s", row, trade.TradeNo)
		}
	}
	slices.Sort(got)
	if want := "one  88.88 88.88|two  88.88 88.88|two back_1 0.88 0.88"; strings.Join(got, "|") != want {
		t.Errorf("the bill has %q, want %q", got, want)
	}
	if _, err := w.channel.Bill(w.ctx(), "2020-01-01"); !errors.Is(err, payment.ErrNoBill) {
		t.Errorf("a day of nothing: %v", err)
	}
	if _, err := w.channel.Bill(w.ctx(), "yesterday"); err == nil {
		t.Error("a day that is none passes")
	}
}

func TestABillThatIsNotWholeIsNoBill(t *testing.T) {
	w := newTown(t)
	w.create("one")
	if _, err := w.gateway.Pay("one"); err != nil {
		t.Fatal(err)
	}
	day := w.billed()
	w.gateway.CutBills(true)
	if rows, err := w.channel.Bill(w.ctx(), day); err == nil || errors.Is(err, payment.ErrNoBill) {
		t.Errorf("a bill that is cut off: %v, %v", rows, err)
	}
	w.gateway.CutBills(false)
	w.gateway.ChangeBills(func(_ string, lines []BillLine) []BillLine {
		lines[0].Amount++
		return append(lines, BillLine{TradeNo: "2026", OutTradeNo: "nobody", Amount: 1, Received: 1, At: lines[0].At})
	})
	rows, err := w.channel.Bill(w.ctx(), day)
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	if a, b := rows[0].Amount.String(), rows[1].Amount.String(); a != "88.89" && b != "88.89" {
		t.Errorf("the changed row says %s and %s", a, b)
	}
}
