package sim

import (
	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Plant is a bug: something between the functions' code and the world that does wrong. The simulation must find it.
type Plant struct {
	Above    func(ledger.Store, *worker) ledger.Store     // between the code and the wires: each call is one of its own
	Below    func(ledger.Store, *Simulation) ledger.Store // between the wires and the store: all of it happens at once
	Policy   func(*wallet.Policy)                         // what the code takes for the company's policy
	AckFirst bool                                         // the queue is told before anything is committed
	AckAll   bool                                         // the queue isn't told what is handed back
}
