package main

import (
	"context"
	"fmt"
	"time"

	"billingcentre/infra/local/console"
	"billingcentre/shared/audit"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// standstill is how long nothing may move on the queue before the wait for its end is given up.
const standstill = 90 * time.Second

// drain waits until the queue is empty.
func (s *site) drain(ctx context.Context) error {
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	last, moved := -1, time.Now()
	for {
		waiting, err := s.centre.Waiting(ctx)
		if err != nil {
			return err
		}
		if waiting == 0 {
			return nil
		}
		if waiting != last {
			last, moved = waiting, time.Now()
		}
		if time.Since(moved) > standstill {
			return fmt.Errorf("%d messages stay on the queue, and for %v nothing has happened", waiting, standstill)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// judge reads everything back: what became of each message, and whether each account is what its journal says.
func (s *site) judge(ctx context.Context, c *console.Console, p plan, t *tally, sent, drained time.Duration) (report, error) {
	step := c.Step("audit")
	defer step.Failed() // unless it is done
	r := newReport(p, t, sent, drained)
	auditor := audit.Auditor{Store: s.store, Now: time.Now, Grace: wallet.DefaultPolicy().Grace}
	var latency []time.Duration
	settled := map[wallet.BillID]int{}
	began := time.Now()
	for i, account := range s.accounts {
		step.Progress("account %d of %d", i+1, len(s.accounts))
		verified, err := auditor.Verify(ctx, account)
		if err != nil {
			return r, err
		}
		r.Audit.Entries += verified.Entries
		for _, f := range verified.Findings {
			r.Audit.Findings = append(r.Audit.Findings, f.String())
		}
		if !verified.Complete() && len(verified.Findings) == 0 {
			r.Audit.Findings = append(r.Audit.Findings, fmt.Sprintf("%s: verified up to %d of %d only", account, verified.Verified, verified.Head.Version))
		}
		took, err := s.entries(ctx, account, t, settled)
		if err != nil {
			return r, err
		}
		latency = append(latency, took...)
	}
	r.Audit.Accounts, r.Audit.Seconds = len(s.accounts), time.Since(began).Seconds()
	r.latency(latency)
	r.HTTP.Posts, r.HTTP.Booked = t.posts, t.credits
	if err := s.terminal(ctx, t, settled, &r); err != nil {
		return r, err
	}
	step.Done("%d accounts, %d entries replayed, %d findings", r.Audit.Accounts, r.Audit.Entries, len(r.Audit.Findings))
	return r, nil
}

// entries counts an account's settled bills, and how long each took.
func (s *site) entries(ctx context.Context, account wallet.AccountID, t *tally, settled map[wallet.BillID]int) (took []time.Duration, err error) {
	for before := int64(0); ; {
		page, err := s.store.Journal(ctx, account, before, 1000)
		if err != nil || len(page) == 0 {
			return took, err
		}
		for _, e := range page {
			before = e.Number
			if e.Kind == wallet.Adjusted && e.Reason == visitReason {
				t.credits++
			}
			if e.Settlement == nil {
				continue
			}
			settled[e.Settlement.Bill]++
			if sent, ours := t.sent[e.Settlement.Bill]; ours {
				took = append(took, max(0, e.Time.Sub(sent)))
			}
		}
		if before == 1 {
			return took, nil
		}
	}
}

// terminal looks for each message's terminal record: a bill's entry, once, or the message in quarantine.
func (s *site) terminal(ctx context.Context, t *tally, settled map[wallet.BillID]int, r *report) error {
	q := quarantine.Quarantine{Store: s.store, Now: time.Now}
	for bill := range t.sent {
		switch n := settled[bill]; {
		case n == 0:
			r.Messages.Lost++
		case n > 1:
			r.Messages.Doubled++
		default:
			r.Messages.Settled++
		}
	}
	for _, id := range t.poison {
		_, err := q.Get(ctx, id)
		switch {
		case refusal.Is(err, refusal.NotFound):
			r.Messages.Lost++
		case err != nil:
			return err
		default:
			r.Messages.Quarantined++
		}
	}
	return nil
}
