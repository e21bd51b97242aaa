package notice

import "billingcentre/shared/wallet"

// MonthlyBill is what a notice tells of a monthly bill (README rule 25). Amounts are decimals in Currency.
type MonthlyBill struct {
	Month       string `json:"month"` // "2026-11"
	Currency    string `json:"currency"`
	Total       string `json:"total"` // of the month's usage and of Adjustments: what was payable
	Adjustments string `json:"adjustments"`
	Cash        string `json:"cash"`
	Cloud       string `json:"cloud"`
	Vouchers    string `json:"vouchers"`
	Cards       string `json:"cards"`
	Overdue     string `json:"overdue"` // what nothing paid when it was settled
	Owed        string `json:"owed"`    // arrears now
}

// MonthlyBillReady tells that a month's bill was made.
func MonthlyBillReady(account wallet.AccountID, b MonthlyBill) Notice {
	return Notice{Kind: "monthly_bill", Cause: string(account) + "#" + b.Month, Account: account, MonthlyBill: &b}
}
