package mailing

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/mail"
	"billingcentre/shared/metric"
	"billingcentre/shared/preference"
	"billingcentre/shared/refusal"
)

const (
	// Doubt is how long a first unanswered call is left alone: what SES has taken, it tells within seconds. After every
	// further one it is twice as long.
	Doubt = 10 * time.Minute
	// patience is how long a letter is tried that SES would take another time, or that is vital and finds no answer.
	patience = 24 * time.Hour
	// stale is the age from which what happened is no news any more: nobody wants mails about last month's journal because
	// a bus was replayed (chosen).
	stale = 7 * 24 * time.Hour

	shortestPause, longestPause = time.Minute, time.Hour
	longestDoubt                = 4 * time.Hour
	reserve                     = 10 * time.Second // of the function's time, above what a call may take
	maxConflicts                = 8                // tries of one write that others got in the way of
)

// The names of a letter's tags.
const (
	tagMailing   = "mailing"
	tagRecipient = "recipient"
)

// Post sends letters. It is safe for concurrent use.
type Post struct {
	Store     ledger.Store
	Directory *directory.Directory
	Sender    mail.Sender
	Now       func() time.Time
	Log       *slog.Logger
	Metrics   *metric.Metrics
}

// Deliver does for an event what can be done now. An error means that it must come again: TooEarly says in how many seconds;
// a fault, that something failed. Nothing that was done is done twice when it does.
func (p *Post) Deliver(ctx context.Context, e event.Event) error {
	kind, is := KindOf(e)
	if !is {
		return nil
	}
	m, document, err := p.plan(ctx, e, kind)
	if err != nil || m.done() {
		return err
	}
	letter, err := p.letter(ctx, e, kind, m)
	if err != nil {
		return err
	}
	var wait time.Duration
	for i := range m.Recipients {
		pause, err := p.advance(ctx, &m, &document, i, letter)
		if err != nil {
			return err
		}
		if pause > 0 && (wait == 0 || pause < wait) {
			wait = pause
		}
	}
	if wait > 0 {
		return &refusal.Refusal{Kind: refusal.TooEarly, Detail: "A letter must wait.", RetryAfter: int(wait/time.Second) + 1}
	}
	return nil
}

// plan loads the mailing of an event, or writes it: from then on it is fixed who gets it.
func (p *Post) plan(ctx context.Context, e event.Event, kind mail.Kind) (Mailing, ledger.Document, error) {
	id := idOf(e.Key)
	m, document, err := ledger.Read[Mailing](ctx, p.Store, documentKey(id))
	if err == nil || !refusal.Is(err, refusal.NotFound) {
		return m, document, err
	}
	at, err := time.Parse(time.RFC3339, e.At)
	if err != nil {
		return Mailing{}, document, refusal.Of(refusal.Invalid, "The event's time %q is none.", e.At)
	}
	wishes, err := preference.Load(ctx, p.Store, e.Account)
	if err != nil {
		return Mailing{}, document, err
	}
	now := p.now()
	m = Mailing{ID: id, Key: e.Key, Account: e.Account, Kind: kind, Language: wishes.Language, At: at.UTC(), PlannedAt: now}
	switch {
	case len(wishes.Addresses) == 0:
		m.Skipped = NoAddress
	case !wishes.Wants(kind):
		m.Skipped = Unwanted
	case now.Sub(at) > stale:
		m.Skipped = TooOld
	default:
		for _, address := range wishes.Addresses {
			m.Recipients = append(m.Recipients, Recipient{Address: address, Status: Pending, At: now})
		}
	}
	document = m.in(document)
	if err := p.Store.Put(ctx, document); errors.Is(err, ledger.ErrStale) {
		return ledger.Read[Mailing](ctx, p.Store, documentKey(id)) // somebody else has just planned it
	} else if err != nil {
		return Mailing{}, document, err
	}
	document.Version++
	return m, document, nil
}

func (p *Post) now() time.Time { return p.Now().UTC().Truncate(time.Millisecond) }

// letter writes what all addresses get.
func (p *Post) letter(ctx context.Context, e event.Event, kind mail.Kind, m Mailing) (mail.Letter, error) {
	account, err := p.Directory.Account(ctx, m.Account)
	if err != nil {
		return mail.Letter{}, err
	}
	zone, err := directory.Zone(account.Zone)
	if err != nil {
		return mail.Letter{}, err
	}
	voice := mail.Speak(m.Language, zone, string(account.Currency))
	facts, err := p.facts(ctx, e, kind, voice)
	if err != nil {
		return mail.Letter{}, err
	}
	return mail.Compose(kind, voice, account.Name, facts)
}

// advance takes one address as far as it gets: pause is how long it must wait before it can get further.
func (p *Post) advance(ctx context.Context, m *Mailing, document *ledger.Document, i int, letter mail.Letter) (pause time.Duration, err error) {
	r := &m.Recipients[i]
	now := p.now()
	switch {
	case r.done():
		return 0, nil
	case r.Status == Pending && now.Before(r.Next):
		return r.Next.Sub(now), nil
	case r.Status == Sending && now.Before(r.At.Add(doubt(r.Attempts))):
		return r.At.Add(doubt(r.Attempts)).Sub(now), nil
	case r.Status == Sending && (!vital(m.Kind) || now.Sub(m.PlannedAt) > patience):
		// SES kept silent, and nobody gets anything twice, or again and again.
		p.Metrics.Count("LettersUnknown", 1, "", "")
		return 0, p.change(ctx, m, document, i, r.Attempts, func(r *Recipient) { r.Status, r.Reason = Unknown, "no answer" })
	}
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) < reserve {
		return 0, errBusy // a call that is cut off would leave the letter in doubt
	}
	if err := p.claim(ctx, m, document, i); err != nil {
		return 0, err
	}
	r = &m.Recipients[i]
	message, err := p.Sender.Send(ctx, mail.Envelope{To: r.Address, Letter: letter, Tags: map[string]string{tagMailing: m.ID, tagRecipient: strconv.Itoa(i)}})
	return p.note(ctx, m, document, i, r.Attempts, message, err)
}

// errBusy lets an event come back in a moment.
var errBusy error = &refusal.Refusal{Kind: refusal.TooEarly, Detail: "The letter can't be sent at this moment.", RetryAfter: 5}

// claim writes that a letter is being sent. When the database doesn't say whether it did, it is read: the claim bears a mark
// of its own, so nobody takes another's for it, and no letter is in doubt that nobody has sent.
func (p *Post) claim(ctx context.Context, m *Mailing, document *ledger.Document, i int) error {
	r := m.Recipients[i]
	mine := Recipient{Address: r.Address, Status: Sending, Reason: r.Reason, Attempts: r.Attempts + 1, At: p.now(), Claim: rand.Text()}
	m.Recipients[i] = mine
	err := p.put(ctx, m, document)
	if errors.Is(err, ledger.ErrStale) {
		return errBusy
	}
	if !errors.Is(err, ledger.ErrUnknown) {
		return err
	}
	if *m, *document, err = ledger.Read[Mailing](ctx, p.Store, documentKey(m.ID)); err == nil && m.Recipients[i].Claim != mine.Claim {
		err = errBusy
	}
	return err
}

// note writes what came of a call.
func (p *Post) note(ctx context.Context, m *Mailing, document *ledger.Document, i, attempt int, message string, failed error) (pause time.Duration, err error) {
	var failure *mail.Failure
	if failed != nil && !errors.As(failed, &failure) {
		failure = &mail.Failure{Fate: mail.Unknown, Reason: "fault", Err: failed}
	}
	fail := func(r *Recipient) { r.Status, r.Reason = Failed, failure.Reason }
	switch {
	case failure == nil:
		p.Metrics.Count("LettersSent", 1, "", "")
		return 0, p.change(ctx, m, document, i, attempt, func(r *Recipient) { r.Status, r.Reason, r.Message = Sent, "", message })
	case failure.Fate == mail.Unknown:
		p.Log.Warn("nobody knows whether a letter was sent", "mailing", m.ID, "recipient", i, "error", failure.Error())
		return doubt(attempt), nil // the state stays as it is: SES may still tell
	case failure.Fate == mail.Refused || p.now().Sub(m.PlannedAt) > patience:
		p.Log.Error("a letter was refused", "mailing", m.ID, "recipient", i, "reason", failure.Reason, "error", failure.Error())
		p.Metrics.Count("LettersFailed", 1, "", "")
		return 0, p.change(ctx, m, document, i, attempt, fail)
	}
	p.Log.Warn("a letter isn't taken now", "mailing", m.ID, "recipient", i, "reason", failure.Reason, "error", failure.Error())
	pause = backOff(attempt)
	return pause, p.change(ctx, m, document, i, attempt, func(r *Recipient) {
		r.Status, r.Reason, r.Next = Pending, failure.Reason, p.now().Add(pause)
	})
}

// backOff is the pause before another try, from a minute to an hour.
func backOff(attempt int) time.Duration { return doubled(shortestPause, longestPause, attempt) }

// doubt is the pause after an unanswered call.
func doubt(attempt int) time.Duration { return doubled(Doubt, longestDoubt, attempt) }

// doubled doubles with every attempt after the first.
func doubled(pause, most time.Duration, attempt int) time.Duration {
	for ; attempt > 1 && pause < most; attempt-- {
		pause *= 2
	}
	return min(pause, most)
}

// change turns the state of an address that is still "sending" by this attempt. What SES told meanwhile stands.
func (p *Post) change(ctx context.Context, m *Mailing, document *ledger.Document, i, attempt int, turn func(*Recipient)) error {
	for try := 1; try <= maxConflicts; try++ {
		if r := &m.Recipients[i]; r.Status != Sending || r.Attempts != attempt {
			return nil
		}
		turned := *m
		turned.Recipients = slices.Clone(m.Recipients)
		turn(&turned.Recipients[i])
		turned.Recipients[i].At = p.now()
		err := p.put(ctx, &turned, document)
		if err == nil {
			*m = turned
			return nil
		}
		if !errors.Is(err, ledger.ErrStale) { // it may have been written: what SES has answered must not be forgotten lightly
			if err := ledger.Backoff(ctx, try); err != nil {
				return err
			}
		}
		found, kept, err := ledger.Read[Mailing](ctx, p.Store, documentKey(m.ID))
		if err == nil {
			*m, *document = found, kept
		} else if refusal.As(err) == nil {
			return err
		}
	}
	return fmt.Errorf("mailing %s: others write it all the time", m.ID)
}

// put writes the mailing's state.
func (p *Post) put(ctx context.Context, m *Mailing, document *ledger.Document) error {
	*document = m.in(*document)
	err := p.Store.Put(ctx, *document)
	if err == nil {
		document.Version++
	}
	return err
}
