// Package voucher issues batches of activation codes and turns codes into vouchers (README rules 5 to 7).
//
//	code.go      Code: making, reading and sealing one
//	batch.go     Issue, Batch, List: a batch of codes, which are shown once
//	activate.go  Activate: one code, one account, once
//	misses.go    how often an account may guess wrongly
//
// A code is a bearer's money, so nothing that could be stolen tells it: the database keeps its HMAC under a key that
// is kept elsewhere. Guessing is hopeless by arithmetic (95 bits), and limited all the same. Unknown, expired and
// foreign codes are refused in the same words, after the same reads.
package voucher

import (
	"io"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
)

// Purpose names the key under which codes are sealed, among those derived from the centre's pepper.
const Purpose = "voucher-codes"

// Desk issues and activates codes.
type Desk struct {
	Ledger  *ledger.Ledger
	Key     []byte           // seals codes: the pepper's key for Purpose
	Metrics *metric.Metrics  // counts refused activations
	Now     func() time.Time // as the ledger's
	Chance  io.Reader        // what codes are made of; nil is crypto/rand, which it must be but in tests
}
