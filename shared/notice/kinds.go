package notice

// The kinds of notices. Each has a schema among those of shared/event: a new one goes here and there.
const (
	LotExpiring      = "lot_expiring"
	MonthlyBill      = "monthly_bill"
	ArrearsCountdown = "arrears_countdown"
	ArrearsReminder  = "arrears_reminder"
	Locked           = "locked"
	Unlocked         = "unlocked"
	LowBalance       = "low_balance"
	HighConsumption  = "high_consumption"
	CloudUnlinked    = "cloud_unlinked"
	ChargeCase       = "charge_case"
)

// Kinds are all of them.
func Kinds() []string {
	return []string{
		LotExpiring, MonthlyBill, ArrearsCountdown, ArrearsReminder, Locked, Unlocked, LowBalance, HighConsumption, CloudUnlinked, ChargeCase,
	}
}
