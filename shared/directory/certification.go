package directory

import (
	"context"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Certification says as whom the owner of an account was certified. Two accounts hold the same one when the same person
// or company was. The company's own register knows who that is: here is only its number there, and no identity card's.
type Certification struct {
	Kind   string    `json:"kind"`           // PersonalCertification or EnterpriseCertification
	Number string    `json:"certificate_id"` // in the company's register of certified customers
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"` // the operator who reviewed it
}

// The kinds of certification.
const (
	PersonalCertification   = "personal"
	EnterpriseCertification = "enterprise"
)

// Certify notes an account's certification; none is nil. changed is false when it was so before.
func (d *Directory) Certify(ctx context.Context, id wallet.AccountID, certification *Certification) (account Account, changed bool, err error) {
	return ledger.Turn(ctx, d.Store, func() (Account, []ledger.Document, error) {
		account, document, err := ledger.Read[Account](ctx, d.Store, accountKey(id))
		switch {
		case refusal.Is(err, refusal.NotFound):
			return Account{}, nil, noAccount()
		case err != nil || account.Certification.same(certification):
			return account, nil, err
		}
		account.Certification = certification
		return account, []ledger.Document{document.With(account).In(accountList, account.rank())}, nil
	})
}

// same tells whether two certifications are of the same person or company. Two that aren't there are the same nothing.
func (c *Certification) same(o *Certification) bool {
	return c == nil && o == nil || c != nil && o != nil && c.Kind == o.Kind && c.Number == o.Number
}

// sameCertification refuses a workspace the way from other accounts to one, unless all of them hold the same
// certification (README rule 27). What the others hold isn't told.
func (d *Directory) sameCertification(ctx context.Context, id wallet.AccountID, others []wallet.AccountID) error {
	if len(others) == 0 {
		return nil
	}
	mine, err := d.Account(ctx, id)
	if err != nil {
		return err
	}
	for _, other := range others {
		theirs, err := d.Account(ctx, other)
		if err != nil {
			return err
		}
		if mine.Certification == nil || !mine.Certification.same(theirs.Certification) {
			return refusal.Of(refusal.Conflict, "The workspace was bound to an account of another owner: both accounts must hold the same certification.")
		}
	}
	return nil
}
