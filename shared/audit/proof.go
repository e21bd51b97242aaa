package audit

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"billingcentre/shared/wallet"
)

// Proof is a piece of an account's journal in the bytes that are hashed, from one entry to the head or to where the next
// piece begins. Each entry bears the hash of the one before it; so who knows the hash of a later entry, from a time or
// a source that he trusts, can see that none before it was altered, left out or put in.
//
// It proves no more than that. A hash that comes with the proof itself is no anchor: whoever can rewrite the whole
// journal can hash it, too. Anchors are what a customer noted earlier, or what was published outside the table, as the
// auditor's log does.
type Proof struct {
	Account wallet.AccountID `json:"account_id"`
	Head    Anchor           `json:"head"`
	Entries []Link           `json:"entries"` // ascending, without gaps
	Next    int64            `json:"next_number,omitzero"`
}

// Anchor is an entry's number and hash, in hexadecimal digits.
type Anchor struct {
	Number int64  `json:"number"`
	Hash   string `json:"hash"`
}

// Link is one entry in its canonical bytes (base64 in JSON) and their SHA-256.
type Link struct {
	Anchor
	Canonical []byte `json:"canonical"`
}

// LinkOf is an entry as a link.
func LinkOf(e wallet.Entry) Link {
	hash := e.Hash()
	return Link{Anchor{e.Number, hex.EncodeToString(hash[:])}, e.Canonical()}
}

// HeadOf is the anchor of a head.
func HeadOf(head wallet.Head) Anchor {
	return Anchor{head.Version, hex.EncodeToString(head.Last[:])}
}

// ParseAnchor reads NUMBER:HASH.
func ParseAnchor(text string) (Anchor, error) {
	number, hash, _ := strings.Cut(text, ":")
	n, err := strconv.ParseInt(number, 10, 64)
	if raw, bad := hex.DecodeString(hash); err != nil || bad != nil || len(raw) != len(wallet.Hash{}) || n < 1 {
		return Anchor{}, fmt.Errorf("%q is no anchor: it must be an entry's number and hash, such as 12:9f86d081…", text)
	}
	return Anchor{n, strings.ToLower(hash)}, nil
}

// Join appends the next piece of the same proof.
func (p *Proof) Join(next Proof) {
	p.Entries, p.Next = append(p.Entries, next.Entries...), next.Next
}

// Check follows the chain from its first link to its last, which must be the head's, and past every anchor. It gives the
// entries, decoded from the very bytes that were hashed.
func (p *Proof) Check(anchors ...Anchor) ([]wallet.Entry, error) {
	var entries []wallet.Entry
	at := map[int64]string{}
	for i, link := range p.Entries {
		e, err := wallet.DecodeEntry(link.Canonical)
		if err != nil {
			return nil, fmt.Errorf("link %d (entry %d): %w", i+1, link.Number, err)
		}
		real := LinkOf(e)
		switch {
		case e.Account != p.Account:
			return nil, fmt.Errorf("link %d: the entry is of account %s", i+1, e.Account)
		case real.Anchor != link.Anchor:
			return nil, fmt.Errorf("link %d: the bytes are of entry %d and have the hash %s, not %d and %s", i+1, real.Number, real.Hash, link.Number, link.Hash)
		case i > 0 && e.Number != entries[i-1].Number+1:
			return nil, fmt.Errorf("link %d: entry %d follows entry %d", i+1, e.Number, entries[i-1].Number)
		case i > 0 && e.Previous != entries[i-1].Hash():
			return nil, fmt.Errorf("link %d: entry %d doesn't continue the entry before it", i+1, e.Number)
		}
		entries, at[e.Number] = append(entries, e), real.Hash
	}
	if len(entries) == 0 || entries[len(entries)-1].Number != p.Head.Number {
		return nil, fmt.Errorf("the chain doesn't reach the head, entry %d", p.Head.Number)
	}
	for _, anchor := range append([]Anchor{p.Head}, anchors...) {
		if hash, there := at[anchor.Number]; !there {
			return nil, fmt.Errorf("the chain, from entry %d to %d, doesn't contain the anchor's entry %d", entries[0].Number, p.Head.Number, anchor.Number)
		} else if hash != anchor.Hash {
			return nil, fmt.Errorf("entry %d has the hash %s, not the anchor's %s", anchor.Number, hash, anchor.Hash)
		}
	}
	return entries, nil
}
