package till

import (
	"os"

	"billingcentre/shared/boot"
	"billingcentre/shared/transfer"
)

// BankTransfers is the configuration of bank transfers in BANK_TRANSFERS; empty takes none.
func BankTransfers(b *boot.Boot) transfer.Config {
	config, err := transfer.ParseConfig(os.Getenv("BANK_TRANSFERS"))
	if err != nil {
		b.Fail("BANK_TRANSFERS is no configuration of bank transfers", "error", err.Error())
	}
	return config
}
