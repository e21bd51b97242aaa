// Package refusal is the one way in which this project says "no".
//
// A Refusal is a value: its Kind decides what a caller gets (an HTTP status, or what happens to a
// queue's message), its data say what was wrong. Everything that isn't a Refusal is a fault, and
// a fault's text is for the log only, because it may name things that a customer must not see.
package refusal

import (
	"errors"
	"fmt"
	"strings"
)

// Kind groups refusals by what the caller can do about them.
type Kind string

// The kinds. Every one has its line in the tables of packages api (HTTP) and batch (queue).
const (
	Invalid         Kind = "invalid"            // the request breaks a rule of form; Fields tells where
	TooLarge        Kind = "too_large"          // the request has more bytes than are read
	Unsupported     Kind = "unsupported_media"  // the request isn't in the format that is read
	Unauthenticated Kind = "unauthenticated"    // nobody vouches for the caller
	Forbidden       Kind = "forbidden"          // the caller's role may not do this
	NotFound        Kind = "not_found"          // there is no such thing, or it is somebody else's
	Conflict        Kind = "conflict"           // the thing is in a state that doesn't allow this
	KeyReused       Kind = "key_reused"         // the same key came before, with other content; the first stands
	Insufficient    Kind = "insufficient_funds" // Needed and Available say how much is missing
	Expired         Kind = "expired"            // a fund or a code is past its time
	NotApplicable   Kind = "not_applicable"     // the rules exclude it, whatever the state
	TooEarly        Kind = "too_early"          // the day that is billed has not ended
	TooMany         Kind = "too_many"           // a limit of rate or number; RetryAfter says when
	Contended       Kind = "contended"          // others moved the same wallet faster than we could
	Throttled       Kind = "throttled"          // the database or the provider asks for patience
	Unavailable     Kind = "unavailable"        // it didn't answer: whether something happened isn't known
)

// Field is one broken rule of one field.
type Field struct {
	Pointer string `json:"pointer"` // JSON pointer into the request, such as "/lines/0/amount"
	Rule    string `json:"rule"`    // what the field must be
}

// Refusal is a typed "no". It is an error.
type Refusal struct {
	Kind       Kind
	Detail     string  // one sentence for the person who asked
	Fields     []Field // Invalid only
	Needed     string  // Insufficient only: a decimal amount
	Available  string  // Insufficient only: a decimal amount
	RetryAfter int     // TooEarly, TooMany, Contended, Throttled, Unavailable: seconds
}

func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString(string(r.Kind))
	b.WriteString(": ")
	b.WriteString(r.Detail)
	for _, f := range r.Fields {
		fmt.Fprintf(&b, "; %s %s", f.Pointer, f.Rule)
	}
	return b.String()
}

// Of makes a refusal of a kind with a sentence that says why.
func Of(kind Kind, format string, args ...any) *Refusal {
	return &Refusal{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// Fields makes an Invalid refusal that names each bad field and its rule.
func Fields(fields ...Field) *Refusal {
	return &Refusal{Kind: Invalid, Detail: "The request breaks the rules of its fields.", Fields: fields}
}

// At is Fields for a single field.
func At(pointer, format string, args ...any) *Refusal {
	return Fields(Field{Pointer: pointer, Rule: fmt.Sprintf(format, args...)})
}

// Short makes an Insufficient refusal; both amounts are decimals in the account's currency.
func Short(needed, available fmt.Stringer) *Refusal {
	return &Refusal{
		Kind:   Insufficient,
		Detail: fmt.Sprintf("%s is needed, %s is available.", needed, available),
		Needed: needed.String(), Available: available.String(),
	}
}

// As finds the refusal in an error, or nil when the error is a fault.
func As(err error) *Refusal {
	var r *Refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// Is tells whether an error is a refusal of a kind.
func Is(err error, kind Kind) bool {
	r := As(err)
	return r != nil && r.Kind == kind
}
