// Package notice is what the centre has to tell people without any money moving, such as "a voucher expires in three
// days". A notice is a document put once by its key, kind and cause; the outbox hands it on as it does entries.
package notice

import (
	"context"
	"errors"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// DocumentKind is the kind of a notice's document.
const DocumentKind = "notice"

// Notice is one thing to tell one account.
type Notice struct {
	Kind        string           `json:"kind"`  // what is told: "lot_expiring"
	Cause       string           `json:"cause"` // what it is about: with Kind, its key
	Account     wallet.AccountID `json:"account_id"`
	At          time.Time        `json:"at"` // when it was noticed
	LotKind     string           `json:"lot_kind,omitempty"`
	Remaining   string           `json:"remaining,omitempty"`
	Currency    string           `json:"currency,omitempty"`
	ExpiresAt   time.Time        `json:"expires_at,omitzero"`
	Arrears     *Arrears         `json:"arrears,omitempty"`      // of the kinds of arrears.go
	CloudLink   *CloudLink       `json:"cloud_link,omitempty"`   // of the kinds of cloud.go
	Charge      *ChargeCase      `json:"charge,omitempty"`       // "charge_case"
	MonthlyBill *MonthlyBill     `json:"monthly_bill,omitempty"` // "monthly_bill"

	LowBalance      *LowBalance      `json:"low_balance,omitempty"`      // "low_balance"
	HighConsumption *HighConsumption `json:"high_consumption,omitempty"` // "high_consumption"
}

// Expiring tells that a lot expires soon (README rule 24).
func Expiring(account wallet.AccountID, lot wallet.Lot) Notice {
	return Notice{
		Kind: "lot_expiring", Cause: lot.ID.String(), Account: account, LotKind: lot.Kind.String(),
		Remaining: lot.Remaining.String(), Currency: string(lot.Remaining.Currency()), ExpiresAt: lot.ExpiresAt,
	}
}

// Document is the notice as whoever causes it commits it, with what it tells of: so it is told once, or never happened.
func (n Notice) Document(now time.Time) ledger.Document {
	if !known(n.Kind) {
		panic("notice: nobody is told what a notice of the kind " + n.Kind + " says: see Kinds")
	}
	n.At = now.UTC()
	return ledger.Document{Key: ledger.DocumentKey{Kind: DocumentKind, ID: n.Kind + ":" + n.Cause}}.With(n)
}

// Put writes the notice. first is false when it was there before.
func (n Notice) Put(ctx context.Context, store ledger.Store, now time.Time) (first bool, err error) {
	err = store.Put(ctx, n.Document(now))
	if errors.Is(err, ledger.ErrStale) {
		return false, nil
	}
	return err == nil, err
}
