package transfer

import (
	"testing"

	"billingcentre/shared/ledger/ledgertest/faults"
)

// An import whose answers were lost, or that was cut off, tells the same in the end: what it brought, it brought.
func TestAnImportUnderFaultsTellsWhatItBrought(t *testing.T) {
	file := []byte(headers + "u-1,2026-11-01,1.00,x,\nu-2,2026-11-01,2.00,y,\nu-1,2026-11-01,1.00,x,\n")
	for writes := 1; writes <= 2; writes++ {
		for _, kind := range []faults.Kind{faults.Lost, faults.AnswerLost, faults.ServerErrorDone} {
			w := newWorld(t)
			sound := w.Ledger.Store
			w.Ledger.Store = faults.Over(sound, faults.Write(writes, faults.Fault{Kind: kind}))
			statement, _, err := w.Import(t.Context(), file, "olga")
			for err != nil {
				statement, _, err = w.Import(t.Context(), file, "olga")
			}
			w.Ledger.Store = sound
			sum, sumErr := w.Suspense(t.Context())
			if len(statement.Rows) != 2 || statement.Imported != 2 || statement.Repeated != 1 || statement.Minor != 300 || sumErr != nil || sum.Received != 300 {
				t.Errorf("write %d, %s: %+v, received %d, %v", writes, kind, statement, sum.Received, sumErr)
			}
		}
	}
}
