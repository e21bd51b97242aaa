package recharge

import (
	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Key is the document of an order, for the auditor.
func Key(id string) ledger.DocumentKey { return documentKey(id) }

// ListOf is the list of an account's orders, by the time of their creation.
func ListOf(account wallet.AccountID) string { return listOf(account) }
