package alipay

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

// billFile is an example of what Alipay hands out: a day of one order that was paid twice, and of refunds.
const billFile = "../../../events/proof/alipay-bill-20261101.zip"

// TestTheExampleOfABill: the example is what the stand-in makes, and the stand-in makes what the example is.
func TestTheExampleOfABill(t *testing.T) {
	const first, second = "2026110122001401234567890123", "2026110122001401239999999999"
	at := func(clock string) time.Time {
		moment, err := time.ParseInLocation(timeForm, "2026-11-01 "+clock, gmt8)
		if err != nil {
			t.Fatal(err)
		}
		return moment
	}
	lines := []BillLine{
		{TradeNo: first, OutTradeNo: testOrder.ID, Subject: "Top-up of acme", Amount: 100_00, Received: 100_00, At: at("10:00:04")},
		{TradeNo: second, OutTradeNo: testOrder.ID, Subject: "Top-up of acme", Amount: 100_00, Received: 100_00, At: at("10:01:00")},
		{TradeNo: second, OutTradeNo: testOrder.ID, Refund: "FDQ0EX9QRCS5ZK5D36KTGEAVWE6WMMMG0", Subject: "Top-up of acme", Amount: 100_00, Received: 100_00, At: at("10:03:00")},
		{TradeNo: first, OutTradeNo: testOrder.ID, Refund: "FAVN8PWHY8JGW2MQ23WR26730Z62E98E4", Subject: "Top-up of acme", Amount: 30_00, Received: 30_00, At: at("23:59:59")},
	}
	day := at("00:00:00")
	packed, err := packBill("2088123412341234", day, lines, false)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		same(t, billFile, packed)
	}
	kept, err := os.ReadFile(billFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(unpacked(t, packed), unpacked(t, kept)); diff != "" {
		t.Errorf("%s (-made +kept): go test ./infra/local/alipay -run Example -update\n%s", billFile, diff)
	}
}

// unpacked are the files of a bill, by their names, as bytes: zips differ from version to version.
func unpacked(t *testing.T, packed []byte) map[string]string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, file := range archive.File {
		in, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		files[file.Name] = string(text)
	}
	return files
}
