package main

import (
	"context"

	"billingcentre/shared/charge"
	"billingcentre/shared/metering"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

// cloudSays is a marketplace that says the same of every record.
type cloudSays metering.Verdict

func (c cloudSays) Limits() metering.Limits {
	return metering.Limits{Records: 25, Quantity: 1 << 31, Age: 6 * 3600e9, Again: false}
}

func (c cloudSays) Push(_ context.Context, records []metering.Record) []metering.Result {
	return metering.All(records, metering.Result{Verdict: metering.Verdict(c), Code: "Said", Detail: "The marketplace said so.", Reference: "meter-1"})
}

// meter has the pending cloud charges metered by a marketplace that says the same of all.
func (w *world) meter(verdict metering.Verdict) {
	w.t.Helper()
	desk := *w.charges
	desk.Markets = map[string]charge.Market{"aws": {Meter: cloudSays(verdict), Dimensions: map[money.Currency]string{money.CNY: "fen"}}}
	if _, err := desk.Run(w.t.Context(), 0); err != nil {
		w.t.Fatal(err)
	}
}

// chargeRecord is the record that owed makes: its id comes from the cloud's customer and the hour.
const chargeRecord = "M1S7GB90AF6CEZDV0R0YF9J8CJ6QY60C8"

// owed has two charges of a cloud's customer metered by a marketplace that says so.
func owed(verdict metering.Verdict) func(w *world) {
	return func(w *world) {
		w.settle("c-1", wallet.Cloud)
		w.settle("c-2", wallet.Cloud)
		w.meter(verdict)
	}
}
