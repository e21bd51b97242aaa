package voucher

import (
	"context"
	"errors"
	"math"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	maxMisses = 5
	window    = 15 * time.Minute
)

// misses is the document of an account's latest wrong guesses, at most maxMisses of them, the oldest first. It is
// kept in the database: a new sandbox, or many at once, must not give new guesses.
type misses struct {
	At []time.Time `json:"at"`
}

func missesKey(account wallet.AccountID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: "wrong-codes", ID: string(account)}
}

// full refuses when an account has guessed wrongly too often. Within the limit it is nil.
func full(document ledger.Document, now time.Time) error {
	m, err := missesOf(document, now)
	if err != nil || len(m.At) < maxMisses {
		return err
	}
	wait := m.At[0].Add(window).Sub(now)
	no := refusal.Of(refusal.TooMany, "Too many codes couldn't be activated. Try again later.")
	no.RetryAfter = int(math.Ceil(wait.Seconds()))
	return no
}

// missesOf are the misses that still count.
func missesOf(document ledger.Document, now time.Time) (m misses, err error) {
	if document.Version == 0 {
		return m, nil
	}
	if m, err = ledger.Body[misses](document); err != nil {
		return m, err
	}
	var counting []time.Time
	for _, at := range m.At {
		if now.Sub(at) < window {
			counting = append(counting, at)
		}
	}
	m.At = counting
	return m, nil
}

// miss counts a wrong guess. Of guesses sent at once, only as many are answered as are left: the others hear of the
// limit, and not whether their code exists.
func (d *Desk) miss(ctx context.Context, account wallet.AccountID) error {
	key := missesKey(account)
	for attempt := 1; ; attempt++ {
		found, err := d.Ledger.Store.Documents(ctx, key)
		if err != nil {
			return err
		}
		document, known := found[key]
		if !known {
			document = ledger.Document{Key: key}
		}
		now := d.Now().UTC()
		if err := full(document, now); err != nil {
			return err
		}
		m, err := missesOf(document, now)
		if err != nil {
			return err
		}
		m.At = append(m.At, now)
		err = d.Ledger.Store.Put(ctx, document.With(m))
		retry := errors.Is(err, ledger.ErrStale) || errors.Is(err, ledger.ErrContended)
		if !retry || attempt > 2*maxMisses {
			return err // an unknown outcome is told: the guess may count twice, never not at all
		}
		if waitErr := d.Ledger.Wait.Pause(ctx, attempt); waitErr != nil {
			return waitErr
		}
	}
}
