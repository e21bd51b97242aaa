package arrears

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/dynamo/meter"
)

// TestWhatArrearsCosts lives rule 26 on the real DynamoDB Local, and fails when a step costs a single unit more than the
// README says.
func TestWhatArrearsCosts(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	m := meter.New(meter.Schema{Keys: []string{"pk", "sk"}, Indexes: [][]string{{"list", "rank"}, {"grants", "rank"}, {"shard", "due"}}})
	l := newLabOver(t, dynamo.New(dynamodb.New(client.Options(), m.Options), table))
	for _, step := range []struct {
		name     string
		run      func()
		requests int
		reads    float64
		writes   float64
	}{
		{"rounds over nobody", func() { l.run(); l.patrol() }, 5, 2.5, 0},
		{"a bill by which the account falls into arrears", func() { l.owe("5", "0") }, 2, 1, 8},
		{"it is taken up", func() { l.run() }, 10, 7, 4},
		{"the patrol, with nothing new", func() { l.patrol() }, 5, 4, 0},
		{"the monthly bill's part", func() { l.now = fourth; l.month("2026-10") }, 3, 2, 6},
		{"a minute, with nothing due", func() { l.run() }, 4, 2.5, 0},
		{"the reminder", func() { l.now = fourth.AddDate(0, 0, 11); l.run() }, 7, 4.5, 6},
		{"the lock of two workspaces", func() { l.now = fourth.AddDate(0, 0, 14); l.run() }, 14, 14.5, 6},
		{"a minute of a locked account", func() { l.run() }, 8, 8, 0},
		{"repaid: it unlocks", func() { l.pay("5"); m.Reset(); l.must(l.keeper.Look(l.Context(), "acme")) }, 6, 6.5, 10},
		{"the bus says so once more", func() { l.must(l.keeper.Look(l.Context(), "acme")) }, 1, 1, 0},
	} {
		m.Reset()
		step.run()
		got := m.Snapshot()
		t.Logf("%s: %d requests, %g reads, %g writes", step.name, got.Requests, got.Reads, got.Writes)
		if got.Requests > step.requests || got.Reads > step.reads || got.Writes > step.writes {
			t.Errorf("%s: it cost %+v, budget is %d requests, %g reads, %g writes", step.name, got, step.requests, step.reads, step.writes)
		}
	}
	l.want(Clear, "arrears_countdown 1: 5.00", "arrears_reminder 1: 5.00", "locked 1: 5.00 ws-1 ws-2", "unlocked 1: 0.00 ws-1 ws-2")
}
