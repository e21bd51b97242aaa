package arrears

import (
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// maxBills is how many bills a case names one by one; of those after them it keeps the sum.
const maxBills = 100

// Case is one time of owing. Amounts are minor units of the account's currency.
type Case struct {
	Number    int                  `json:"number"`           // in its account, from 1
	Since     time.Time            `json:"since"`            // when the account fell into arrears
	Entry     int64                `json:"entry,omitzero"`   // by which entry; 0 until it is found
	Owed      int64                `json:"owed"`             // now, as far as the journal was read
	Most      int64                `json:"most"`             // ever
	Bills     []Bill               `json:"bills,omitempty"`  // that weren't covered, oldest first
	Later     Later                `json:"later,omitzero"`   // those after maxBills
	Repaid    []Repayment          `json:"repaid,omitempty"` // oldest first
	Countdown *Countdown           `json:"countdown,omitempty"`
	Next      []Countdown          `json:"next,omitempty"` // of monthly bills since: they hold if this case turns out to have ended before
	LockedAt  time.Time            `json:"locked_at,omitzero"`
	Named     []wallet.WorkspaceID `json:"locked_workspaces,omitempty"` // that were told to be locked, sorted
	Changes   int                  `json:"changes,omitzero"`            // of Named since
	EndedAt   time.Time            `json:"ended_at,omitzero"`
	EndedBy   int64                `json:"ended_by,omitzero"` // the entry that repaid the last of it
	Steps     []Step               `json:"steps"`             // what became of it, oldest first
}

// Bill is a settled bill that funds didn't cover.
type Bill struct {
	ID         wallet.BillID      `json:"bill_id"`
	Workspace  wallet.WorkspaceID `json:"workspace_id"`
	Day        string             `json:"day"`
	At         time.Time          `json:"at"` // when it was settled
	Entry      int64              `json:"entry"`
	Owed       int64              `json:"owed"`
	Restricted int64              `json:"restricted,omitzero"` // of it, for lines that vouchers never pay
	Products   []string           `json:"restricted_products,omitempty"`
	Repaid     int64              `json:"repaid,omitzero"`
}

// Later sums up bills.
type Later struct {
	Bills  int   `json:"bills"`
	Owed   int64 `json:"owed"`
	Repaid int64 `json:"repaid,omitzero"`
}

// Repayment is an entry that lowered arrears.
type Repayment struct {
	Entry  int64     `json:"entry"`
	At     time.Time `json:"at"`
	Kind   string    `json:"kind"` // of the entry
	Amount int64     `json:"amount"`
}

// Countdown is rule 26's.
type Countdown struct {
	Month      string    `json:"month"`   // of the monthly bill that began it
	Version    int64     `json:"version"` // of the head on which that bill saw arrears
	BeganAt    time.Time `json:"began_at"`
	RemindAt   time.Time `json:"remind_at"`
	EndsAt     time.Time `json:"ends_at"`
	RemindedAt time.Time `json:"reminded_at,omitzero"`
	Untold     bool      `json:"untold,omitzero"` // its notice waits until it is known what is owed
}

// due is what comes next: its notice, the reminder or the end.
func (c *Countdown) due() time.Time {
	switch {
	case c.Untold:
		return c.BeganAt
	case c.RemindedAt.IsZero():
		return c.RemindAt
	}
	return c.EndsAt
}

// Step is something that became of a case.
type Step struct {
	At   time.Time `json:"at"`
	What string    `json:"what"`
	Note string    `json:"note,omitempty"`
}

// The steps of a case.
const (
	stepOwing     = "owing"        // funds didn't cover a bill
	stepCountdown = "countdown"    // its monthly bill began the countdown
	stepMonth     = "monthly_bill" // another monthly bill found the arrears still there
	stepReminder  = "reminder"     // told once more
	stepLocked    = "locked"       // the countdown was over
	stepChanged   = "workspaces"   // another set of workspaces is locked
	stepRepaid    = "repaid"       // nothing is owed any more
	stepUnlocked  = "unlocked"     // and so nothing is locked
)

const maxSteps = 400 // a case of thirty years of monthly bills

func (c *Case) step(at time.Time, what, note string) {
	if len(c.Steps) < maxSteps {
		c.Steps = append(c.Steps, Step{at, what, note})
	}
}

func caseKey(account wallet.AccountID, number int) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: caseKind, ID: fmt.Sprintf("%s#%d", account, number)}
}

func caseList(account wallet.AccountID) string { return "arrears-cases#" + string(account) }

// Ended is a case that is over, as it is kept.
type Ended struct {
	Account  wallet.AccountID `json:"account_id"`
	Currency money.Currency   `json:"currency"`
	Case     Case             `json:"case"`
}

// document is the case that is over, listed with its account's, the last one first.
func (e Ended) document() ledger.Document {
	return ledger.Document{Key: caseKey(e.Account, e.Case.Number)}.With(e).In(caseList(e.Account), e.rank())
}

// Rank is the case's place in its account's list.
func (e Ended) rank() string { return fmt.Sprintf("%09d", e.Case.Number) }

// owe notes a bill that wasn't covered.
func (c *Case) owe(bill Bill) {
	c.Owed += bill.Owed
	c.Most = max(c.Most, c.Owed)
	if len(c.Bills) < maxBills {
		c.Bills = append(c.Bills, bill)
		return
	}
	c.Later.Bills++
	c.Later.Owed += bill.Owed
}

// repay notes what an entry repaid: of the bill that it reversed first, and then of the oldest (chosen: the wallet knows
// one sum only).
func (c *Case) repay(r Repayment, reversed wallet.BillID) {
	c.Owed -= r.Amount
	if len(c.Repaid) < maxBills {
		c.Repaid = append(c.Repaid, r)
	}
	left := r.Amount
	if i := slices.IndexFunc(c.Bills, func(b Bill) bool { return b.ID == reversed }); i >= 0 && reversed != "" {
		left = c.Bills[i].take(left)
	}
	for i := range c.Bills {
		left = c.Bills[i].take(left)
	}
	c.Later.Repaid += min(left, c.Later.Owed-c.Later.Repaid)
}

// take repays as much of the bill as there is, and returns the rest.
func (b *Bill) take(amount int64) int64 {
	repaid := min(amount, b.Owed-b.Repaid)
	b.Repaid += repaid
	return amount - repaid
}
