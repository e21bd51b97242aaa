package notice

import "billingcentre/shared/wallet"

// ChargeCase is what a notice tells of charges to a cloud account that an operator must look at (README rule 20).
type ChargeCase struct {
	Record   string `json:"record_id"` // of those charges: an operator finds them under it
	Provider string `json:"provider"`
	Customer string `json:"customer"`
	Charges  int    `json:"charges"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
	Why      string `json:"why"`      // "rejected", "not_subscribed", "duplicate", "too_late", "unknown", "not_configured", "too_large"
	Doubtful bool   `json:"doubtful"` // the cloud may have charged the customer all the same
}

// ChargedInVain tells that charges couldn't be brought to the cloud. The account is that of the first of them.
func ChargedInVain(account wallet.AccountID, c ChargeCase) Notice {
	return Notice{Kind: "charge_case", Cause: c.Record, Account: account, Charge: &c}
}
