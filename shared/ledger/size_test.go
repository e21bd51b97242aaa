package ledger_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/wallet"
)

// weighed notes how large the commits of a store were.
type weighed struct {
	ledger.Store
	entries, bytes []int
}

func (w *weighed) Commit(ctx context.Context, c ledger.Commit) error {
	size := len(c.After.Canonical())
	for _, e := range c.Entries {
		size += len(e.Canonical())
	}
	w.entries, w.bytes = append(w.entries, len(c.Entries)), append(w.bytes, size)
	return w.Store.Commit(ctx, c)
}

// longBill is a bill of as many lines as one may have, whose words no compression makes shorter.
func longBill(id string) wallet.Settle {
	long := ledgertest.Bill(id, "0.012345678901")
	line := long.Bill.Lines[0]
	long.Bill.Lines = make([]wallet.Line, 1000)
	for i := range long.Bill.Lines {
		sum := sha256.Sum256(fmt.Append(nil, id, i))
		line.Product = hex.EncodeToString(sum[:])
		long.Bill.Lines[i] = line
	}
	return long
}

// TestACommitStaysBelowItsBytes: 99 bills of a thousand lines are more than a transaction of 4 MB holds. They take as many
// commits as that needs, and no more.
func TestACommitStaysBelowItsBytes(t *testing.T) {
	for name, count := range map[string]int{"memory": ledger.MaxActions - 1, "dynamo": 40} { // 40 are more than one commit, too
		t.Run(name, func(t *testing.T) {
			g := grounds[name](t)
			open(t, g.store, "acme", 100)
			bills := make([]wallet.Command, count)
			for i := range bills {
				bills[i] = longBill(fmt.Sprintf("long-%d", i))
			}
			store := &weighed{Store: g.store}
			must(t, on(store).DoAll(t.Context(), "acme", intents(bills...))...)
			store.check(t)
			if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 2+len(bills) {
				t.Errorf("%d entries", len(journal))
			}
		})
	}
}

func (w *weighed) check(t *testing.T) {
	t.Helper()
	const most, one = 4_000_000 - ledger.MaxActions*1024, 400_000 // beside what is canonical, an item has less than a KB
	for i, size := range w.bytes {
		each := size / w.entries[i]
		if size > most || each > one {
			t.Errorf("commit %d: %d entries of %d bytes", i+1, w.entries[i], size)
		}
		if i+1 < len(w.bytes) && size+each < 3_000_000 {
			t.Errorf("commit %d: %d entries of %d bytes, though the next would have fitted", i+1, w.entries[i], size)
		}
	}
	t.Logf("commits of %d entries, %d bytes", w.entries, w.bytes)
}
