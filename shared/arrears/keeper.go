package arrears

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	entryPage    = 100 // entries read at once
	lookPages    = 20  // how many times at one look; the next one goes on
	lookSteps    = 8   // written by one look, and tries of each that others got in the way of
	worthWriting = 200 // entries that tell nothing, read: then how far it was read is kept
)

// Keeper keeps the standings of accounts up to date. It is safe for concurrent use.
type Keeper struct {
	Ledger    *ledger.Ledger
	Directory *directory.Directory
	Log       *slog.Logger
	Metrics   *metric.Metrics
}

// Look brings one account's standing up to date: what its journal tells, and what is due now. An account that owes
// nothing costs one read.
func (k *Keeper) Look(ctx context.Context, account wallet.AccountID) error {
	_, err := k.look(ctx, account, nil)
	return err
}

// look is Look; a mark says that the account fell into arrears by an entry. It gives the standing when nothing is left to do.
func (k *Keeper) look(ctx context.Context, account wallet.AccountID, m *mark) (s Standing, err error) {
	steps, tries, more := 0, 0, false
	for steps < lookSteps && tries < lookSteps {
		s, more, err = k.once(ctx, account, m)
		switch {
		case err == nil && !more:
			return s, nil
		case err == nil:
			steps, tries = steps+1, 0
			continue
		case !errors.Is(err, ledger.ErrStale) && !errors.Is(err, ledger.ErrContended) && !errors.Is(err, ledger.ErrUnknown):
			return s, err
		}
		if tries++; k.Ledger.Wait.Pause(ctx, tries) != nil {
			return s, err
		}
	}
	if tries == lookSteps {
		return s, ledger.ErrContended
	}
	return s, nil
}

// once loads, follows, turns, and writes one step; more tells that there may be another one. Whatever fails, or isn't
// known, it is loaded again: a step that was taken isn't due any more.
func (k *Keeper) once(ctx context.Context, account wallet.AccountID, m *mark) (s Standing, more bool, err error) {
	s, document, err := ledger.Read[Standing](ctx, k.Ledger.Store, Key(account))
	if err != nil && !refusal.Is(err, refusal.NotFound) {
		return s, false, err
	}
	late := m != nil && m.Entry <= s.Through && !s.knows(m.Entry)
	opened := s.Case == nil && m != nil && m.Entry > s.Through
	if s.Case == nil && !opened && !late {
		return s, false, nil
	}
	head, err := k.Ledger.Store.Head(ctx, account)
	if err != nil {
		return s, false, err
	}
	if late {
		return k.makeGood(ctx, s, document, head, *m)
	}
	if opened {
		s.openAt(*m, head.Zone)
	}
	news, err := k.follow(ctx, &s, head)
	if err != nil {
		return s, false, err
	}
	documents, turned, err := k.step(ctx, &s, head, news.over)
	if err != nil || !opened && !news.told && !turned && news.read < worthWriting {
		return s, false, err
	}
	documents = append(documents, s.document(document))
	if err := k.Ledger.Store.Put(ctx, documents...); err != nil {
		return s, false, fmt.Errorf("arrears of %s: %w", account, err)
	}
	return s, !news.over.IsZero() || s.Trace > 0 || s.Through < head.Version, nil
}

// makeGood keeps the case of a mark that was missed.
func (k *Keeper) makeGood(ctx context.Context, s Standing, document ledger.Document, head wallet.Head, m mark) (Standing, bool, error) {
	past := s.missed(m)
	news, err := k.follow(ctx, past, head)
	for range lookSteps {
		if err == nil && news.over.IsZero() && news.read > 0 {
			news, err = k.follow(ctx, past, head)
		}
	}
	if err != nil || news.over.IsZero() {
		return Standing{}, false, err // it isn't listed yet
	}
	err = k.Ledger.Store.Put(ctx, past.end(news.over).document(), s.document(document))
	return s, err == nil, err
}

// news is what was read of a journal.
type news struct {
	read int64
	told bool      // something about arrears
	over time.Time // when the last entry that was read left nothing owed; zero otherwise
}

// follow reads the journal from where the standing knows it, up to the head: backwards first, where the case's
// beginning isn't known. It may get there only at a later look.
func (k *Keeper) follow(ctx context.Context, s *Standing, head wallet.Head) (n news, err error) {
	for range lookPages {
		switch {
		case s.Trace > 0:
			page, err := k.Ledger.Store.Journal(ctx, s.Account, s.Trace+1, entryPage)
			if err != nil || len(page) == 0 || page[0].Number != s.Trace {
				return n, err // the index lags behind
			}
			n.told = true
			for _, entry := range page {
				if s.Trace == entry.Number {
					s.trace(entry)
				}
			}
		case s.Through < head.Version:
			page, err := k.Ledger.Store.Journal(ctx, s.Account, min(s.Through+entryPage, head.Version)+1, entryPage)
			if err != nil {
				return n, err
			}
			if done := n.add(s, page); done {
				return n, nil
			}
		default:
			return n, nil
		}
	}
	return n, nil
}

// add follows a page of the journal, newest first; done means that there is nothing more to follow now.
func (n *news) add(s *Standing, page []wallet.Entry) (done bool) {
	fresh := false
	for _, entry := range slices.Backward(page) {
		if entry.Number != s.Through+1 {
			continue // read before, or beyond one that isn't listed yet
		}
		told, over := s.follow(entry)
		n.read, n.told, fresh = n.read+1, n.told || told, true
		if over {
			n.over = entry.Time
			return true
		}
	}
	return !fresh
}

// step ends the case, or takes what is due, if all was read. It gives the documents to write beside the standing.
func (k *Keeper) step(ctx context.Context, s *Standing, head wallet.Head, over time.Time) (documents []ledger.Document, turned bool, err error) {
	now := k.Ledger.Now().UTC().Truncate(time.Millisecond)
	var told []notice.Notice
	switch {
	case !over.IsZero():
		if s.State == Locked {
			told = append(told, s.lock(notice.Unlocked, s.Case.Named))
			k.Metrics.Count("Unlocked", 1, "", "")
		}
		documents, turned = append(documents, s.end(over).document()), true
	case s.Trace == 0 && s.Through == head.Version:
		before := s.State
		told, turned, err = s.turn(now, func() ([]wallet.WorkspaceID, error) { return k.settled(ctx, s.Account, s.Case.Named) })
		if err != nil {
			return nil, false, err
		}
		if s.State != before {
			k.Metrics.Count("Locked", 1, "", "")
		}
	}
	for _, n := range told {
		documents = append(documents, n.Document(now))
		k.Log.Info("arrears", "account", s.Account, "notice", n.Kind, "case", n.Arrears.Case)
	}
	return documents, turned, nil
}

// settled lists the workspaces that the account's wallet settles now, sorted. The list may lag: what was there and isn't
// any more is looked at itself, so that no lock is told to be gone while it isn't.
func (k *Keeper) settled(ctx context.Context, account wallet.AccountID, former []wallet.WorkspaceID) (ids []wallet.WorkspaceID, err error) {
	for before, last := "", false; !last && len(ids) < maxNamed; {
		page, next, err := k.Directory.Workspaces(ctx, account, before, entryPage)
		if err != nil {
			return nil, err
		}
		for _, w := range page {
			if locksWith(&w, account) {
				ids = append(ids, w.ID)
			}
		}
		before, last = next, next == ""
	}
	slices.Sort(ids)
	for _, id := range without(former, ids) {
		w, err := k.Directory.Workspace(ctx, account, id)
		if err != nil {
			return nil, err
		}
		if locksWith(&w, account) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// locksWith tells whether a workspace is locked when an account is: the account's wallet settles it now (README rule 26).
func locksWith(w *directory.Workspace, account wallet.AccountID) bool {
	current := w.Current()
	return current.Account == account && current.Method == wallet.BillingCenter
}
