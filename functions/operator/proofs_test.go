package main

import (
	"context"

	"billingcentre/shared/money"
	"billingcentre/shared/payment"
	"billingcentre/shared/proof"
	"billingcentre/shared/recharge"
	"billingcentre/shared/transfer"
)

// foundCase is the case that proven opens: its id comes from what it is about.
const foundCase = "Ce3af033786e96b71a64a8d07"

// biller has a payment on its bill of 1 November that nobody here knows of.
type biller struct{}

func (biller) Name() string { return "alipay" }

func (biller) Bill(_ context.Context, day string) ([]payment.BillRow, error) {
	if day != "2026-11-01" {
		return nil, payment.ErrNoBill
	}
	five := money.Units(money.CNY, 5)
	return []payment.BillRow{{OrderID: "nobody", Ref: "2026110122001", Amount: five, Received: five}}, nil
}

// proven has the days proved that are due.
func proven(w *world) {
	w.t.Helper()
	auditor := proof.NewAuditor(w.proofs, proof.Provider{Biller: biller{}, Desk: &recharge.Desk{Ledger: w.ledger}}, proof.Bank{Desk: &transfer.Desk{Ledger: w.ledger}})
	if _, err := auditor.Run(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}
