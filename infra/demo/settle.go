package demo

import (
	"context"
	"fmt"
	"time"

	"billingcentre/infra/demo/centre"
	"billingcentre/shared/wallet"
)

const (
	lookEvery = 150 * time.Millisecond
	// standstill is how long nothing may happen before the wait is given up. A bill of an unknown workspace takes 15
	// minutes into quarantine; here all of them are known.
	standstill = 2 * time.Minute
)

// settle sends bills, waits for all of them, and tells what came of it.
func (d *Demo) settle(ctx context.Context, account string, bills []wallet.Bill) (Statement, error) {
	step := d.Console.Step("bills")
	defer step.Failed() // unless it is done
	w := &wait{centre: d.Centre, account: account, bills: bills}
	var err error
	if w.operator, w.owner, err = d.callers(account); err != nil {
		return Statement{}, err
	}
	before, err := w.listed(ctx)
	if err != nil {
		return Statement{}, err
	}
	began := time.Now()
	w.messages, err = d.Centre.Send(ctx, bills, func(n int) { step.Progress("%d of %d sent", n, len(bills)) })
	if err != nil {
		return Statement{}, err
	}
	settled, quarantined, err := w.done(ctx, func(waiting int) { step.Progress("%d of %d still on the queue", waiting, len(bills)) })
	if err != nil {
		return Statement{}, err
	}
	took := time.Since(began)
	again := ""
	if len(before) > 0 {
		again = fmt.Sprintf(": %d of them before, and a bill settles once", len(before))
	}
	step.Done("%d sent, %d settled%s", len(bills), settled, again)
	return d.statement(ctx, w.owner, account, bills, quarantined, took)
}

// wait watches an account until every bill is settled or in quarantine, and the queue is empty.
type wait struct {
	centre          *centre.Centre
	operator, owner *centre.Caller
	account         string
	bills           []wallet.Bill
	messages        map[string]wallet.BillID
}

func (w *wait) done(ctx context.Context, progress func(waiting int)) (settled, quarantined int, err error) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	moved, last := time.Now(), -1
	for {
		waiting, err := w.centre.Waiting(ctx)
		if err != nil {
			return 0, 0, err
		}
		progress(waiting)
		if waiting == 0 {
			settled, quarantined, err = w.count(ctx)
			if err != nil || settled+quarantined >= len(w.bills) {
				return settled, quarantined, err
			}
		}
		if waiting != last {
			moved, last = time.Now(), waiting
		}
		if time.Since(moved) > standstill {
			return 0, 0, fmt.Errorf("%d of %d bills are settled, %d in quarantine, %d on the queue, and for %v nothing has happened",
				settled, len(w.bills), quarantined, waiting, standstill)
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return 0, 0, ctx.Err()
		}
	}
}

// listed are those of the bills that the account lists as settled.
func (w *wait) listed(ctx context.Context) (map[wallet.BillID]bool, error) {
	all, err := w.owner.Bills(ctx, w.account)
	if err != nil {
		return nil, err
	}
	ours := make(map[wallet.BillID]bool, len(w.bills))
	for _, b := range w.bills {
		ours[b.ID] = true
	}
	there := make(map[wallet.BillID]bool, len(all))
	for _, b := range all {
		if ours[b.ID] {
			there[b.ID] = true
		}
	}
	return there, nil
}

func (w *wait) count(ctx context.Context) (settled, quarantined int, err error) {
	there, err := w.listed(ctx)
	if err != nil {
		return 0, 0, err
	}
	kept, err := w.operator.Quarantine(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, m := range kept {
		if id, ours := w.messages[m.ID]; ours && !there[id] {
			quarantined++
		}
	}
	return len(there), quarantined, nil
}
