package payment

import (
	"context"

	"billingcentre/shared/money"
)

// Closer is a Channel that can end a trade that nobody has paid, so that nobody can any more.
type Closer interface {
	// Close ends the order's trade. Errors: ErrUnknownOutcome, *Refused (ErrNoTrade: there is nothing to end yet,
	// ErrTradeClosed, ErrAlreadyPaid).
	Close(ctx context.Context, orderID string) error
}

// Cashier is a Channel with a page of its own at which a payer pays.
type Cashier interface {
	// Page makes the address of the page, mostly without a call. The payer comes back to returnURL, which proves nothing.
	// Errors: ErrUnknownOutcome, *Refused, *OrderError.
	Page(ctx context.Context, order Order, returnURL string) (Checkout, error)
}

// Refund is money of a payment that shall be sent back. All of it is the same on every try: that, and its id, is what
// keeps the provider from sending the money twice.
type Refund struct {
	ID      string // ours, unique for ever
	OrderID string // of the payment
	Ref     string // the provider's own number of the payment: an order may have been paid twice
	Amount  money.Amount
	Reason  string
}

// Finder is a Channel that can be asked by its own number of a payment, too.
type Finder interface {
	// Find asks for the trade of that number, with the errors of Query.
	Find(ctx context.Context, ref string) (Trade, error)
}

// RefundState is what a provider says about a refund.
type RefundState string

// The states. Only RefundDone means that the money has moved.
const (
	RefundDone    RefundState = "done"    // the money is with the payer
	RefundWaiting RefundState = "waiting" // taken, but nobody has said yet that the money moved: ask again
	RefundNone    RefundState = "none"    // the provider knows of no such refund, or says that it failed
)

// Refunder is a Channel that sends money back.
type Refunder interface {
	// Refund asks for it. It is idempotent by the refund's id. RefundDone is the only success. Errors:
	// ErrUnknownOutcome, *Refused. Even a refusal doesn't say that an earlier try of the same refund did nothing:
	// QueryRefund does.
	Refund(ctx context.Context, refund Refund) (RefundState, error)
	// QueryRefund asks what became of it. Errors: ErrUnknownOutcome, *Refused.
	QueryRefund(ctx context.Context, refund Refund) (RefundState, error)
}
