package payment

import (
	"errors"
	"fmt"
	"testing"

	"billingcentre/shared/money"
)

// TestProves: a verified trade credits an order only when it fits it in everything (bad-inputs N40 to N55).
func TestProves(t *testing.T) {
	yuan := func(fen int64) money.Amount { return money.Of(money.CNY, fen) }
	order := Order{ID: "rch_1", Amount: yuan(10000)}
	for _, row := range []struct {
		name     string
		bound    string
		change   func(*Trade)
		mismatch string // the reason; empty when it proves
	}{
		{"all fits", "", func(*Trade) {}, ""},
		{"once more the same trade", "T1", func(*Trade) {}, ""},
		{"N40 another order", "", func(t *Trade) { t.OrderID = "rch_2" }, "order"},
		{"N48 0.01 for 100.00", "", func(t *Trade) { t.Total, t.Received = yuan(1), yuan(1) }, "amount"},
		{"N49 more than the order", "", func(t *Trade) { t.Total, t.Received = yuan(10001), yuan(10001) }, "amount"},
		{"N52 less received", "", func(t *Trade) { t.Received = yuan(9000) }, "received"},
		{"more received", "", func(t *Trade) { t.Received = yuan(10001) }, "received"},
		{"N54, N55 a second trade", "T0", func(*Trade) {}, "trade"},
		{"another currency", "", func(t *Trade) { t.Total = money.Of(money.USD, 10000) }, "currency"},
		{"no amount at all", "", func(t *Trade) { t.Total = money.Amount{} }, "currency"},
	} {
		t.Run(row.name, func(t *testing.T) {
			trade := Trade{OrderID: "rch_1", Ref: "T1", State: Paid, Total: yuan(10000), Received: yuan(10000)}
			row.change(&trade)
			err := trade.Proves(order, row.bound)
			var refused *NoticeError
			switch {
			case row.mismatch == "" && err != nil:
				t.Errorf("refused: %v", err)
			case row.mismatch != "" && (!errors.As(err, &refused) || refused.Reason != row.mismatch || !Quarantined(err)):
				t.Errorf("got %v, want a mismatch of the %s, for the quarantine", err, row.mismatch)
			}
		})
	}
}

func TestQuarantined(t *testing.T) {
	for class, want := range map[error]bool{
		ErrMalformed: false, ErrBadSignature: false, ErrUnknownOutcome: false,
		ErrNotOurs: true, ErrUnreadable: true, ErrMismatch: true,
	} {
		if got := Quarantined(fmt.Errorf("wrapped: %w", &NoticeError{Class: class})); got != want {
			t.Errorf("%v: %v", class, got)
		}
	}
}

func TestRefusedMeans(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", &Refused{Channel: "alipay", Code: "40004 ACQ.TRADE_NOT_EXIST", Meaning: ErrNoTrade})
	if !errors.Is(err, ErrNoTrade) || errors.Is(err, ErrAlreadyPaid) {
		t.Errorf("%v doesn't mean no trade", err)
	}
}
