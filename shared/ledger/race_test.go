package ledger_test

import (
	"fmt"
	"sync"
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// once runs workers at once and waits for all of them.
func once(workers int, work func(worker int)) {
	var start, end sync.WaitGroup
	start.Add(1)
	for worker := range workers {
		end.Go(func() {
			start.Wait()
			work(worker)
		})
	}
	start.Done()
	end.Wait()
}

func TestTwentyWorkersAndOneLastFen(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		acme := ledgertest.Open(t, g.store, "acme")
		acme.Must(wallet.TopUp{Order: "r", Amount: money.Of(money.CNY, 1)})
		errs := make([]error, 20)
		once(len(errs), func(worker int) {
			order := wallet.Order{Account: "acme", Once: fmt.Sprint(worker), Amount: money.Of(money.CNY, 1), Item: "sms"}
			_, errs[worker] = insist(t.Context(), patient(g.store), "acme", ledger.Intent{Command: order})
		})
		won := 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case !refusal.Is(err, refusal.Insufficient):
				t.Error(err)
			}
		}
		if won != 1 {
			t.Errorf("%d orders won", won)
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 3 {
			t.Errorf("%d entries", len(journal))
		}
	})
}

func TestTheSameBill32TimesAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 100)
		receipts := make([]ledger.Receipt, 32)
		errs := make([]error, len(receipts))
		once(len(receipts), func(worker int) {
			receipts[worker], errs[worker] = insist(t.Context(), patient(g.store), "acme", ledger.Intent{Command: ledgertest.Bill("b", "13.4")})
		})
		firsts := 0
		for i := range receipts {
			if errs[i] != nil || !sameEntry(receipts[i], receipts[0]) {
				t.Errorf("worker %d: %+v, %v", i, receipts[i], errs[i])
			}
			if !receipts[i].Repeated {
				firsts++
			}
		}
		if firsts != 1 {
			t.Errorf("%d were the first", firsts)
		}
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 3 {
			t.Errorf("%d entries", len(journal))
		}
	})
}

func TestTheSameCodeByTwoAccountsAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		putCode(t, g.store)
		accounts := []wallet.AccountID{"acme", "other"}
		for _, id := range accounts {
			open(t, g.store, id, 0)
		}
		errs := make([]error, 8)
		once(len(errs), func(worker int) {
			id := accounts[worker%2]
			_, errs[worker] = insist(t.Context(), patient(g.store), id, entering(g.store, id, "1"))
		})
		entries := 0
		for i, id := range accounts {
			journal := ledgertest.CheckReplay(t, g.store, id)
			entries += len(journal) - 1
			for worker := i; worker < len(errs); worker += 2 { // all of one account get the same answer
				if err := errs[worker]; len(journal) == 2 && err != nil || len(journal) == 1 && !refusal.Is(err, refusal.NotFound) {
					t.Errorf("%s: %v", id, err)
				}
			}
		}
		if entries != 1 {
			t.Errorf("the code worked %d times", entries)
		}
	})
}

func TestBatchesThatOverlapAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, g ground) {
		open(t, g.store, "acme", 10)
		bills := ledgertest.Bills("b", 30, "0.25")
		once(4, func(worker int) {
			for i := worker; i < worker+3; i++ {
				at := 10 * (i % 3)
				for _, outcome := range patient(g.store).DoAll(t.Context(), "acme", intents(bills[at:at+10]...)) {
					if outcome.Err != nil && !refusal.Is(outcome.Err, refusal.Contended) {
						t.Error(outcome.Err)
					}
				}
			}
		})
		must(t, on(g.store).DoAll(t.Context(), "acme", intents(bills...))...)
		if journal := ledgertest.CheckReplay(t, g.store, "acme"); len(journal) != 32 {
			t.Errorf("%d entries", len(journal))
		}
		head, err := g.store.Head(t.Context(), "acme")
		if err != nil || head.Cash != money.Of(money.CNY, 250) {
			t.Errorf("cash is %s, %v", head.Cash, err)
		}
	})
}
