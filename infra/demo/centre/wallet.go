package centre

import (
	"context"
	"net/url"

	"billingcentre/shared/receipt"
)

// Wallet is an account's wallet, as far as this client looks at it. Amounts are decimal strings.
type Wallet struct {
	Currency string `json:"currency"`
	Cash     string `json:"cash"`
	Vouchers struct {
		Regular  string `json:"regular"`
		Discount string `json:"discount"`
	} `json:"vouchers"`
	Cards   string          `json:"cards"`
	Arrears string          `json:"arrears"`
	Carried receipt.Carried `json:"carried"`
	Version int64           `json:"version"` // the number of its last entry
}

// Bill is a settled bill in brief.
type Bill struct {
	receipt.Bill
	ReversedAt string `json:"reversed_at"`
}

// Kept is a message in quarantine.
type Kept struct {
	ID     string `json:"message_id"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
	Status string `json:"status"`
}

// Wallet reads an account's wallet.
func (c *Caller) Wallet(ctx context.Context, account string) (Wallet, error) {
	var w Wallet
	err := c.Get(ctx, "/v1/accounts/"+url.PathEscape(account)+"/wallet", &w)
	return w, err
}

// Bills reads all settled bills of an account, the newest first.
func (c *Caller) Bills(ctx context.Context, account string) ([]Bill, error) {
	return All[Bill](ctx, c, "/v1/accounts/"+url.PathEscape(account)+"/bills")
}

// Quarantine reads what is kept in quarantine, the newest first.
func (c *Caller) Quarantine(ctx context.Context) ([]Kept, error) {
	return All[Kept](ctx, c, "/v1/operator/quarantine")
}
