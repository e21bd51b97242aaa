package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// What is wrong with the journal's next entry, or with the head, shows in every run: no run comes past it. Documents and
// lists that tell something else stop no run; so they are noted, and looked at again in every run until they are right.
// The alarm lasts as long as what it is about.

// mostStanding is how many entries, and pages of documents, are looked at again in every run. Beyond that, the patrol
// finds them again.
const mostStanding = 20

// doubt notes entries of which something else was told.
func (s *state) doubt(found []Finding) {
	for _, f := range found {
		if f.Number > 0 && len(s.Wrong) < mostStanding && !slices.Contains(s.Wrong, f.Number) {
			s.Wrong = append(slices.Clone(s.Wrong), f.Number)
		}
	}
}

// standing looks again at what was found, and forgets what has been put right.
func (a *Auditor) standing(ctx context.Context, s *state, report *Report) error {
	if s.Rewritten != nil {
		goal, err := s.Until.head(s.Account)
		if err != nil {
			return err
		}
		report.find(rewritten(goal, wallet.Hash(s.Rewritten)))
	}
	var wrong []int64
	for _, number := range s.Wrong {
		found, err := a.entryStands(ctx, s.Account, number)
		if err != nil {
			return err
		}
		if report.find(found...); len(found) > 0 {
			wrong = append(wrong, number)
		}
	}
	var pages []walk
	for _, page := range s.Pages {
		again := Report{Account: s.Account}
		claims, _, err := a.claims(ctx, page, s.Account)
		if err == nil {
			err = a.settle(ctx, claims, &again)
		}
		if err != nil {
			return err
		}
		if report.find(again.Findings...); len(again.Findings) > 0 {
			pages = append(pages, page)
		}
	}
	s.Wrong, s.Pages = wrong, pages
	return nil
}

// entryStands is what is still wrong with an entry of which something else was told.
func (a *Auditor) entryStands(ctx context.Context, account wallet.AccountID, number int64) ([]Finding, error) {
	again := Report{Account: account}
	entries, err := a.Store.Journal(ctx, account, number+1, 1)
	if err != nil && !errors.Is(err, ledger.ErrDamaged) {
		return nil, err
	}
	if err != nil || len(entries) == 0 || entries[0].Number != number {
		again.find(Finding{Kind: Damaged, Number: number, Detail: "the entry, of which something else was told, can't be read any more"})
		return again.Findings, nil
	}
	if err := a.entriesAgree(ctx, entries, &again); err != nil {
		return nil, err
	}
	_, err = a.grantsListed(ctx, entries, &again)
	return again.Findings, err
}

// grantsListed looks for entries that granted funds in the list where reversals find them (ledger.Terms). late tells that
// one has had no time yet to show up there.
func (a *Auditor) grantsListed(ctx context.Context, entries []wallet.Entry, report *Report) (late bool, err error) {
	granted := slices.DeleteFunc(slices.Clone(entries), func(e wallet.Entry) bool { return !e.Grants() })
	if len(granted) == 0 {
		return false, nil
	}
	listed, err := a.Store.Grants(ctx, report.Account, granted[len(granted)-1].Number+1, len(granted))
	if err != nil && !errors.Is(err, ledger.ErrDamaged) {
		return false, err
	}
	for _, e := range granted {
		switch {
		case slices.ContainsFunc(listed, func(l wallet.Entry) bool { return l.Number == e.Number }):
		case a.Now().Sub(e.Time) < a.Lag:
			late = true
		default:
			report.find(Finding{Kind: Unlisted, Number: e.Number, Key: e.Key, Detail: "it granted funds, but the list of grants hasn't it: what was paid from them couldn't be reversed"})
		}
	}
	return late, nil
}

func rewritten(goal wallet.Head, now wallet.Hash) Finding {
	return Finding{Kind: Rewritten, Number: goal.Version, Detail: fmt.Sprintf(
		"the journal up to %d was verified with the hash %x, and has %x now", goal.Version, goal.Last, now)}
}

// stillThere holds a journal that was replayed from its first entry against how far it was verified before: an entry and
// a head that are both gone leave no other trace.
func (a *Auditor) stillThere(ctx context.Context, verified mark, report *Report) error {
	if verified.Number == 0 || !report.Complete() {
		return nil
	}
	goal, err := verified.head(report.Account)
	if err != nil {
		return err
	}
	if report.Verified < goal.Version {
		report.find(wentBack(report.Head, goal.Version))
		return nil
	}
	at, err := a.Store.Journal(ctx, report.Account, goal.Version+1, 1)
	if err == nil && (len(at) == 0 || at[0].Hash() != goal.Last) {
		now := wallet.Hash{}
		if len(at) > 0 {
			now = at[0].Hash()
		}
		report.find(rewritten(goal, now))
	}
	return err
}

func wentBack(head wallet.Head, verified int64) Finding {
	return Finding{Kind: HeadBehind, Number: verified, Detail: fmt.Sprintf(
		"the head is at %d, though the journal was verified up to %d: it went back", head.Version, verified)}
}
