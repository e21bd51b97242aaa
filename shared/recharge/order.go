// Package recharge is the story of an online top-up, from an order to cash (README rule 1).
//
// A recharge order is a document: written first, then given to a payment channel, then credited once by a verified
// fact of that channel, whoever brings it (a notice today, a query tomorrow). The order turns to credited in the
// commit that books the cash, so neither can be without the other.
//
// Nobody's word is needed for a paid order to be found: a Watchman asks the provider about every order until nothing
// can be paid any more. What was paid twice is sent back by a Refund, and so is cash that an operator refunds.
//
//	pending ── the channel made a payment ──> awaiting_payment ── paid ──> credited
//	   └────────── the channel refused ──> closed <── ended unpaid ──┘        ^
//	                                          └──── paid late ────────────────┘
package recharge

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
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

// Way is how the payer gets to pay.
type Way string

// The ways.
const (
	QR   Way = "qr"   // a code to scan
	Page Way = "page" // the provider's own page
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
	Way        Way              `json:"way,omitempty"`        // "" is QR
	ReturnURL  string           `json:"return_url,omitempty"` // where the page sends the payer back to; it proves nothing
	PageURL    string           `json:"page_url,omitempty"`   // the page where the payer pays
	Trade      string           `json:"trade,omitempty"`      // the provider's number of the payment that was credited
	CreditedAt time.Time        `json:"credited_at,omitzero"`

	Returned []string `json:"returned,omitempty"`    // trades that are sent back whole: they never credit
	Refunds  []string `json:"refunds,omitempty"`     // ids of all its refunds, first to last
	Refunded int64    `json:"refund_minor,omitzero"` // of the credited amount: held for refunds, or sent back
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

// Ends is when nobody can have paid the order any more: a code dies two hours after it was made, whatever its expiry.
func (o Order) Ends() time.Time { return o.ExpiresAt.Add(afterExpiry) }

const afterExpiry = 2*time.Hour + 5*time.Minute

var idAlphabet = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// idOf derives an order's id from the client's key, so that a retry finds the order of the first time.
func idOf(account wallet.AccountID, once string) string {
	return "R" + hashed("recharge", string(account), once)
}

func hashed(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return idAlphabet.EncodeToString(sum[:20])
}

// Key is the document of an order.
func Key(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: "recharge", ID: id} }

// ListOf is the list of an account's orders, by the time of their creation.
func ListOf(account wallet.AccountID) string { return "recharges#" + string(account) }

// document is the order in its document, listed by the time of its creation.
func (o Order) document(d ledger.Document) ledger.Document {
	return d.With(o).In(ListOf(o.Account), o.CreatedAt.UTC().Format("20060102T150405.000Z")+o.ID)
}
