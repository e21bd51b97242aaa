package main

import (
	"slices"
	"sync"
	"time"

	"billingcentre/shared/wallet"
)

// tally is what was done, and what came of it. It is safe for concurrent use.
type tally struct {
	mu         sync.Mutex
	sent       map[wallet.BillID]time.Time // each bill's first message
	owner      map[wallet.BillID]wallet.AccountID
	duplicates int
	poison     []string // ids of the messages
	sendErrors int
	lastError  string

	requests, posts, refused int
	credits                  int // booked by posts, as the journals tell at the end
	answers                  []time.Duration
	killed                   map[string]int // sandboxes by function

	seen    map[wallet.BillID]bool // settled, as far as the view has looked
	latency []time.Duration        // of those
}

func newTally() *tally {
	return &tally{
		sent: map[wallet.BillID]time.Time{}, owner: map[wallet.BillID]wallet.AccountID{}, killed: map[string]int{}, seen: map[wallet.BillID]bool{},
	}
}

func (t *tally) lock(do func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	do()
}

// quantile is the least duration that a share of them doesn't exceed.
func quantile(of []time.Duration, share float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}
