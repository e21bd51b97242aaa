package arrears

import (
	"testing"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger/dynamo"
)

// TestWhatArrearsCosts lives rule 26 on the real DynamoDB Local, and fails when a step costs a single unit more than the
// README says.
func TestWhatArrearsCosts(t *testing.T) {
	client, table, costs := dynamodbtest.Metered(t)
	l := newLabOver(t, dynamo.New(client, table))
	costs.Step("rounds over nobody", func() { l.run(); l.patrol() }, 5, 2.5, 0)
	costs.Step("a bill by which the account falls into arrears", func() { l.owe("5", "0") }, 2, 1, 8)
	costs.Step("it is taken up", l.run, 10, 7, 4)
	costs.Step("the patrol, with nothing new", l.patrol, 5, 4, 0)
	costs.Step("the monthly bill's part", func() { l.now = fourth; l.month("2026-10") }, 3, 2, 6)
	costs.Step("a minute, with nothing due", l.run, 4, 2.5, 0)
	costs.Step("the reminder", func() { l.now = fourth.AddDate(0, 0, 11); l.run() }, 7, 4.5, 6)
	costs.Step("the lock of two workspaces", func() { l.now = fourth.AddDate(0, 0, 14); l.run() }, 14, 14.5, 6)
	costs.Step("a minute of a locked account", l.run, 8, 8, 0)
	costs.Step("repaid: it unlocks", func() { l.pay("5"); costs.Reset(); l.must(l.keeper.Look(l.Context(), "acme")) }, 6, 6.5, 10)
	costs.Step("the bus says so once more", func() { l.must(l.keeper.Look(l.Context(), "acme")) }, 1, 1, 0)
	l.want(Clear, "arrears_countdown 1: 5.00", "arrears_reminder 1: 5.00", "locked 1: 5.00 ws-1 ws-2", "unlocked 1: 0.00 ws-1 ws-2")
}
