package arrears

import (
	"fmt"
	"slices"
	"time"

	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/wallet"
)

// maxNamed is how many workspaces a case names as locked; where there are more, all of them are.
const maxNamed = 1000

// turn takes the next step that is due at now, when every entry was read; ok is false when none is. What is locked is
// the account: workspaces are those that the wallet settles now, for the notice.
func (s *Standing) turn(now time.Time, workspaces func() ([]wallet.WorkspaceID, error)) (told []notice.Notice, ok bool, err error) {
	if s.Case == nil || s.State == Owing {
		return nil, false, nil
	}
	c := s.Case
	switch countdown := c.Countdown; {
	case s.State == Locked:
		named, err := workspaces()
		if err != nil {
			return nil, false, err
		}
		told = s.rename(now, named)
		return told, len(told) > 0, nil
	case countdown.Untold:
		countdown.Untold = false
		return []notice.Notice{s.tell(notice.ArrearsCountdown, s.owed())}, true, nil
	case !now.Before(countdown.EndsAt):
		named, err := workspaces()
		if err != nil {
			return nil, false, err
		}
		s.State, c.LockedAt, c.Named = Locked, now, named
		c.step(now, stepLocked, "")
		return []notice.Notice{s.lock(notice.Locked, named)}, true, nil
	case countdown.RemindedAt.IsZero() && !now.Before(countdown.RemindAt):
		countdown.RemindedAt = now
		c.step(now, stepReminder, "")
		return []notice.Notice{s.tell(notice.ArrearsReminder, s.owed())}, true, nil
	}
	return nil, false, nil
}

func (s *Standing) owed() money.Amount { return money.Of(s.Currency, s.Case.Owed) }

// lock is a notice that names workspaces.
func (s *Standing) lock(kind func(wallet.AccountID, notice.Arrears) notice.Notice, named []wallet.WorkspaceID) notice.Notice {
	told := s.tell(kind, s.owed())
	told.Arrears.Workspaces = named
	told.Arrears.More = len(named) >= maxNamed
	return told
}

// rename tells which workspaces came under a lock that lasts, and which left it.
func (s *Standing) rename(now time.Time, named []wallet.WorkspaceID) (told []notice.Notice) {
	c := s.Case
	came, left := without(named, c.Named), without(c.Named, named)
	if len(came)+len(left) == 0 {
		return nil
	}
	c.Named = named
	c.Changes++
	c.step(now, stepChanged, fmt.Sprintf("%d came, %d left", len(came), len(left)))
	if len(came) > 0 {
		told = append(told, s.changed(notice.WorkspacesLocked, came))
	}
	if len(left) > 0 {
		told = append(told, s.changed(notice.WorkspacesUnlocked, left))
	}
	return told
}

func (s *Standing) changed(kind func(wallet.AccountID, notice.Arrears) notice.Notice, named []wallet.WorkspaceID) notice.Notice {
	return s.lock(func(account wallet.AccountID, a notice.Arrears) notice.Notice {
		a.Change = s.Case.Changes
		return kind(account, a)
	}, named)
}

// without is what of all isn't in some; both are sorted.
func without(all, some []wallet.WorkspaceID) (rest []wallet.WorkspaceID) {
	for _, id := range all {
		if _, there := slices.BinarySearch(some, id); !there {
			rest = append(rest, id)
		}
	}
	return rest
}
