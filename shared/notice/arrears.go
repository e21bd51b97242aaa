package notice

import (
	"fmt"
	"time"

	"billingcentre/shared/wallet"
)

// Arrears is what the notices of README rule 26 tell. "locked" and "unlocked" are about the account, once a case; the
// product acts on their workspaces. While a lock lasts, "workspaces_locked" and "workspaces_unlocked" tell those that came
// under it and left it since, because they were bound, unbound, or are settled by another method.
type Arrears struct {
	Case       int                  `json:"case"` // number of the case of arrears in its account
	Owed       string               `json:"owed"`
	Currency   string               `json:"currency"`
	Restricted string               `json:"restricted"` // of what is owed, for products that vouchers never pay
	Since      time.Time            `json:"since"`
	Month      string               `json:"month,omitempty"`  // of the monthly bill that began the countdown
	EndsAt     time.Time            `json:"ends_at,omitzero"` // when the countdown ends
	Workspaces []wallet.WorkspaceID `json:"workspaces,omitempty"`
	More       bool                 `json:"more_workspaces,omitzero"` // all of the account's that the wallet settles, not only those named
	Change     int                  `json:"change,omitzero"`          // "workspaces_..." only: the how-manieth of the case
}

// ArrearsCountdown tells that a monthly bill found arrears, and that a lock follows.
func ArrearsCountdown(account wallet.AccountID, a Arrears) Notice {
	return arrears("arrears_countdown", account, a)
}

// ArrearsReminder tells it again, shortly before the lock.
func ArrearsReminder(account wallet.AccountID, a Arrears) Notice {
	return arrears("arrears_reminder", account, a)
}

// Locked tells that the workspaces that the wallet settles are locked.
func Locked(account wallet.AccountID, a Arrears) Notice { return arrears("locked", account, a) }

// Unlocked tells that all was repaid.
func Unlocked(account wallet.AccountID, a Arrears) Notice { return arrears("unlocked", account, a) }

// WorkspacesLocked tells which workspaces came under a lock that lasts.
func WorkspacesLocked(account wallet.AccountID, a Arrears) Notice {
	return arrears("workspaces_locked", account, a)
}

// WorkspacesUnlocked tells which workspaces left a lock that lasts.
func WorkspacesUnlocked(account wallet.AccountID, a Arrears) Notice {
	return arrears("workspaces_unlocked", account, a)
}

func arrears(kind string, account wallet.AccountID, a Arrears) Notice {
	cause := fmt.Sprintf("%s#%d", account, a.Case)
	if a.Change > 0 {
		cause += fmt.Sprintf("#%d", a.Change)
	}
	return Notice{Kind: kind, Cause: cause, Account: account, Arrears: &a}
}
