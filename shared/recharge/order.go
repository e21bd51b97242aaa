// Package recharge is the story of an online top-up, from an order to cash (README rule 1).
//
// A recharge order is a document: written first, then given to a payment channel, then credited once by a verified
// fact of that channel, whoever brings it (a notice today, a query tomorrow). The order turns to credited in the
// commit that books the cash, so neither can be without the other.
//
//	pending ── the channel made a payment ──> awaiting_payment ── paid ──> credited
//	   └────────── the channel refused ──> closed <── ended unpaid ──┘        ^
//	                                          └──── paid late ────────────────┘
package recharge

import (
	"crypto/sha256"
	"encoding/base32"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/wallet"
)

// State is where an order stands.
type State string

// The states.
const (
	Pending  State = "pending"          // written; nobody can pay it yet
	Awaiting State = "awaiting_payment" // the payer can pay it
	Credited State = "credited"         // paid, and in the wallet
	Closed   State = "closed"           // ended unpaid; a late payment still credits it
)

// Order is a recharge order, as its document keeps it.
type Order struct {
	ID         string           `json:"recharge_id"`
	Account    wallet.AccountID `json:"account_id"`
	Channel    string           `json:"channel"`
	Currency   money.Currency   `json:"currency"`
	Minor      int64            `json:"minor"` // amount in minor units
	State      State            `json:"state"`
	CreatedAt  time.Time        `json:"created_at"`
	ExpiresAt  time.Time        `json:"expires_at"`           // the provider takes no payment from then on
	QRContent  string           `json:"qr_content,omitempty"` // what the payer scans
	QRExpires  time.Time        `json:"qr_expires_at,omitzero"`
	Trade      string           `json:"trade,omitempty"` // the provider's number of the payment that was credited
	CreditedAt time.Time        `json:"credited_at,omitzero"`
}

// Amount is what has to be paid, and what will be credited.
func (o Order) Amount() money.Amount { return money.Of(o.Currency, o.Minor) }

// open tells whether somebody may still be about to pay the order.
func (o Order) open(now time.Time) bool {
	return (o.State == Pending || o.State == Awaiting) && now.Before(o.ExpiresAt)
}

// payment is the order as its channel must know it. It is made from the document alone, so that asking the channel
// again is asking the same.
func (o Order) payment() payment.Order {
	return payment.Order{ID: o.ID, Amount: o.Amount(), Subject: "Top-up of " + string(o.Account), ExpiresAt: o.ExpiresAt}
}

var idAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// idOf derives an order's id from the client's key, so that a retry finds the order of the first time.
func idOf(account wallet.AccountID, once string) string {
	sum := sha256.Sum256([]byte("recharge\x00" + string(account) + "\x00" + once))
	return "R" + idAlphabet.EncodeToString(sum[:20])
}

func documentKey(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: "recharge", ID: id} }

func listOf(account wallet.AccountID) string { return "recharges#" + string(account) }

// document is the order in its document, listed by the time of its creation.
func (o Order) document(d ledger.Document) ledger.Document {
	return d.With(o).In(listOf(o.Account), o.CreatedAt.UTC().Format("20060102T150405.000Z")+o.ID)
}
