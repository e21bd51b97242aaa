// Package mailing gets what happened to an account to its people by email, each letter once.
//
//	mailing.go  Mailing: one event's letters, a document that says what became of each
//	post.go     Post: plans a mailing and hands its letters over, step by step
//	echo.go     what SES tells about a letter later: that it was sent, delivered, bounced
//	letter.go   which events are letters, and what they say
//
// # Once
//
// A mailing's key is its event's key, so an event that comes again finds it. The addresses are fixed when it is first written,
// and each goes through its states under the document's version:
//
//	pending → sending → sent → delivered | failed
//
// "sending" is written before SES is called. Whoever finds it there doesn't know whether the call was made, or taken: SES has
// no idempotency tokens, so nothing that we do could make a second call harmless. But SES tells on the event bus of every letter
// that it took, with the letter's tags, usually within seconds. So "sending" is left alone for Doubt: if SES took the
// letter, it says so, and the state turns into "sent". Only when nothing was heard until then, it is decided by what the
// letter is about (chosen):
//
//   - vital letters (mail.Vital: a lock follows) are sent again, after ever longer pauses, for a day: better twice than never.
//   - all others become "unknown", and are left at that: better never than twice. They are in the list of notices as such, and
//     should SES speak up later, they still become "sent".
//
// So a letter is sent twice only if it is vital and both the answer and the event were lost or late, which is as near to
// exactly once as a carrier without tokens allows.
package mailing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/mail"
	"billingcentre/shared/wallet"
)

const documentKind = "mailing"

// Status is what became of a letter to one address.
type Status string

// The statuses.
const (
	Pending   Status = "pending"   // to be sent, perhaps again
	Sending   Status = "sending"   // handed to SES, which has not answered yet
	Sent      Status = "sent"      // SES has taken it
	Delivered Status = "delivered" // the addressee's server has
	Failed    Status = "failed"    // refused, bounced, or given up; Reason says why
	Unknown   Status = "unknown"   // SES never answered: it may have been sent
	Skipped   Status = "skipped"   // of a mailing without letters; its Reason says why
)

// The reasons for which a mailing has no letters.
const (
	NoAddress = "no_address"
	Unwanted  = "unwanted"
	TooOld    = "too_old"
)

// Recipient is one address and what became of its letter.
type Recipient struct {
	Address  string    `json:"address"`
	Status   Status    `json:"status"`
	Reason   string    `json:"reason,omitempty"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`                   // of the status
	Next     time.Time `json:"next,omitzero"`        // Pending after a try: when the next one may be made
	Message  string    `json:"message_id,omitempty"` // SES's number of the letter
	Claim    string    `json:"claim,omitempty"`      // Sending: whose call it is
}

// done tells whether nothing is left to do for an address.
func (r Recipient) done() bool { return r.Status != Pending && r.Status != Sending }

// Mailing is one event's letters.
type Mailing struct {
	ID         string           `json:"mailing_id"`
	Key        string           `json:"key"` // the event's
	Account    wallet.AccountID `json:"account_id"`
	Kind       mail.Kind        `json:"kind"`
	Language   mail.Language    `json:"language"`
	At         time.Time        `json:"at"`         // of what is told
	PlannedAt  time.Time        `json:"planned_at"` // when it was first looked at
	Skipped    string           `json:"skipped,omitempty"`
	Recipients []Recipient      `json:"recipients,omitempty"`
}

// idOf derives a mailing's id from its event's key. It is made of letters and digits, as SES's tags must be.
func idOf(key string) string {
	sum := sha256.Sum256([]byte("mailing " + key))
	return hex.EncodeToString(sum[:12])
}

func documentKey(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: documentKind, ID: id} }

func listOf(account wallet.AccountID) string { return "mailings#" + string(account) }

// Rank is the mailing's place in its account's list.
func (m Mailing) Rank() string {
	return m.PlannedAt.UTC().Format("2006-01-02T15:04:05.000Z") + " " + m.ID
}

// in is the mailing as a new state of its document.
func (m Mailing) in(document ledger.Document) ledger.Document {
	return document.With(m).In(listOf(m.Account), m.Rank())
}

// done tells whether nothing is left to do.
func (m Mailing) done() bool {
	return !slices.ContainsFunc(m.Recipients, func(r Recipient) bool { return !r.done() })
}

// List lists an account's mailings, the last planned first, from the one before a rank ("": from the first). It may lag.
func List(ctx context.Context, store ledger.Store, account wallet.AccountID, before string, limit int) (mailings []Mailing, next string, err error) {
	return ledger.PageOf[Mailing](ctx, store, listOf(account), before, limit)
}
