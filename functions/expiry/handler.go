package main

import (
	"billingcentre/shared/boot"
	"billingcentre/shared/expiry"
	"billingcentre/shared/metric"
)

// handler is the expiry of this function's table: its Handle is what Lambda calls.
func handler(b *boot.Boot) *expiry.Expiry {
	return &expiry.Expiry{Ledger: b.Ledger(), Log: b.Log, Metrics: &metric.Metrics{}}
}
