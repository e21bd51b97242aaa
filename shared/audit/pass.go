package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// pass goes through a journal in order, from a mark to a head.
type pass struct {
	auditor *Auditor
	account wallet.AccountID
	until   wallet.Head
	report  *Report
	state   *state
	timed   bool // entries are held against the funds' times, too
}

// run replays up to some pages, and gives the head of the last entry that is right. It stops at the first entry that
// isn't: nothing that follows could be judged. A mark is always at the end of a page.
func (p *pass) run(ctx context.Context, from mark, pages int) (wallet.Head, error) {
	head, err := from.head(p.account)
	if err != nil {
		return head, err
	}
	for ; pages > 0 && head.Version < p.until.Version; pages-- {
		after, entries, err := p.page(ctx, head)
		if err != nil {
			return head, err
		}
		before := len(p.report.Findings)
		if err := p.auditor.entriesAgree(ctx, entries, p.report); err != nil {
			return head, err
		}
		unlisted, err := p.auditor.grantsListed(ctx, entries, p.report)
		if err != nil {
			return head, err
		}
		p.state.doubt(p.report.Findings[before:])
		p.report.Entries += len(entries)
		if unlisted {
			p.report.Late = true
			break
		}
		if after.Version < min(head.Version+pageSize, p.until.Version) {
			break // the next run reads the whole page again, and so finds the same
		}
		head = after
	}
	return head, nil
}

// page replays one page, and gives those of its entries that are right.
func (p *pass) page(ctx context.Context, head wallet.Head) (wallet.Head, []wallet.Entry, error) {
	last := min(head.Version+pageSize, p.until.Version)
	listed, err := p.auditor.Store.Journal(ctx, p.account, last+1, int(last-head.Version))
	switch {
	case errors.Is(err, ledger.ErrDamaged):
		p.report.find(Finding{Kind: Damaged, Number: head.Version + 1, Detail: err.Error()})
		return head, nil, nil
	case err != nil:
		return head, nil, err
	}
	slices.Reverse(listed)
	// Where entries are missing, the page is filled up with older ones.
	listed = slices.DeleteFunc(listed, func(e wallet.Entry) bool { return e.Number <= head.Version })
	var right []wallet.Entry
	keys := map[wallet.Key]bool{}
	for _, entry := range listed {
		if entry.Number != head.Version+1 {
			p.gap(head, listed, entry)
			return head, right, nil
		}
		next, wrong := Follow(head, entry)
		if wrong == nil && p.timed {
			if late := outOfTime(head, entry, p.auditor.Grace); late != "" {
				wrong = &Finding{Kind: OutOfTime, Number: entry.Number, Key: entry.Key, Detail: late}
			}
		}
		if wrong == nil && keys[entry.Key] {
			wrong = &Finding{Kind: CauseTwice, Number: entry.Number, Key: entry.Key, Detail: "another entry has the same cause"}
		}
		if wrong != nil {
			p.report.find(*wrong)
			return head, right, nil
		}
		keys[entry.Key] = true
		right = append(right, entry)
		head = next
	}
	if head.Version < last {
		p.gap(head, listed, wallet.Entry{})
	} else if p.state.Waiting.Number <= head.Version {
		p.state.Waiting = waiting{}
	}
	return head, right, nil
}

// gap tells what it means that entry stands where another number is due, or none stands there.
func (p *pass) gap(head wallet.Head, listed []wallet.Entry, entry wallet.Entry) {
	due, newest := head.Version+1, p.until.Time
	seen := map[int64]int{}
	for _, e := range slices.Backward(listed) {
		seen[e.Number]++
		if e.Number > due {
			newest = e.Time // at the end: of the first behind the gap. What is missing was committed before it
		}
	}
	for number, times := range seen {
		if number == due || times > 1 {
			p.report.find(Finding{Kind: Misplaced, Number: due, Key: entry.Key, Detail: fmt.Sprintf(
				"where entry %d belongs, there is one that tells number %d", due, entry.Number)})
			return
		}
	}
	now := p.auditor.Now()
	if p.state.Waiting.Number != due {
		p.state.Waiting = waiting{due, now.UTC().Truncate(time.Millisecond)}
	}
	if now.Sub(newest) < p.auditor.Lag && now.Sub(p.state.Waiting.Since) < p.auditor.Lag {
		p.report.Late = true
		return
	}
	p.report.find(Finding{Kind: Missing, Number: due, Detail: fmt.Sprintf("there is no entry %d, though the head is at %d", due, p.until.Version)})
}
