package mail

import (
	"context"
	"fmt"
)

// Envelope is a letter on its way to one address.
type Envelope struct {
	To     string
	Letter Letter
	// Tags come back with everything that the carrier tells about the letter later: names and values are of ASCII letters,
	// digits, '_' and '-'.
	Tags map[string]string
}

// Sender hands letters over to whoever carries them. It tries once: whether to try again is for those to decide who
// know what was tried before.
type Sender interface {
	// Send returns the carrier's number of the letter once it has taken it. Its errors are *Failure.
	Send(ctx context.Context, envelope Envelope) (id string, err error)
}

// Fate is what is known of a letter that Send couldn't confirm.
type Fate int

// The fates.
const (
	Refused Fate = iota // it wasn't taken, and never will be
	Later               // it wasn't taken, and may be another time
	Unknown             // nobody knows whether it was taken: no answer came
)

// Failure is why a letter wasn't confirmed.
type Failure struct {
	Fate   Fate
	Reason string // a word of the carrier's, such as "MessageRejected": it may be shown to people
	Err    error
}

func (f *Failure) Error() string {
	return fmt.Sprintf("mail: %s: %v", [...]string{"refused", "not now", "outcome unknown"}[f.Fate], f.Err)
}

func (f *Failure) Unwrap() error { return f.Err }
