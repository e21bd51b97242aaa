package voucher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// Activation is the wish of an account to turn a code into a voucher.
type Activation struct {
	Account wallet.AccountID
	Code    Code
	Once    string // the client's idempotency key
	Actor   string
}

// errNo is the one answer to a code that is unknown, or expired, or somebody else's by now (README rule 5).
var errNo = refusal.Of(refusal.NotApplicable, "This code can't be activated.")

// Activate puts the code's voucher into the account's wallet. Code and wallet turn in one commit: of two accounts
// at once, one gets it. An own code that was used before is answered as the first time. A guess that was wrong is
// counted before the refusal is given.
func (d *Desk) Activate(ctx context.Context, a Activation) (ledger.Receipt, error) {
	receipt, err := d.Ledger.Do(ctx, a.Account, ledger.Intent{
		Prepare: func(ctx context.Context) (wallet.Command, []ledger.Document, error) { return d.prepare(ctx, a) },
	})
	switch {
	case errors.Is(err, errNo):
		d.Metrics.Count("RefusedActivations", 1, "Reason", "code")
		if full := d.miss(ctx, a.Account); full != nil {
			return ledger.Receipt{}, full
		}
	case refusal.Is(err, refusal.TooMany):
		d.Metrics.Count("RefusedActivations", 1, "Reason", "limit")
	}
	return receipt, err
}

// prepare loads the code and its batch. It reads as much for a code that isn't there as for one that is.
func (d *Desk) prepare(ctx context.Context, a Activation) (wallet.Command, []ledger.Document, error) {
	codeKey, missesKey := d.codeKey(a.Code), missesKey(a.Account)
	found, err := d.Ledger.Store.Documents(ctx, codeKey, missesKey)
	if err != nil {
		return nil, nil, err
	}
	now := d.Now()
	if err := full(found[missesKey], now); err != nil {
		return nil, nil, err
	}
	document, known := found[codeKey]
	code := codeBody{Batch: "none"}
	if known {
		if code, err = ledger.Body[codeBody](document); err != nil {
			return nil, nil, err
		}
	}
	batch, err := d.batchOf(ctx, code)
	switch {
	case err != nil:
		return nil, nil, err
	case code.Entry != "" && code.Account == a.Account:
		return nil, nil, &ledger.DoneError{Key: code.Entry}
	case !known, code.Entry != "", batch.Attempt != code.Attempt, batch.over(now):
		return nil, nil, errNo
	}
	command := a.command(code, batch.batch(code.Batch).Terms)
	code.Account, code.Entry, code.UsedAt = a.Account, command.Key(), now.UTC().Truncate(time.Millisecond)
	return command, []ledger.Document{document.With(code).In(usedList(a.Account), usedRank(code.UsedAt, document.Key.ID))}, nil
}

// batchOf is the code's batch; one that isn't there is empty, and fits no code.
func (d *Desk) batchOf(ctx context.Context, code codeBody) (batchBody, error) {
	batch, _, err := ledger.Read[batchBody](ctx, d.Ledger.Store, batchKey(code.Batch))
	if refusal.Is(err, refusal.NotFound) {
		return batchBody{}, nil
	}
	return batch, err
}

// over tells whether the batch's codes may no longer be activated.
func (b batchBody) over(now time.Time) bool {
	return !b.ValidUntil.IsZero() && !now.Before(b.ValidUntil)
}

func (a Activation) command(code codeBody, terms Terms) wallet.Activate {
	return wallet.Activate{
		Account: a.Account, Once: a.Once, Kind: terms.Kind, Source: wallet.FromCode, Face: terms.Face, MinBill: terms.MinBill,
		ValidDays: terms.ValidDays, Reference: fmt.Sprintf("%s/%d", code.Batch, code.Serial), Actor: a.Actor,
	}
}
