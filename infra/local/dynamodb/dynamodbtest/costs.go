package dynamodbtest

import (
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"billingcentre/shared/ledger/dynamo/meter"
)

// Costs holds what a test does to what it may cost.
type Costs struct {
	*meter.Meter
	t testing.TB
}

// Metered is Client, and what counts the cost of its calls.
func Metered(t testing.TB) (client *sdk.Client, table string, costs Costs) {
	t.Helper()
	billing := Billing("")
	schema := meter.Schema{Keys: []string{billing.Keys.Partition.Name, billing.Keys.Sort.Name}}
	for _, index := range billing.Indexes {
		schema.Indexes = append(schema.Indexes, []string{index.Keys.Partition.Name, index.Keys.Sort.Name})
	}
	costs = Costs{meter.New(schema), t}
	client, table = Client(t, costs.Options)
	return client, table, costs
}

// Step does something, and fails the test when that costs a single unit more than it may.
func (c Costs) Step(name string, do func(), requests int, reads, writes float64) {
	c.t.Helper()
	c.Reset()
	do()
	got := c.Snapshot()
	c.t.Logf("%s: %d requests, %g reads, %g writes", name, got.Requests, got.Reads, got.Writes)
	if got.Requests > requests || got.Reads > reads || got.Writes > writes {
		c.t.Errorf("%s: it cost %+v, budget is %d requests, %g reads, %g writes", name, got, requests, reads, writes)
	}
}
