package notice

import "slices"

// Kinds are all kinds of notices. Each has a schema among those of shared/event: a new one goes here and there, and no
// other is ever written.
func Kinds() []string {
	return []string{
		"lot_expiring",
		"monthly_bill", "arrears_countdown", "arrears_reminder", "locked", "unlocked", "workspaces_locked", "workspaces_unlocked",
		"low_balance", "high_consumption", "cloud_unlinked", "charge_case",
	}
}

func known(kind string) bool { return slices.Contains(Kinds(), kind) }
