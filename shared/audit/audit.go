// Package audit proves that what is stored is what was decided: it replays an account's journal, entry by entry, and
// compares the head that comes out with the head that is kept, byte for byte. It reads, and never repairs: a wrong
// balance is corrected by an operator, with a new entry.
//
//	audit.go      Auditor: Audit (some of an account, from where the last run ended), Verify (all of it, at once)
//	entry.go      what must be true of one entry upon the head before it (pure)
//	time.go       no fund is spent after its time, or cleared before it (pure)
//	pass.go       pages of the journal, in order; what is missing, and what is only late
//	document.go   orders, codes and cloud charges agree with their entries, and entries with them
//	finding.go    findings, which are kept as documents
//	standing.go   what was found, looked at again in every run until it is right
//	accounts.go   accounts that the list of all lacks
//	state.go      how far an account is verified
//	proof.go      a chain of entries for people to check by themselves (pure)
//
// A run costs what is new. How far an account is verified, and the head there, is kept in a document of its own; the next
// run goes on from it. So that damage to entries verified long ago is found as well, a second pass, the patrol, goes
// through the whole journal again, some pages a run, at most once a day: it must come to the very hash that was verified.
//
// The lists lag behind commits: an entry that isn't listed is missing only when it has had Lag to show up. All else is
// read strongly consistent, the head first: all entries up to its version were committed before.
package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

const (
	pageSize    = 100 // entries read at once
	tailPages   = 50  // of new entries that a run reads of one account
	patrolPages = 2   // of verified entries that a run reads again
	patrolEvery = 20 * time.Hour
	// Lag is how long an index may be behind its table before what it lacks is missing. Normally that is less than a second.
	Lag = 10 * time.Minute
)

// Auditor audits accounts. It is safe for concurrent use.
type Auditor struct {
	Store ledger.Store
	Now   func() time.Time
	Lag   time.Duration // zero: what isn't listed is missing, for stores whose lists never lag
	Grace time.Duration // of the policy: how long past its expiry a fund still pays (README rule 19)
}

// Report is what came of an audit of one account.
type Report struct {
	Account  wallet.AccountID
	Head     wallet.Head // as it is kept
	Entries  int         // read and replayed
	Verified int64       // number of the last entry that is right, with all before it
	Late     bool        // an entry isn't listed yet; the next run looks again
	Findings []Finding
}

// Complete tells whether the whole journal was replayed, and gave the head.
func (r Report) Complete() bool {
	return len(r.Findings) == 0 && !r.Late && r.Verified == r.Head.Version
}

// find takes findings into the report, each once.
func (r *Report) find(found ...Finding) {
	for _, f := range found {
		f.Account = r.Account
		if !slices.ContainsFunc(r.Findings, func(known Finding) bool { return known.id() == f.id() }) {
			r.Findings = append(r.Findings, f)
		}
	}
}

// Audit goes on where the last audit of the account ended, and keeps how far it came and what it found.
func (a *Auditor) Audit(ctx context.Context, account wallet.AccountID) (Report, error) {
	s, document, err := a.load(ctx, account)
	if err != nil {
		return Report{}, err
	}
	before := s
	report, err := a.audit(ctx, account, &s, tailPages)
	if err != nil {
		return report, err
	}
	if len(report.Findings) == 0 && !report.Late {
		if err := a.patrol(ctx, &s, &report); err != nil {
			return report, err
		}
	}
	if err := a.documentsAgree(ctx, &s, &report, 1); err != nil {
		return report, err
	}
	if err := a.standing(ctx, &s, &report); err != nil {
		return report, err
	}
	if err := a.keep(ctx, report.Findings); err != nil {
		return report, err
	}
	if s.same(before) {
		return report, nil
	}
	if err := a.Store.Put(ctx, document.With(s).In(stateList, string(account))); err != nil && !errors.Is(err, ledger.ErrStale) { // stale: another run was here
		return report, err
	}
	return report, nil
}

// Verify replays the whole journal from its first entry, trusting nothing that was verified before, and keeps nothing. What
// was verified before must still be there.
func (a *Auditor) Verify(ctx context.Context, account wallet.AccountID) (Report, error) {
	const all = 1 << 40
	verified, _, err := a.load(ctx, account) // first: what is verified meanwhile may be further than what is read here
	if err != nil {
		return Report{}, err
	}
	s := state{Account: account, Walks: walks()}
	report, err := a.audit(ctx, account, &s, all)
	for report.Late && err == nil {
		if err = pause(ctx); err == nil {
			report, err = a.audit(ctx, account, &s, all)
		}
	}
	if err == nil {
		err = a.documentsAgree(ctx, &s, &report, all)
	}
	if err == nil {
		err = a.stillThere(ctx, verified.Tail, &report)
	}
	return report, err
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(500 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// audit replays what is new, and compares the head when it gets there.
func (a *Auditor) audit(ctx context.Context, account wallet.AccountID, s *state, pages int) (Report, error) {
	report := Report{Account: account, Verified: s.Tail.Number}
	head, err := a.Store.Head(ctx, account)
	switch {
	case errors.Is(err, ledger.ErrDamaged):
		report.find(Finding{Kind: Damaged, Detail: err.Error()})
		return report, nil
	case err != nil:
		return report, err
	case head.Version == 0:
		report.find(Finding{Kind: HeadBehind, Number: s.Tail.Number, Detail: "there is no head, but an account"})
		return report, nil
	case head.Version < s.Tail.Number:
		report.find(wentBack(head, s.Tail.Number))
		return report, nil
	}
	report.Head = head
	p := pass{auditor: a, account: account, until: head, report: &report, state: s, timed: true}
	replayed, err := p.run(ctx, s.Tail, pages)
	if err != nil {
		return report, err
	}
	s.Tail = markOf(replayed)
	report.Verified = replayed.Version
	if replayed.Version < head.Version {
		return report, nil
	}
	if !bytes.Equal(replayed.Canonical(), head.Canonical()) {
		report.find(Finding{Kind: HeadDiffers, Number: head.Version, Detail: difference(replayed, head)})
		return report, nil
	}
	if forgotten := forgotten(head, a.Grace); forgotten != "" {
		report.find(Finding{Kind: Forgotten, Number: head.Version, Detail: forgotten})
	}
	return report, a.beyond(ctx, &report)
}

// beyond looks for entries that the head doesn't know.
func (a *Auditor) beyond(ctx context.Context, report *Report) error {
	newest, err := a.Store.Journal(ctx, report.Account, 0, 1)
	if errors.Is(err, ledger.ErrDamaged) {
		report.find(Finding{Kind: Damaged, Detail: err.Error()})
		return nil
	}
	if err != nil || len(newest) == 0 || newest[0].Number <= report.Head.Version {
		return err
	}
	head, err := a.Store.Head(ctx, report.Account) // perhaps it was committed since
	if err == nil && head.Version < newest[0].Number {
		report.find(Finding{Kind: HeadBehind, Number: newest[0].Number, Key: newest[0].Key, Detail: fmt.Sprintf(
			"the journal has entry %d, but the head is at %d", newest[0].Number, head.Version)})
	}
	return err
}

// patrol reads again what was verified, some pages of it, and at most once a day all.
func (a *Auditor) patrol(ctx context.Context, s *state, report *Report) error {
	if s.Until.Number == 0 {
		if a.Now().Sub(s.Patrolled) < patrolEvery {
			return nil
		}
		s.Patrol, s.Until, s.Walks = mark{}, s.Tail, walks()
	}
	goal, err := s.Until.head(report.Account)
	if err != nil {
		return err
	}
	p := pass{auditor: a, account: report.Account, until: goal, report: report, state: s}
	replayed, err := p.run(ctx, s.Patrol, patrolPages)
	if err != nil {
		return err
	}
	s.Patrol = markOf(replayed)
	if replayed.Version < goal.Version {
		return nil
	}
	if !bytes.Equal(replayed.Canonical(), goal.Canonical()) {
		report.find(rewritten(goal, replayed.Last))
		s.Patrol, s.Rewritten = mark{}, replayed.Last[:]
		return nil
	}
	s.Patrol, s.Until, s.Rewritten, s.Patrolled = mark{}, mark{}, nil, a.Now().UTC().Truncate(time.Millisecond)
	return nil
}
