// Package arrears is what becomes of an account that owes (README rules 17 and 26): a countdown from its monthly bill on, a
// reminder, then a lock of the workspaces that the wallet pays for; and the end of all of it as soon as it is repaid.
//
//	arrears.go   Standing: one document per account, its states, its lists
//	case.go      Case: one time of owing, from the bill that began it to the entry that ended it, with its whole history
//	begin.go     Mark and Begin: what other commits write for us (a settled bill, a monthly bill)
//	follow.go    a case as the journal tells it: bills that weren't covered, repayments (pure)
//	turn.go      the state machine: what is due now (pure)
//	keeper.go    Keeper: load, follow, turn, write; for one account, or on rounds over all that are open
//	view.go      what is shown
//
// Money is told by the journal alone. A standing only remembers how far it has read (Through), so it can never disagree
// with the wallet for long, and every step can be repeated: whoever takes it first writes it, under the document's version,
// together with its notice. A lock is decided only on a head whose every entry was read. A payment that lands between that
// read and the lock's write is the next entry: it is read next, and unlocks.
package arrears

import (
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

const (
	standingKind = "arrears"
	caseKind     = "arrears-case"
	markKind     = "arrears-mark"
	markList     = "arrears#marks"
)

// State is how an account stands.
type State string

// The states. Clear is everybody's who owes nothing; the others have an open case.
const (
	Clear    State = "clear"
	Owing    State = "owing"    // in arrears, and no monthly bill has said so yet
	Counting State = "counting" // a monthly bill has: the countdown runs
	Locked   State = "locked"   // it is over
)

// Standing is how one account stands with what it owes.
type Standing struct {
	Account  wallet.AccountID `json:"account_id"`
	Currency money.Currency   `json:"currency"`
	Zone     string           `json:"time_zone"`
	State    State            `json:"state"`
	Through  int64            `json:"through"`         // number of the last entry that was read
	Trace    int64            `json:"trace,omitzero"`  // while the case's beginning is looked for: the entry to look at next, backwards
	Month    string           `json:"month,omitempty"` // of the last monthly bill that found arrears
	Cases    int              `json:"cases"`           // how many there were, the open one too
	Began    []int64          `json:"began,omitempty"` // by which entries: the last of them
	Case     *Case            `json:"case,omitempty"`  // the open one
}

// Key is the document of an account's standing.
func Key(account wallet.AccountID) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: standingKind, ID: string(account)}
}

// list is where accounts of a state are found.
func list(state State) string { return "arrears#" + string(state) }

// document is the standing as the next version of the document it was read from, in the list of its state: countdowns
// by what is due next, the others by how long they have lasted; the soonest and the oldest first.
func (s *Standing) document(read ledger.Document) ledger.Document {
	if s.State == Clear {
		return read.With(s).In("", "")
	}
	return read.With(s).In(list(s.State), s.rank())
}

func (s *Standing) rank() string {
	at := s.Case.Since
	switch s.State {
	case Counting:
		at = s.Case.Countdown.due()
	case Locked:
		at = s.Case.LockedAt
	}
	return ledger.SoonestFirst(at, string(s.Account))
}
