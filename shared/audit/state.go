package audit

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	stateKind = "audit"
	stateList = "audits" // of all accounts that were ever audited
)

// state is how far an account is verified. The auditor trusts it for what Audit does; Verify doesn't read it.
type state struct {
	Account   wallet.AccountID `json:"account_id"`
	Tail      mark             `json:"tail"`               // up to here the journal was right, once
	Patrol    mark             `json:"patrol"`             // up to here it is right again
	Until     mark             `json:"until"`              // where the patrol must come to
	Patrolled time.Time        `json:"patrolled,omitzero"` // when one came there last
	Waiting   waiting          `json:"waiting"`            // for an entry to be listed
	Walks     []walk           `json:"walks,omitempty"`    // through documents, still under way

	// What was found, and is looked at in every run until it is right.
	Wrong     []int64 `json:"wrong,omitempty"`     // entries of which documents or lists told something else
	Pages     []walk  `json:"pages,omitempty"`     // pages of documents that told something else than their entries
	Rewritten []byte  `json:"rewritten,omitempty"` // the hash that the last patrol came to, instead of the verified one
}

// mark is a place in a journal, with the head there in its canonical bytes.
type mark struct {
	Number int64  `json:"number"`
	Head   []byte `json:"head,omitempty"`
}

func markOf(head wallet.Head) mark {
	if head.Version == 0 {
		return mark{}
	}
	return mark{head.Version, head.Canonical()}
}

func (m mark) head(account wallet.AccountID) (wallet.Head, error) {
	if m.Number == 0 {
		return wallet.Head{Account: account}, nil
	}
	head, err := wallet.DecodeHead(m.Head)
	if err == nil && (head.Account != account || head.Version != m.Number) {
		err = fmt.Errorf("a mark of account %s at %d holds a head of %s at %d", account, m.Number, head.Account, head.Version)
	}
	return head, err
}

func (m mark) same(o mark) bool { return m.Number == o.Number && bytes.Equal(m.Head, o.Head) }

type waiting struct {
	Number int64     `json:"number,omitempty"`
	Since  time.Time `json:"since,omitzero"`
}

func (s state) same(o state) bool {
	return s.Tail.same(o.Tail) && s.Patrol.same(o.Patrol) && s.Until.same(o.Until) && s.Patrolled.Equal(o.Patrolled) &&
		s.Waiting == o.Waiting && slices.Equal(s.Walks, o.Walks) &&
		slices.Equal(s.Wrong, o.Wrong) && slices.Equal(s.Pages, o.Pages) && bytes.Equal(s.Rewritten, o.Rewritten)
}

func (a *Auditor) load(ctx context.Context, account wallet.AccountID) (state, ledger.Document, error) {
	s, document, err := ledger.Read[state](ctx, a.Store, ledger.DocumentKey{Kind: stateKind, ID: string(account)})
	if refusal.Is(err, refusal.NotFound) {
		return state{Account: account}, document, nil
	}
	return s, document, err
}
