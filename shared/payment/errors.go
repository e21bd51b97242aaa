package payment

import (
	"errors"
	"fmt"
)

// ErrUnknownOutcome says that a call may or may not have worked: time-outs, broken connections, answers that say so,
// and answers that can't be verified. It is never a failure: repeat the call with the same order, or Query.
var ErrUnknownOutcome = errors.New("payment: outcome unknown")

// The definite refusals of a provider that callers tell apart. Each is a *Refused.
var (
	ErrNoTrade     = errors.New("payment: the provider knows no such trade (yet)")
	ErrAlreadyPaid = errors.New("payment: the order is already paid")
	ErrTradeClosed = errors.New("payment: the trade is closed")
)

// Refused is a provider's definite, verified "no": nothing was done.
type Refused struct {
	Channel string
	Code    string // the provider's code, such as "40004 ACQ.TRADE_NOT_EXIST"
	Message string // the provider's sentence: for the log, not for the payer
	Meaning error  // one of the sentinels above, or nil
}

func (r *Refused) Error() string {
	return fmt.Sprintf("%s refused: %s (%s)", r.Channel, r.Code, r.Message)
}

// Unwrap makes errors.Is find the meaning.
func (r *Refused) Unwrap() error { return r.Meaning }

// OrderError is an order that the channel can't take: nothing was sent.
type OrderError struct {
	Field string // of Order, in lower case: "amount", "id", "expires_at", "subject"
	Rule  string // what it must be
}

func (e *OrderError) Error() string { return fmt.Sprintf("payment order: %s %s", e.Field, e.Rule) }

// How far a notice that wasn't accepted can be trusted, from not at all to fully. Each is the Class of a *NoticeError,
// and errors.Is finds it.
var (
	// ErrMalformed: it isn't even a notice. Answer 400, count it, store nothing.
	ErrMalformed = errors.New("payment notice: malformed")
	// ErrBadSignature: anybody could have written it. Answer "not accepted", count it, store nothing.
	ErrBadSignature = errors.New("payment notice: bad signature")
	// ErrNotOurs: truly the provider's, but for another app or seller. Quarantine, alarm, no credit.
	ErrNotOurs = errors.New("payment notice: not ours")
	// ErrUnreadable: truly the provider's and for us, but it says what we can't take safely. Quarantine, alarm.
	ErrUnreadable = errors.New("payment notice: unreadable")
	// ErrMismatch: verified, but it doesn't fit the order that it names (Trade.Proves). Quarantine, alarm.
	ErrMismatch = errors.New("payment notice: does not fit the order")
)

// NoticeError says why a notice was not accepted.
type NoticeError struct {
	Class  error             // one of the five above
	Reason string            // a short constant word, for the metric: "signature", "duplicate_key", "amount", ...
	Detail string            // a sentence without secrets, for the log and the operator
	Fields map[string]string // what was signed; nil unless the signature was good
}

func (e *NoticeError) Error() string { return fmt.Sprintf("%v: %s: %s", e.Class, e.Reason, e.Detail) }

// Unwrap makes errors.Is find the class.
func (e *NoticeError) Unwrap() error { return e.Class }

// Quarantined tells whether an error of VerifyNotice or Proves is about something that the provider really said: it
// must be kept for an operator, and only then be acknowledged. What isn't, anybody could send: it must leave no trace
// but a count.
func Quarantined(err error) bool {
	return errors.Is(err, ErrNotOurs) || errors.Is(err, ErrUnreadable) || errors.Is(err, ErrMismatch)
}
