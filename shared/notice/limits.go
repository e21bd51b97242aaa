package notice

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// LowBalance is what a notice tells of a balance that has fallen below its account's limit. Amounts are decimals in Currency.
type LowBalance struct {
	Balance  string    `json:"balance"` // cash, vouchers and cards less arrears
	Limit    string    `json:"limit"`
	Currency string    `json:"currency"`
	Entry    int64     `json:"entry"` // number of the entry that took it below
	EntryAt  time.Time `json:"entry_at"`
}

// BalanceLow tells of one crossing: its entry is the cause.
func BalanceLow(account wallet.AccountID, b LowBalance) Notice {
	return Notice{Kind: "low_balance", Cause: fmt.Sprintf("%s#%d", account, b.Entry), Account: account, LowBalance: &b}
}

// HighConsumption is what a notice tells of a usage day whose cost has reached a limit of its account.
type HighConsumption struct {
	Day      string `json:"day"`
	Product  string `json:"product,omitempty"` // "" for all products together
	Spent    string `json:"spent"`             // exact
	Limit    string `json:"limit"`
	Currency string `json:"currency"`
}

// ConsumptionHigh tells it once a day and product: another limit on the same day is no other cause.
func ConsumptionHigh(account wallet.AccountID, c HighConsumption) Notice {
	cause := fmt.Sprintf("%s#%s", account, c.Day)
	if c.Product != "" { // which may hold any character, so it is told by its hash
		sum := sha256.Sum256([]byte(c.Product))
		cause += "#" + hex.EncodeToString(sum[:8])
	}
	return Notice{Kind: "high_consumption", Cause: cause, Account: account, HighConsumption: &c}
}

// KeyOf is the key of a notice's document.
func KeyOf(kind, cause string) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: DocumentKind, ID: kind + ":" + cause}
}
