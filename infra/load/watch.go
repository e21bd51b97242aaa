package main

import (
	"context"
	"fmt"
	"time"

	"billingcentre/infra/local/console"
	"billingcentre/shared/wallet"
)

const (
	look   = time.Second
	rowFor = 10 // looks
	recent = 1000
)

// watch shows what happens, every second on a terminal, and a row of a table every ten. It looks into one account after
// the other, so that looking costs little: latency and age are those of the account that was looked at last.
func (s *site) watch(ctx context.Context, c *console.Console, t *tally) {
	step := c.Step("load")
	defer step.Done("done")
	c.Say("\n  time  messages   sent/s  done/s  waiting  queue→settled p50      p99   oldest  HTTP p99  errors  killed")
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	began := time.Now()
	told, sentBefore, doneBefore := began, 0, 0
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		age := s.inspect(ctx, s.accounts[n%len(s.accounts)], t)
		waiting, err := s.centre.Waiting(ctx)
		if err != nil {
			continue
		}
		v := t.view()
		step.Progress("%d bills sent, %d messages waiting, queue→settled p50 %s p99 %s, oldest %s, %d errors", v.sent, waiting, short(v.p50), short(v.p99), short(age), v.errors)
		if n%rowFor == 0 {
			seconds := time.Since(told).Seconds() // looks may take their time on a busy machine
			told = time.Now()
			c.Say("  %-7s %7d  %6.1f  %6.1f  %7d  %17s  %7s  %7s  %8s  %6d  %6d", time.Since(began).Round(time.Second), v.sent, float64(v.sent-sentBefore)/seconds,
				float64(v.sent-waiting-doneBefore)/seconds, waiting, short(v.p50), short(v.p99), short(age), short(v.http), v.errors, v.killed)
			sentBefore, doneBefore = v.sent, v.sent-waiting
		}
	}
}

// view is the tally at a glance.
type view struct {
	sent, errors, killed int // sent counts every message
	p50, p99, http       time.Duration
}

func (t *tally) view() (v view) {
	t.lock(func() {
		latest := t.latency[max(0, len(t.latency)-recent):]
		v = view{
			sent: len(t.sent) + t.duplicates + len(t.poison), errors: t.sendErrors + t.refused,
			p50: quantile(latest, 0.5), p99: quantile(latest, 0.99), http: quantile(t.answers[max(0, len(t.answers)-recent):], 0.99),
		}
		for _, times := range t.killed {
			v.killed += times
		}
	})
	return v
}

// inspect reads an account's newest entries, notes how long their bills took, and tells how old the oldest bill is that
// isn't settled.
func (s *site) inspect(ctx context.Context, account wallet.AccountID, t *tally) (age time.Duration) {
	for before := int64(0); ; {
		page, err := s.store.Journal(ctx, account, before, 100)
		if err != nil || len(page) == 0 {
			break
		}
		known := 0
		t.lock(func() {
			for _, e := range page {
				before = e.Number
				if e.Settlement == nil || t.seen[e.Settlement.Bill] {
					known++
					continue
				}
				if sent, ours := t.sent[e.Settlement.Bill]; ours {
					t.seen[e.Settlement.Bill] = true
					t.latency = append(t.latency, max(0, e.Time.Sub(sent)))
				}
			}
		})
		if known == len(page) || before <= 1 {
			break
		}
	}
	t.lock(func() {
		for bill, sent := range t.sent {
			if t.owner[bill] == account && !t.seen[bill] {
				age = max(age, time.Since(sent))
			}
		}
	})
	return age
}

func short(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
