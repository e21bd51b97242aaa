package sim

import (
	"io"
	"log/slog"

	"billingcentre/shared/arrears"
	"billingcentre/shared/batch"
	"billingcentre/shared/directory"
	"billingcentre/shared/expiry"
	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/recharge"
	"billingcentre/shared/settlement"
	"billingcentre/shared/voucher"
	"billingcentre/shared/wallet"
)

// policy is the company's, with terms so short and steps so small that much happens in little time.
func policy() wallet.Policy {
	p := wallet.DefaultPolicy()
	p.CardStep, p.CardMonths, p.VoucherMonths = 1, 1, 1
	p.Gifts = []wallet.Gift{{From: 10, Gift: 1}, {From: 30, Gift: 5}, {From: 100, Gift: 20}}
	p.CountdownDays, p.ReminderDays = 2, 1
	return p
}

// centre is the code of the functions, in one process.
type centre struct {
	store      ledger.Store
	ledger     *ledger.Ledger
	settlement *settlement.Settlement
	expiry     *expiry.Expiry
	vouchers   *voucher.Desk
	recharges  *recharge.Desk
	arrears    *arrears.Keeper
}

var silent = slog.New(slog.DiscardHandler)

// centre wires the functions' code to a worker's clock and wires.
func (s *Simulation) centre(w *worker) *centre {
	store := ledger.Store(wire{w, s.store})
	if s.plant.Above != nil {
		store = s.plant.Above(store, w)
	}
	p := policy()
	if s.plant.Policy != nil {
		s.plant.Policy(&p)
	}
	metrics := &metric.Metrics{Out: io.Discard, Now: w.now}
	l := &ledger.Ledger{Store: store, Policy: p, Now: w.now, Wait: w.wait}
	return &centre{
		store: store, ledger: l,
		settlement: &settlement.Settlement{
			Ledger: l, Directory: &directory.Directory{Store: store, Now: w.now},
			Bills: &batch.Consumer{
				Source: "usage-bills", QueueURL: queueURL, MaxReceives: receives, Queue: visibilities{w}, Now: w.now, Log: silent,
				Quarantine: &quarantine.Quarantine{Store: store, Now: w.now, Metrics: metrics},
			},
			Metrics: metrics, Log: silent, Now: w.now,
		},
		expiry:    &expiry.Expiry{Ledger: l, Log: silent, Metrics: metrics},
		vouchers:  &voucher.Desk{Ledger: l, Key: []byte("the pepper of the simulation"), Metrics: metrics, Now: w.now, Chance: chance{s.dice}},
		recharges: &recharge.Desk{Ledger: l, Channel: till{w}},
		arrears:   &arrears.Keeper{Ledger: l, Directory: &directory.Directory{Store: store, Now: w.now}, Log: silent, Metrics: metrics},
	}
}
