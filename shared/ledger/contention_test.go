package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// distant is a store that takes as long as DynamoDB does (aws.md 1.2): reads 4 ms, transactions 18 ms and more, during
// which another transaction of the same wallet is a conflict. It counts commits that were tried, and those that were made.
type distant struct {
	ledger.Store
	writing     atomic.Bool
	tried, made atomic.Int64
}

func (d *distant) Head(ctx context.Context, account wallet.AccountID) (wallet.Head, error) {
	time.Sleep(3*time.Millisecond + rand.N(2*time.Millisecond))
	return d.Store.Head(ctx, account)
}

func (d *distant) Commit(ctx context.Context, c ledger.Commit) error {
	d.tried.Add(1)
	time.Sleep(4*time.Millisecond + rand.N(2*time.Millisecond)) // on its way
	if !d.writing.CompareAndSwap(false, true) {
		return ledger.ErrContended
	}
	time.Sleep(8*time.Millisecond + rand.N(4*time.Millisecond))
	err := d.Store.Commit(ctx, c)
	if d.writing.Store(false); err == nil {
		d.made.Add(1)
	}
	return err
}

// insistent is a worker that hands on one commit after the other, each as often as it takes, as a queue does.
func insistent(t *testing.T, store ledger.Store, commits [][]wallet.Command) {
	for _, commands := range commits {
		for handed := 1; ; handed++ {
			busy := 0
			for _, o := range patient(store).DoAll(t.Context(), "acme", intents(commands...)) {
				switch {
				case refusal.Is(o.Err, refusal.Contended):
					busy++
				case o.Err != nil:
					t.Error(o.Err)
				}
			}
			if busy == 0 {
				break
			}
			if handed == 20 { // receives of a message
				t.Errorf("%s was given up", commands[0].Key())
				break
			}
		}
	}
}

// Some containers settle bills of one account: all finish, and few of their commits are in vain. In a bubble's time, so that
// only what the loop does counts; a hundred commits each, so that chance evens out: two need 1.12 tries for each on average,
// four 1.4.
func TestContainersOnOneAccountDontBlockEachOther(t *testing.T) {
	for workers, most := range map[int]float64{1: 1, 2: 2, 4: 3} {
		for _, batch := range []int{1, 25} {
			synctest.Test(t, func(t *testing.T) {
				store := &distant{Store: new(memory.Store)}
				open(t, store.Store, "acme", 1_000)
				var all sync.WaitGroup
				for w := range workers {
					all.Go(func() {
						var commits [][]wallet.Command
						for n := range 100 {
							commits = append(commits, ledgertest.Bills(fmt.Sprintf("b-%d-%d", w, n), batch, "0.01"))
						}
						insistent(t, store, commits)
					})
				}
				all.Wait()
				tried, made := store.tried.Load(), store.made.Load()
				if made != int64(100*workers) || float64(tried) > most*float64(made) {
					t.Errorf("%d workers, %d bills at once: %d commits for %d, want at most %g times as many", workers, batch, tried, made, most)
				}
				if journal := ledgertest.CheckReplay(t, store.Store, "acme"); len(journal) != 2+100*workers*batch {
					t.Errorf("%d entries", len(journal))
				}
			})
		}
	}
}

// T-34: 32 settlers, top-ups and corrections on one account, all at once. Commits in vain are many then
// (some five for each that is made, which is why the queue's concurrency is bounded); but all finish, and no money is lost.
func TestAStormOnOneAccountEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &distant{Store: new(memory.Store)}
		acme := ledgertest.Open(t, store.Store, "acme")
		acme.Must(ledgertest.Cash("first", 1_000))
		var commits [][][]wallet.Command
		for w := range 32 {
			var own [][]wallet.Command
			for n := range 10 {
				own = append(own, ledgertest.Bills(fmt.Sprintf("b-%d-%d", w, n), 3, "0.25"))
			}
			commits = append(commits, own)
		}
		var paid, corrected [][]wallet.Command
		for n := range 10 {
			paid = append(paid, []wallet.Command{ledgertest.Cash(fmt.Sprint("r", n), 1)})
			corrected = append(corrected, []wallet.Command{wallet.Adjust{Account: "acme", Once: fmt.Sprint(n), Amount: money.Units(money.CNY, 2), Debit: true, Reason: "test"}})
		}
		var all sync.WaitGroup
		for _, own := range append(commits, paid, corrected) {
			all.Go(func() { insistent(t, store, own) })
		}
		all.Wait()
		head, err := store.Store.Head(t.Context(), "acme")
		if want := money.Units(money.CNY, 1_000+10-20-32*10*3/4); err != nil || head.Cash != want {
			t.Errorf("cash is %s, want %s, %v", head.Cash, want, err)
		}
		ledgertest.CheckReplay(t, store.Store, "acme")
	})
}
