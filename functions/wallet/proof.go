package main

import (
	"context"
	"slices"
	"strconv"

	"billingcentre/shared/api"
	"billingcentre/shared/audit"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

const (
	proofEntries = 100     // of one answer
	proofBytes   = 2 << 20 // canonical; a function's answer may have 6 MB, and base64 makes three bytes four
)

// proof hands out the journal from an entry on, in the bytes that are hashed, with the head that they lead to.
func (h handler) proof(ctx context.Context, r *api.Request) (api.Response, error) {
	account := wallet.AccountID(r.Path("account"))
	if err := r.Caller.MayRead(account); err != nil {
		return api.Response{}, err
	}
	if err := r.OnlyQuery(); err != nil {
		return api.Response{}, err
	}
	head, err := h.ledger.Open(ctx, account)
	if err != nil {
		return api.Response{}, err
	}
	from, err := strconv.ParseInt(r.Path("number"), 10, 64)
	if err != nil || from < 1 || from > head.Version || strconv.FormatInt(from, 10) != r.Path("number") {
		return api.Response{}, refusal.Of(refusal.NotFound, "There is no such entry.")
	}
	last := min(from+proofEntries-1, head.Version)
	journal, err := h.ledger.Store.Journal(ctx, account, last+1, int(last-from+1))
	if err != nil {
		return api.Response{}, err
	}
	p := audit.Proof{Account: account, Head: audit.HeadOf(head), Entries: linksOf(journal, from)}
	if len(p.Entries) == 0 {
		return api.Response{}, &refusal.Refusal{Kind: refusal.Unavailable, Detail: "The entry isn't listed yet; ask again.", RetryAfter: 1}
	}
	if next := p.Entries[len(p.Entries)-1].Number + 1; next <= head.Version {
		p.Next = next
	}
	return api.OK(p)
}

// linksOf are the entries from a number on, without a gap, as many as an answer holds. The list may lag: where it lacks
// an entry, the piece ends.
func linksOf(journal []wallet.Entry, from int64) (links []audit.Link) {
	bytes := 0
	for _, entry := range slices.Backward(journal) {
		if entry.Number < from {
			continue
		}
		link := audit.LinkOf(entry)
		bytes += len(link.Canonical)
		if entry.Number != from+int64(len(links)) || len(links) > 0 && bytes > proofBytes {
			break
		}
		links = append(links, link)
	}
	return links
}
