package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/infra/local/dynamodb"
	"billingcentre/shared/ledger/dynamo/meter"
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
}

const heading = `| case | bills/s | substrate | efficiency | write units | read units | requests | CPU ms | of it SDK | p50 ms | p99 ms | $/million |
|---|---|---|---|---|---|---|---|---|---|---|---|
`

// List prices of on-demand tables, us-east-1, November 2026: dollars per million units.
const writePrice, readPrice = 0.625, 0.125

func (f figure) String() string {
	return fmt.Sprintf("| %s | %.0f | %.0f | %.2f | %.2f | %.2f | %.2f | %.3f | %.3f | %.1f | %.1f | %.2f |\n",
		f.Case, f.Bills, f.Substrate, f.Efficiency, f.Writes, f.Reads, f.Trips, f.CPU, f.SDK, f.P50, f.P99, f.Dollars)
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
	reading, recorded, err := c.record(ctx, server)
	if err != nil {
		return figure{}, err
	}
	n := float64(c.bills)
	f := figure{Case: c.Name, Writes: reading.Writes / n, Reads: reading.Reads / n, Trips: float64(reading.Requests) / n}
	f.Dollars = f.Writes*writePrice + f.Reads*readPrice
	var ours, theirs, ratios, cpus, bareCPUs []float64
	var each []time.Duration
	for range rounds {
		took, cpu, each1, err := c.settle(ctx, server)
		if err != nil {
			return figure{}, err
		}
		bare, bareCPU, err := c.replayAll(ctx, server, recorded)
		if err != nil {
			return figure{}, err
		}
		ours, theirs, ratios = append(ours, n/took.Seconds()), append(theirs, n/bare.Seconds()), append(ratios, bare.Seconds()/took.Seconds())
		cpus, bareCPUs = append(cpus, cpu.Seconds()*1000/n), append(bareCPUs, bareCPU.Seconds()*1000/n)
		each = append(each, each1...)
	}
	f.Bills, f.Substrate, f.Efficiency = median(ours), median(theirs), median(ratios)
	f.CPU, f.SDK = median(cpus), median(bareCPUs)
	slices.Sort(each)
	f.P50, f.P99 = ms(each[len(each)/2]), ms(each[len(each)*99/100])
	return f, nil
}

// record runs the case once and keeps what it cost and which calls it made: first the preparation's, then one
// invocation after the other.
func (c load) record(ctx context.Context, server *dynamodb.Server) (meter.Reading, [][]any, error) {
	counts, calls := meter.New(schema), &recorder{}
	calls.next()
	client := server.Client(counts.Options, calls.options)
	table, drop, err := newTable(ctx, server)
	if err != nil {
		return meter.Reading{}, nil, err
	}
	defer drop()
	s := centre(client, table)
	if err := c.prepare(ctx, s); err != nil {
		return meter.Reading{}, nil, err
	}
	counts.Reset()
	for _, event := range c.invocations() {
		calls.next()
		if err := handle(ctx, s, event); err != nil {
			return meter.Reading{}, nil, err
		}
	}
	return counts.Snapshot(), calls.invocations, nil
}

// settle runs the case through the function and times it.
func (c load) settle(ctx context.Context, server *dynamodb.Server) (took, cpu time.Duration, each []time.Duration, err error) {
	table, drop, err := newTable(ctx, server)
	if err != nil {
		return 0, 0, nil, err
	}
	defer drop()
	s := centre(server.Client(), table)
	if err := c.prepare(ctx, s); err != nil {
		return 0, 0, nil, err
	}
	all := c.invocations()
	began, used := time.Now(), cpuTime()
	for _, event := range all {
		start := time.Now()
		if err := handle(ctx, s, event); err != nil {
			return 0, 0, nil, err
		}
		each = append(each, time.Since(start))
	}
	return time.Since(began), cpuTime() - used, each, nil
}

// replayAll sends the recorded calls to a table of their own and times those after the preparation.
func (c load) replayAll(ctx context.Context, server *dynamodb.Server, invocations [][]any) (took, cpu time.Duration, err error) {
	table, drop, err := newTable(ctx, server)
	if err != nil {
		return 0, 0, err
	}
	defer drop()
	client := server.Client()
	for _, call := range invocations[0] {
		if err := send(ctx, client, table, call); err != nil {
			return 0, 0, err
		}
	}
	began, used := time.Now(), cpuTime()
	for _, calls := range invocations[1:] {
		if err := replay(ctx, client, table, calls); err != nil {
			return 0, 0, err
		}
	}
	return time.Since(began), cpuTime() - used, nil
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
