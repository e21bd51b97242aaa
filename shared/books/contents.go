package books

import (
	"fmt"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// A table of contents tells of a thousand volumes when each begins, and what kinds of entries it has: so an instant is
// found with one read, and volumes without what is looked for are passed over.

const contentsKind = "books-contents"

// listed is how many volumes are in one table of contents. Tests make it small; nobody else may ever change it.
var listed int64 = 1000

type contents struct {
	Steps []int64  `json:"t"` // of the volumes' first entries, in milliseconds: the first since 1970, others since the one before
	Masks []uint32 `json:"k"` // of the volumes' entries: a bit for each kind, and each fund that was moved

	starts []int64
}

// contentsOf is the table that a volume is in, from 1.
func contentsOf(volume int64) int64 { return (volume + listed - 1) / listed }

func contentsKey(account wallet.AccountID, number int64) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: contentsKind, ID: fmt.Sprintf("%s#%d", account, number)}
}

func readContents(body []byte) (*contents, error) {
	c := new(contents)
	if body == nil {
		return c, nil
	}
	if err := unpacked(body, c); err != nil {
		return nil, err
	}
	at := int64(0)
	for _, step := range c.Steps {
		at += step
		c.starts = append(c.starts, at)
	}
	return c, nil
}

// add tells of a volume, the next one.
func (c *contents) add(start int64, mask uint32) {
	step := start
	if n := len(c.starts); n > 0 {
		step -= c.starts[n-1]
	}
	c.Steps, c.Masks, c.starts = append(c.Steps, step), append(c.Masks, mask), append(c.starts, start)
}

// mask is what one change adds to its volume's mask.
func (c Change) mask() uint32 {
	mask := uint32(1) << c.Entry.Kind
	for _, move := range c.Moves {
		mask |= 1 << (24 + move.Fund)
	}
	return mask
}

// wants tells whether entries of a mask may have what a filter chooses.
func (f ChangeFilter) wants(mask uint32) bool {
	kinds, funds := uint32(0), uint32(0)
	for _, kind := range f.Kinds {
		kinds |= 1 << kind
	}
	for _, fund := range f.Funds {
		funds |= 1 << (24 + fund)
	}
	return (kinds == 0 || mask&kinds != 0) && (funds == 0 || mask&funds != 0)
}
