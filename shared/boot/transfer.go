package boot

import (
	"os"

	"billingcentre/shared/transfer"
)

// BankTransfers is the configuration of bank transfers in BANK_TRANSFERS; empty takes none.
func (b *Boot) BankTransfers() transfer.Config {
	config, err := transfer.ParseConfig(os.Getenv("BANK_TRANSFERS"))
	if err != nil {
		b.fail("BANK_TRANSFERS is no configuration of bank transfers", "error", err.Error())
	}
	return config
}
