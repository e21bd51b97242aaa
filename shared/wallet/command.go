package wallet

import (
	"crypto/sha256"
	"fmt"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/refusal"
)

// Command is something that shall happen to one wallet. Key names its cause, Fingerprint what was asked.
type Command interface {
	Key() Key
	Fingerprint() Fingerprint
	decide(d *draft) error
}

// Change is the outcome of a decision: the new entry, and the head that it leaves.
type Change struct {
	Head      Head
	Entry     Entry
	Canonical []byte // of the entry, as the head's Last hashes them: whoever keeps the entry needn't write them again
}

// Decide turns a head and a command into a change, or into a *refusal.Refusal; head itself is never touched.
// Time never runs backwards in a journal: a now before the head's last entry counts as that entry's time.
func Decide(head Head, command Command, policy Policy, now time.Time) (Change, error) {
	now = Effective(head, now)
	d := draft{head: head.clone(), policy: &policy, now: now}
	d.entry = Entry{
		Key: command.Key(), Account: head.Account, Number: head.Version + 1, Time: now,
		Fingerprint: command.Fingerprint(), Previous: head.Last,
	}
	if _, opens := command.(Open); !opens {
		if head.Version == 0 {
			return Change{}, refusal.Of(refusal.NotFound, "There is no such account.")
		}
		head.check()
	}
	if err := command.decide(&d); err != nil {
		return Change{}, err
	}
	return d.seal()
}

// Effective is the instant of a decision, and of a view: never before the head's last entry, in whole milliseconds.
func Effective(head Head, now time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if now.Before(head.Time) {
		return head.Time
	}
	return now
}

// draft is the change while a command makes it. Commands refuse first and post then: after the first posting a
// command must succeed.
type draft struct {
	head   Head
	entry  Entry
	policy *Policy
	now    time.Time
}

// move posts an amount and moves it in the head. Nothing isn't posted. Money that isn't there is a bug of the
// command, which should have refused.
func (d *draft) move(from, to Place, amount money.Amount) {
	if amount.IsZero() {
		return
	}
	p := Posting{from, to, amount}
	if err := d.head.apply(p); err != nil {
		panic(fmt.Sprintf("wallet %s: %s: %v", d.head.Account, d.entry.Key, err))
	}
	d.entry.Postings = append(d.entry.Postings, p)
}

// inflow is README rule 3: cash that comes in repays arrears first, and only the rest becomes cash.
func (d *draft) inflow(from Place, amount money.Amount) {
	repaid := money.Min(amount, d.head.Arrears)
	d.move(from, in(InArrears), repaid)
	d.move(from, in(InCash), amount.Sub(repaid))
}

// bring puts a lot's terms into the head and into the entry; its money is posted separately.
func (d *draft) bring(lot Lot) {
	lot.Remaining = money.Zero(d.head.Currency)
	d.head.put(lot)
	d.entry.Lots = append(d.entry.Lots, lot)
	due := lot.ExpiresAt.Add(-d.policy.ExpiryNotice)
	if due.Before(d.now) {
		due = d.now
	}
	d.head.Due = sooner(d.head.Due, due)
}

// room is the limit on active lots: the next grant is a conflict.
func (d *draft) room(lots int) error {
	if len(d.head.Lots)+lots > d.policy.MaxLots {
		return refusal.Of(refusal.Conflict, "The account already holds %d vouchers and cards, which is the limit.", len(d.head.Lots))
	}
	return nil
}

// seal completes the entry and the head. A balance beyond money.Limit is refused: the numbers would soon not fit.
func (d *draft) seal() (Change, error) {
	d.head.dropEmpty()
	d.entry.Balances = d.head.Balances()
	if !d.entry.Balances.withinLimit() {
		return Change{}, refusal.Of(refusal.Conflict, "The wallet would hold or owe more than %s.", money.Of(d.head.Currency, money.Limit))
	}
	canonical := d.entry.Canonical()
	d.head.Version, d.head.Time, d.head.Last = d.entry.Number, d.entry.Time, sha256.Sum256(canonical)
	d.head.check()
	return Change{d.head, d.entry, canonical}, nil
}

func (b Balances) withinLimit() bool {
	for _, amount := range [...]money.Amount{b.Cash, b.Arrears, b.Regular, b.Discount, b.Card} {
		if !amount.WithinLimit() {
			return false
		}
	}
	return true
}
