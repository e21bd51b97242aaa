package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"billingcentre/infra/local/dynamodb"
	"billingcentre/shared/ledger/dynamo/meter"
	"billingcentre/shared/settlement"
)

const rounds = 3

// figure is what one case gave.
type figure struct {
	Case       string  `json:"case"`
	Bills      float64 `json:"bills_per_s"`
	Substrate  float64 `json:"substrate_bills_per_s"`
	Efficiency float64 `json:"efficiency"`
	Writes     float64 `json:"wru_per_bill"`
	Reads      float64 `json:"rru_per_bill"`
	Trips      float64 `json:"requests_per_bill"`
	CPU        float64 `json:"cpu_ms_per_bill"`           // of the function's process, the SDK's part included
	SDK        float64 `json:"substrate_cpu_ms_per_bill"` // the SDK's part: what the bare calls take
	P50        float64 `json:"p50_ms"`                    // of an invocation
	P99        float64 `json:"p99_ms"`
	Dollars    float64 `json:"dollars_per_million_bills"`
	Attempts   float64 `json:"attempts_per_success"` // transactions sent for each that was committed
}

const heading = `| case | bills/s | substrate | efficiency | write units | read units | requests | CPU ms | of it SDK | p50 ms | p99 ms | $/million | attempts |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
`

// List prices of on-demand tables, us-east-1, November 2026: dollars per million units.
const writePrice, readPrice = 0.625, 0.125

func (f figure) String() string {
	return fmt.Sprintf("| %s | %.0f | %.0f | %.2f | %.2f | %.2f | %.2f | %.3f | %.3f | %.1f | %.1f | %.2f | %.2f |\n",
		f.Case, f.Bills, f.Substrate, f.Efficiency, f.Writes, f.Reads, f.Trips, f.CPU, f.SDK, f.P50, f.P99, f.Dollars, f.Attempts)
}

// onItsOwn measures a case on a database of its own: DynamoDB Local becomes slower with every table that it has had.
func (c load) onItsOwn(ctx context.Context) (figure, error) {
	server, err := dynamodb.Start(ctx, dynamodb.Options{})
	if err != nil {
		return figure{}, err
	}
	defer server.Close() //nolint:errcheck // the process ends with us in any case
	return c.measure(ctx, server)
}

// measure runs a case: once with the meter and the recorder, and then, round by round, ours and the substrate.
func (c load) measure(ctx context.Context, server *dynamodb.Server) (figure, error) {
	items, err := c.items(ctx, server)
	if err != nil {
		return figure{}, err
	}
	f := figure{Case: c.Name}
	recorded, err := c.record(ctx, server, items, &f)
	if err != nil {
		return figure{}, err
	}
	ours, drop, err := c.stage(ctx, server, items)
	if err != nil {
		return figure{}, err
	}
	defer drop()
	theirs, drop, err := c.stage(ctx, server, items)
	if err != nil {
		return figure{}, err
	}
	defer drop()
	return f, c.race(ctx, server.Client(), ours, theirs, recorded, &f)
}

// record runs the rounds once, and keeps what they cost and which calls they made: by round and invocation. Of
// containers side by side nobody can say which call was whose, so their round is one long invocation.
func (c load) record(ctx context.Context, server *dynamodb.Server, items []item, f *figure) ([][][]any, error) {
	counts, calls := meter.New(schema), &recorder{}
	table, drop, err := c.stage(ctx, server, items)
	if err != nil {
		return nil, err
	}
	defer drop()
	var units, reads, requests, commits, refused float64
	var recorded [][][]any
	for round := range rounds {
		calls.next()
		containers, err := c.start(ctx, server.Client(counts.Options, calls.options), table)
		if err != nil {
			return nil, err
		}
		counts.Reset()
		calls.reset()
		before := calls.next
		if c.containers > 1 {
			calls.next()
			before = func() {}
		}
		if _, err := c.settle(ctx, containers, c.invocations(round), before); err != nil {
			return nil, err
		}
		recorded = append(recorded, calls.invocations)
		spent := counts.Snapshot()
		units, reads, requests = units+spent.Writes, reads+spent.Reads, requests+float64(spent.Requests)
		commits, refused = commits+float64(spent.Calls["TransactWriteItems"]), refused+float64(spent.Refused)
	}
	n := float64(c.bills * rounds)
	f.Writes, f.Reads, f.Trips, f.Attempts = units/n, reads/n, requests/n, commits/(commits-refused)
	f.Dollars = f.Writes*writePrice + f.Reads*readPrice
	return recorded, nil
}

// race runs the rounds: the function over one table, and the recorded calls over the other, in turn.
func (c load) race(ctx context.Context, client *sdk.Client, ours, theirs string, recorded [][][]any, f *figure) error {
	var mine, bare, ratios, cpus, bareCPUs []float64
	var each []time.Duration
	n := float64(c.bills)
	for round := range rounds {
		containers, err := c.start(ctx, client, ours)
		if err != nil {
			return err
		}
		all := c.invocations(round)
		began, used := time.Now(), cpuTime()
		each1, err := c.settle(ctx, containers, all, func() {})
		if err != nil {
			return err
		}
		took, cpu := time.Since(began).Seconds(), cpuTime()-used
		began, used = time.Now(), cpuTime()
		for _, calls := range recorded[round] {
			if err := replay(ctx, client, theirs, calls); err != nil {
				return err
			}
		}
		again, bareCPU := time.Since(began).Seconds(), cpuTime()-used
		mine, bare, ratios = append(mine, n/took), append(bare, n/again), append(ratios, again/took)
		cpus, bareCPUs = append(cpus, ms(cpu)/n), append(bareCPUs, ms(bareCPU)/n)
		each = append(each, each1...)
	}
	f.Bills, f.Substrate, f.Efficiency = median(mine), median(bare), median(ratios)
	f.CPU, f.SDK = median(cpus), median(bareCPUs)
	slices.Sort(each)
	f.P50, f.P99 = ms(each[len(each)/2]), ms(each[len(each)*99/100])
	return nil
}

// stage is a table that holds the items.
func (c load) stage(ctx context.Context, server *dynamodb.Server, items []item) (table string, drop func(), err error) {
	if table, drop, err = newTable(ctx, server); err == nil {
		err = fill(ctx, server.Client(), table, items)
	}
	return table, drop, err
}

// start starts the containers of the case, warm ones unless it is about cold ones.
func (c load) start(ctx context.Context, client *sdk.Client, table string) ([]*settlement.Settlement, error) {
	containers := make([]*settlement.Settlement, max(c.containers, 1))
	for i := range containers {
		containers[i] = centre(client, table)
		if err := c.warm(ctx, containers[i]); err != nil {
			return nil, err
		}
	}
	return containers, nil
}

// settle has the containers take the invocations of a round, each the next one there is, and times every one.
func (c load) settle(ctx context.Context, containers []*settlement.Settlement, all []events.SQSEvent, before func()) ([]time.Duration, error) {
	took := make([]time.Duration, len(all))
	var next atomic.Int64
	var group errgroup.Group
	for _, container := range containers {
		group.Go(func() error {
			for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
				before()
				start := time.Now()
				if err := handle(ctx, container, all[i]); err != nil {
					return err
				}
				took[i] = time.Since(start)
			}
			return nil
		})
	}
	return took, group.Wait()
}

var (
	tables int
	schema = meter.Schema{Keys: []string{"pk", "sk"}, Indexes: [][]string{{"list", "rank"}, {"grants", "rank"}, {"shard", "due"}}}
)

// newTable makes an empty table with the keys and indexes of template.yaml. It has no stream: in DynamoDB Local, and only
// there, a stream makes every write slower than the one before.
func newTable(ctx context.Context, server *dynamodb.Server) (name string, drop func(), err error) {
	tables++
	name = fmt.Sprint("bench-", tables)
	key := func(name string) dynamodb.Key { return dynamodb.Key{Name: name, Type: types.ScalarAttributeTypeS} }
	spec := dynamodb.Table{Name: name, Keys: dynamodb.Keys{Partition: key("pk"), Sort: key("sk")}}
	for i, index := range []string{"lists", "grants", "due"} {
		sort := key(schema.Indexes[i][1])
		if index == "due" {
			sort.Type = types.ScalarAttributeTypeN
		}
		spec.Indexes = append(spec.Indexes, dynamodb.Index{Name: index, Keys: dynamodb.Keys{Partition: key(schema.Indexes[i][0]), Sort: sort}})
	}
	client := server.Client()
	drop = func() {
		_, err = client.DeleteTable(context.WithoutCancel(ctx), &sdk.DeleteTableInput{TableName: &name})
	}
	return name, drop, errors.Join(err, dynamodb.CreateTable(ctx, client, spec))
}

func median(of []float64) float64 {
	slices.Sort(of)
	return of[len(of)/2]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
