package arrears

import (
	"context"
	"fmt"
	"time"

	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/refusal"
	"billingcentre/shared/wallet"
)

// mark says that an entry made an account that owed nothing owe.
type mark struct {
	Account  wallet.AccountID `json:"account_id"`
	Currency money.Currency   `json:"currency"`
	Entry    int64            `json:"entry"`
	At       time.Time        `json:"at"`
}

func (m mark) key() ledger.DocumentKey {
	return ledger.DocumentKey{Kind: markKind, ID: fmt.Sprintf("%s#%d", m.Account, m.Entry)}
}

// Mark is what a settlement commits with an entry by which an account falls into arrears, so that nobody has to look for
// such accounts; nothing for every other entry.
func Mark(entry wallet.Entry) []ledger.Document {
	if !entry.Balances.Arrears.IsPositive() || !before(entry).IsZero() {
		return nil
	}
	m := mark{Account: entry.Account, Currency: entry.Balances.Cash.Currency(), Entry: entry.Number, At: entry.Time}
	rank := ledger.SoonestFirst(m.At, fmt.Sprintf("%s#%015d", m.Account, m.Entry))
	return []ledger.Document{ledger.Document{Key: m.key()}.With(m).In(markList, rank)}
}

// before is what the account owed before an entry.
func before(entry wallet.Entry) money.Amount {
	owed, repaid := moved(entry)
	return entry.Balances.Arrears.Sub(owed).Add(repaid)
}

// moved is by how much an entry raised and lowered arrears.
func moved(entry wallet.Entry) (owed, repaid money.Amount) {
	zero := money.Zero(entry.Balances.Arrears.Currency())
	owed, repaid = zero, zero
	for _, p := range entry.Postings {
		if p.From.Kind == wallet.InArrears {
			owed = owed.Add(p.Amount)
		}
		if p.To.Kind == wallet.InArrears {
			repaid = repaid.Add(p.Amount)
		}
	}
	return owed, repaid
}

// Begin is what a monthly bill commits with itself, all or nothing (README rule 26): the countdown of the account that
// the bill found in arrears, and its notice. Head is what the bill saw, month is its month ("2026-10"). There is nothing
// to commit when the account owes nothing, when that has been repaid since, and when this month has been counted before. Where a countdown runs, or is over,
// the first one stands (chosen), and only the history tells of the second bill; unless what it counted turns out to have been
// repaid before that bill, which nobody had seen yet. ErrStale from the commit means that the
// account's standing has moved: ask again.
func Begin(ctx context.Context, store ledger.Store, policy wallet.Policy, head wallet.Head, month string, now time.Time) ([]ledger.Document, error) {
	if !head.Arrears.IsPositive() {
		return nil, nil
	}
	s, document, err := ledger.Read[Standing](ctx, store, Key(head.Account))
	if err != nil && !refusal.Is(err, refusal.NotFound) {
		return nil, err
	}
	if month <= s.Month || s.pastOf(head) {
		return nil, nil
	}
	now = now.UTC().Truncate(time.Millisecond)
	began, err := s.begin(policy, head, month, now)
	if err != nil {
		return nil, err
	}
	documents := []ledger.Document{s.document(document)}
	if began {
		documents = append(documents, s.tell(notice.ArrearsCountdown, head.Arrears).Document(now))
	}
	return documents, nil
}

// pastOf tells whether what was owed on a head is known to have been repaid since: the bill that saw it comes too late.
func (s *Standing) pastOf(head wallet.Head) bool {
	return s.Case == nil && s.Through >= head.Version || s.Case != nil && s.Case.Entry > head.Version
}

// begin turns the standing to counting; began is false where a countdown had begun before.
func (s *Standing) begin(policy wallet.Policy, head wallet.Head, month string, now time.Time) (began bool, err error) {
	zone, err := directory.Zone(head.Zone)
	if err != nil {
		return false, err
	}
	s.Account, s.Currency, s.Zone, s.Month = head.Account, head.Currency, head.Zone, month
	if s.Case == nil {
		s.open(&Case{Since: head.Time, Owed: head.Arrears.Minor(), Most: head.Arrears.Minor()})
		s.Trace = head.Version
	}
	ends := now.In(zone).AddDate(0, 0, policy.CountdownDays)
	countdown := Countdown{
		Month: month, Version: head.Version, BeganAt: now, EndsAt: ends.UTC(),
		RemindAt: ends.AddDate(0, 0, -policy.ReminderDays).UTC(),
	}
	if s.Case.Countdown != nil {
		s.Case.step(now, stepMonth, month)
		countdown.Untold = true
		s.Case.Next = append(s.Case.Next, countdown)
		return false, nil
	}
	s.State = Counting
	s.Case.Countdown = &countdown
	s.Case.step(now, stepCountdown, month)
	return true, nil
}

// open begins a case.
func (s *Standing) open(c *Case) {
	s.Cases++
	c.Number = s.Cases
	s.Case, s.State = c, Owing
}

// tell is a notice of the open case, when so much is owed.
func (s *Standing) tell(kind func(wallet.AccountID, notice.Arrears) notice.Notice, owed money.Amount) notice.Notice {
	c := s.Case
	told := notice.Arrears{
		Case: c.Number, Owed: owed.String(), Currency: string(s.Currency), Since: c.Since,
		Restricted: money.Of(s.Currency, c.restricted()).String(),
	}
	if c.Countdown != nil {
		told.Month, told.EndsAt = c.Countdown.Month, c.Countdown.EndsAt
	}
	return kind(s.Account, told)
}

// restricted is what is still owed for lines that vouchers never pay, of the bills that are named.
func (c *Case) restricted() (sum int64) {
	for _, b := range c.Bills {
		sum += min(b.Restricted, b.Owed-b.Repaid)
	}
	return sum
}
