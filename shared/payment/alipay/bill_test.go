package alipay

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
)

const exampleBill = "../../../events/proof/alipay-bill-20261101.zip"

// TestTheExampleOfABill: a zip of GBK CSV, its summary left out, read to the last row.
func TestTheExampleOfABill(t *testing.T) {
	packed, err := os.ReadFile(exampleBill)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readBill(packed)
	if err != nil {
		t.Fatal(err)
	}
	const order, first, second = "rch_20261101_0001", "2026110122001401234567890123", "2026110122001401239999999999"
	row := func(line int, trade, refund string, fen int64, clock string) payment.BillRow {
		at, err := parseTime("2026-11-01 " + clock)
		if err != nil {
			t.Fatal(err)
		}
		amount := money.Of(money.CNY, fen)
		return payment.BillRow{OrderID: order, Ref: trade, Refund: refund, Amount: amount, Received: amount, Fee: money.Zero(money.CNY), At: at, Line: line}
	}
	want := []payment.BillRow{
		row(6, first, "", 100_00, "10:00:04"),
		row(7, second, "", 100_00, "10:01:00"),
		row(8, second, "FDQ0EX9QRCS5ZK5D36KTGEAVWE6WMMMG0", 100_00, "10:03:00"),
		row(9, first, "FAVN8PWHY8JGW2MQ23WR26730Z62E98E4", 30_00, "23:59:59"),
	}
	same := []cmp.Option{cmp.Comparer(func(a, b money.Amount) bool { return a == b }), cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) })}
	if diff := cmp.Diff(want, rows, same...); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// TestABillThatIsNotWhole: bytes that are missing anywhere are never a shorter bill.
func TestABillThatIsNotWhole(t *testing.T) {
	packed, err := os.ReadFile(exampleBill)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 0; cut < len(packed); cut += 50 {
		if rows, err := readBill(packed[:cut]); err == nil {
			t.Errorf("cut at %d of %d bytes: %d rows", cut, len(packed), len(rows))
		}
	}
	flipped := bytes.Clone(packed)
	flipped[len(flipped)/4] ^= 0xff
	if rows, err := readBill(flipped); err == nil && len(rows) != 4 {
		t.Errorf("a byte flipped: %d rows", len(rows))
	}
}
