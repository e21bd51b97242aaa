package payment

import (
	"context"
	"errors"
	"time"

	"billingcentre/shared/money"
)

// ErrNoBill says that the provider has no bill of a day: it isn't made yet, or there was nothing on it. Which of the
// two, the provider doesn't say, so it must never be taken for a bill of nothing while we know of something.
var ErrNoBill = errors.New("payment: the provider has no bill of that day")

// Biller is a Channel whose provider tells afterwards all that it moved on a day.
type Biller interface {
	// Name is the Channel's.
	Name() string
	// Bill fetches the bill of a day ("2026-11-02", in the provider's own zone). A bill that isn't whole is an error.
	// Errors: ErrNoBill, ErrUnknownOutcome, *Refused.
	Bill(ctx context.Context, day string) ([]BillRow, error)
}

// BillRow is one movement on a provider's bill.
type BillRow struct {
	Refund   string       // our id of the refund; "" for a payment
	OrderID  string       // our order
	Ref      string       // the provider's own number of the payment
	Amount   money.Amount // paid, or sent back: positive either way
	Received money.Amount // what of it reached us, or left us
	Fee      money.Amount // what the provider kept for it; zero or less for a refund that gives it back
	At       time.Time
	Line     int // in the bill's file
}
