package notice

import (
	"fmt"
	"time"

	"billingcentre/shared/wallet"
)

// The stages of a cloud account's unlinking.
const (
	CloudUnlinkedNow = "unlinked"
	CloudReminder    = "reminder"
	CloudLocked      = "locked"
)

// CloudLink is what notices tell about a cloud account that was unlinked at its provider (README rule 27):
// "cloud_unlinked" to people, at each stage; "workspaces_locked" and "workspaces_unlocked" to the product.
type CloudLink struct {
	Provider   string               `json:"provider"`
	Customer   string               `json:"customer"`
	Stage      string               `json:"stage"`
	UnlinkedAt time.Time            `json:"unlinked_at"`
	Returned   bool                 `json:"returned,omitzero"` // the wallet settles its workspaces since; otherwise a countdown runs
	EndsAt     time.Time            `json:"ends_at,omitzero"`  // when those that are still on it are locked
	Workspaces []wallet.WorkspaceID `json:"workspaces,omitempty"`
	More       bool                 `json:"more_workspaces,omitzero"` // there are more than are named
	Time       int                  `json:"time"`                     // the how-manieth unlinking
	Change     int                  `json:"change,omitzero"`          // "workspaces_..." only: the how-manieth of it
}

// CloudUnlinked tells people of an unlinking, a stage of it.
func CloudUnlinked(account wallet.AccountID, c CloudLink) Notice {
	return cloudLink("cloud_unlinked", c.Stage, account, c)
}

// CloudWorkspacesLocked tells which workspaces came under the lock of an unlinked cloud account.
func CloudWorkspacesLocked(account wallet.AccountID, c CloudLink) Notice {
	return cloudLink("workspaces_locked", fmt.Sprint(c.Change), account, c)
}

// CloudWorkspacesUnlocked tells which workspaces left it.
func CloudWorkspacesUnlocked(account wallet.AccountID, c CloudLink) Notice {
	return cloudLink("workspaces_unlocked", fmt.Sprint(c.Change), account, c)
}

func cloudLink(kind, which string, account wallet.AccountID, c CloudLink) Notice {
	cause := fmt.Sprintf("%s/%s#%s#%d#%s", c.Provider, c.Customer, account, c.Time, which)
	return Notice{Kind: kind, Cause: cause, Account: account, CloudLink: &c}
}
