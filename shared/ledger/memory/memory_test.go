package memory_test

import (
	"testing"

	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/ledger/memory"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	ledgertest.Exercise(t, func(*testing.T) ledger.Store { return new(memory.Store) })
}
