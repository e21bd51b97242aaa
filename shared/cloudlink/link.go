// Package cloudlink keeps the cloud accounts that pay for workspaces (README rules 15, 20 and 27): which of AWS, Alibaba
// Cloud, Huawei Cloud ... a billing account has linked, since when, and what became of it.
//
//	link.go   Link, its states, and the rules by which they change (pure)
//	desk.go   Desk: ask, link, release, unlink; each is one conditional write
//
// A customer may ask for a link, and an operator makes it: whoever can name a cloud customer mustn't be able to have that
// customer pay. A cloud account is linked to one billing account at a time; a document of its own claims it, and finds
// the link when the provider names nothing but its customer. What becomes of the workspaces when the provider has
// unlinked it is the business of package unlinking.
package cloudlink

import (
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	linkKind  = "cloud-link"
	claimKind = "cloud-link-claim"
	openKind  = "cloud-link-open"
)

// State is how far a link is.
type State string

// The states of a link.
const (
	Asked    State = "asked"    // by the customer; an operator looks at it
	Linked   State = "linked"   // workspaces may be on it
	Unlinked State = "unlinked" // by the provider; what becomes of its workspaces isn't over
	Released State = "released" // there is nothing any more
)

// Link is one cloud account of one billing account, with its history.
type Link struct {
	Account    wallet.AccountID     `json:"account_id"`
	Cloud      wallet.CloudAccount  `json:"cloud"`
	State      State                `json:"state"`
	AskedAt    time.Time            `json:"asked_at"`          // when it was asked for or made, the first time
	TakenAt    time.Time            `json:"taken_at,omitzero"` // when a workspace last came to it
	Time       int                  `json:"time,omitzero"`
	UnlinkedAt time.Time            `json:"unlinked_at,omitzero"`
	Zone       string               `json:"time_zone,omitempty"` // in which the countdown's days are counted
	RemindAt   time.Time            `json:"remind_at,omitzero"`
	EndsAt     time.Time            `json:"ends_at,omitzero"` // zero: there is no countdown
	RemindedAt time.Time            `json:"reminded_at,omitzero"`
	LockedAt   time.Time            `json:"locked_at,omitzero"`
	Named      []wallet.WorkspaceID `json:"locked_workspaces,omitempty"` // that were told to be locked, sorted
	Changes    int                  `json:"changes,omitzero"`            // of Named
	Steps      []Step               `json:"steps"`
}

// Step is something that became of a link.
type Step struct {
	At    time.Time `json:"at"`
	What  string    `json:"what"`
	Actor string    `json:"actor,omitempty"`
}

const maxSteps = 400

// Note adds to the link's history.
func (l *Link) Note(at time.Time, what, actor string) {
	if len(l.Steps) < maxSteps {
		l.Steps = append(l.Steps, Step{at, what, actor})
	}
}

// Pays tells whether workspaces of an account may be put on the link.
func (l *Link) Pays() bool { return l.State == Linked }

// lag is how long after a workspace came to a link lists may not tell of it yet.
const lag = time.Minute

// Take is the link as it is written beside a binding that puts a workspace on it: with a link that has turned meanwhile, and
// doesn't pay any more, neither is written; and whoever turns it from then on knows that lists may not tell of the workspace.
func (l Link) Take(read ledger.Document, now time.Time) ledger.Document {
	l.TakenAt = now.UTC().Truncate(time.Millisecond)
	return read.With(l).In(listOf(l.Account), l.rank())
}

// Gone tells whether workspaces may leave the link: the provider has released it (README rule 27).
func (l *Link) Gone() bool { return l.State == Unlinked || l.State == Released }

// returns tells whether workspaces go back to the wallet at once when a provider unlinks its customer, or the countdown
// begins (README rule 27). Whoever isn't named there is treated as AWS and Huawei Cloud are (chosen).
func returns(provider string) bool { return provider == "alibaba" }

// due is when the link is looked at next, while it is unlinked.
func (l *Link) due() time.Time {
	switch {
	case l.EndsAt.IsZero() || !l.LockedAt.IsZero():
		return l.UnlinkedAt
	case l.RemindedAt.IsZero():
		return l.RemindAt
	}
	return l.EndsAt
}

// Key is the document of an account's link.
func Key(account wallet.AccountID, cloud wallet.CloudAccount) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: linkKind, ID: string(account) + "/" + name(cloud)}
}

func claimKey(cloud wallet.CloudAccount) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: claimKind, ID: name(cloud)}
}

func openKey(account wallet.AccountID, cloud wallet.CloudAccount) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: openKind, ID: string(account) + "/" + name(cloud)}
}

func name(cloud wallet.CloudAccount) string { return cloud.Provider + "/" + cloud.Customer }

// claim says whose a cloud account is; nobody's when it is empty.
type claim struct {
	Account wallet.AccountID `json:"account_id,omitempty"`
}

func listOf(account wallet.AccountID) string { return "cloud-links#" + string(account) }
func listIn(state State) string              { return "cloud-links-open#" + string(state) }

// rank is the link's place in its account's list.
func (l *Link) rank() string {
	return l.AskedAt.UTC().Format("2006-01-02T15:04:05.000Z") + " " + name(l.Cloud)
}

// openRank is the link's place among those that somebody has to look at: the soonest and the oldest first.
func (l *Link) openRank() string {
	at := l.AskedAt
	if l.State == Unlinked {
		at = l.due()
	}
	return ledger.SoonestFirst(at, name(l.Cloud)+"#"+string(l.Account))
}

func none() error { return refusal.Of(refusal.NotFound, "There is no such cloud account.") }
