// Package payment is how cash comes in from outside: the contract that every provider's channel
// fulfils, and what a provider's word is worth.
//
// A top-up has three moments (README rule 1). The recharge order is written first; then Create asks
// the provider for something that the payer can open; then the provider's own notice, verified,
// credits the order once. So a Channel never touches the wallet: it turns the provider's words into
// facts of this package, and says with a typed error how far they can be trusted.
//
//   - Nothing that came in is believed before VerifyNotice returns it without an error.
//   - A verified fact still has to fit the order that it names: Trade.Proves decides that, for notices
//     and queries alike, without knowing any provider.
//   - A call whose answer is missing or can't be trusted is ErrUnknownOutcome, never a failure: ask
//     again with the same order, or Query.
//
// What later channels or duties need is added beside Channel as small interfaces of their own
// (closing, refunding, fetching a settlement file), so that a caller asks for just what it uses and
// no existing channel has to change.
package payment

import (
	"context"
	"time"

	"billingcentre/shared/money"
)

// Channel is one way of paying online. Implementations are safe for concurrent use.
type Channel interface {
	// Name is the channel's word in routes, orders and metrics, such as "alipay".
	Name() string
	// Currencies are those that the channel can collect. An account in another one is refused.
	Currencies() []money.Currency
	// Create asks the provider for a payment of the order. It is idempotent: calling it again with the same
	// order is the right answer to ErrUnknownOutcome. Errors: ErrUnknownOutcome, *Refused, *OrderError.
	Create(ctx context.Context, order Order) (Checkout, error)
	// Query asks the provider what became of the order. Errors: ErrUnknownOutcome, *Refused (ErrNoTrade: the
	// provider knows of no trade yet, which is not "unpaid for ever": a code shown earlier may still be paid).
	Query(ctx context.Context, orderID string) (Trade, error)
	// VerifyNotice turns what came in at the notify URL into a fact, or says with a *NoticeError why not. It makes
	// no outbound call and reads no store, so that a forged notice costs nothing but its own check.
	VerifyNotice(delivery Delivery) (Notice, error)
	// Reply is what the provider wants to hear: accepted means that it need not send this notice again. Say so only
	// when the effect, or its quarantine, is durable.
	Reply(accepted bool) Reply
}

// Order is what a channel must know of a recharge order.
type Order struct {
	ID        string       // ours, unique for ever at the provider: letters, digits, underscore; at most 64
	Amount    money.Amount // what has to be paid; positive
	Subject   string       // what the payer reads; the channel takes out what its provider doesn't allow
	ExpiresAt time.Time    // from then on the provider must not accept the payment any more
}

// Checkout is what the payer needs to pay.
type Checkout struct {
	Content   string    // what the QR code says: a URL
	ExpiresAt time.Time // when Content stops working; never after the order's own expiry
}

// State is what a provider says about a trade, in our words.
type State string

// The states. Only Paid credits.
const (
	Waiting  State = "waiting"  // begun, not paid
	Paid     State = "paid"     // the money is ours, and nothing of it was sent back
	Refunded State = "refunded" // paid once, and some or all of it was sent back
	Closed   State = "closed"   // ended without a payment
	Unknown  State = "unknown"  // the provider used a word that we don't know: nobody may guess
)

// Trade is what a provider holds about the payment of an order.
type Trade struct {
	Channel  string       // the channel's name
	OrderID  string       // our order, as the provider gave it back
	Ref      string       // the provider's own number of the trade; a second one for the same order is a second payment
	State    State        //
	Total    money.Amount // what the order asked for, in the provider's view
	Received money.Amount // what reached us, discounts paid by us aside; Total where the provider doesn't say
	Refunded money.Amount // all that was sent back so far
	PaidAt   time.Time    // zero when not paid, or not told
}

// Notice is a provider's message about a trade, verified: it is the provider's, it is for us, and it is whole.
type Notice struct {
	Trade
	ID     string            // the provider's id of the message; its repeats may bear the same or another
	SentAt time.Time         // when the provider says it was sent; a replay may be old
	Refund string            // our id of the refund that it tells about; "" when it tells of none
	Fields map[string]string // all of it as it came, the signature left out: for the quarantine, never for the log
}

// Delivery is what came in at the notify URL, before anything about it is believed.
type Delivery struct {
	Header map[string]string // names in lower case, as HTTP API's payload 2.0 has them
	Body   []byte            // as sent; any base64 of the transport is already undone
}

// Reply is the HTTP answer to a notice.
type Reply struct {
	Status      int
	ContentType string
	Body        string
}
