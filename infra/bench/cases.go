package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"billingcentre/shared/batch"
	"billingcentre/shared/bill"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/settlement"
	"billingcentre/shared/wallet"
)

// load is what one case settles, in every round.
type load struct {
	Name       string
	accounts   int
	bills      int
	batch      int   // messages of one invocation
	lots       int   // of each account: half vouchers, half cards
	lines      int   // of each bill
	duplicates int   // percent of the messages that are sent a second time
	cold       bool  // no bill was settled by this container before: who pays isn't known yet
	journal    int64 // entries that each account has had before
	containers int   // that take the invocations side by side; 0 is one
}

var cases = []load{
	{Name: "lone", accounts: 100, bills: 200, batch: 1, lots: 2, lines: 3},
	{Name: "lone, cold", accounts: 200, bills: 200, batch: 1, lots: 2, lines: 3, cold: true},
	{Name: "lone, 10 lots, 20 lines", accounts: 50, bills: 200, batch: 1, lots: 10, lines: 20},
	{Name: "1,000 accounts, batch 1", accounts: 1000, bills: 200, batch: 1, lots: 2, lines: 3},
	{Name: "1,000 accounts, batch 10", accounts: 1000, bills: 300, batch: 10, lots: 2, lines: 3},
	{Name: "1,000 accounts, batch 100", accounts: 1000, bills: 500, batch: 100, lots: 2, lines: 3},
	{Name: "1,000 accounts, batch 1000", accounts: 1000, bills: 1000, batch: 1000, lots: 2, lines: 3},
	{Name: "100 accounts, batch 1000", accounts: 100, bills: 2000, batch: 1000, lots: 2, lines: 3},
	{Name: "100 accounts, batch 100, 30% twice", accounts: 100, bills: 1000, batch: 100, lots: 2, lines: 3, duplicates: 30},
	{Name: "hot, batch 1", accounts: 1, bills: 200, batch: 1, lots: 2, lines: 3},
	{Name: "hot, batch 10", accounts: 1, bills: 1000, batch: 10, lots: 2, lines: 3},
	{Name: "hot, batch 25", accounts: 1, bills: 1000, batch: 25, lots: 2, lines: 3},
	{Name: "hot, batch 99", accounts: 1, bills: 1980, batch: 99, lots: 2, lines: 3},
	{Name: "hot, batch 100", accounts: 1, bills: 1000, batch: 100, lots: 2, lines: 3},
	{Name: "hot, batch 99, 30% twice", accounts: 1, bills: 990, batch: 99, lots: 2, lines: 3, duplicates: 30},
	{Name: "hot, batch 99, 10 lots, 20 lines", accounts: 1, bills: 990, batch: 99, lots: 10, lines: 20},
	{Name: "hot, batch 99, 40 lots", accounts: 1, bills: 990, batch: 99, lots: 40, lines: 3},
	{Name: "hot, batch 99, 100 lots", accounts: 1, bills: 990, batch: 99, lots: 100, lines: 3},
	{Name: "hot, batch 99, 1 line", accounts: 1, bills: 990, batch: 99, lots: 2, lines: 1},
	{Name: "hot, batch 99, 200 lines", accounts: 1, bills: 396, batch: 99, lots: 2, lines: 200},
	{Name: "journal 10", accounts: 1, bills: 200, batch: 1, lots: 2, lines: 3, journal: 10},
	{Name: "journal 1,000", accounts: 1, bills: 200, batch: 1, lots: 2, lines: 3, journal: 1_000},
	{Name: "journal 1,000,000", accounts: 1, bills: 200, batch: 1, lots: 2, lines: 3, journal: 1_000_000},
	{Name: "hot, two containers", accounts: 1, bills: 200, batch: 1, lots: 2, lines: 3, containers: 2},
	{Name: "hot, batch 25, two containers", accounts: 1, bills: 1000, batch: 25, lots: 2, lines: 3, containers: 2},
}

const (
	currency = money.CNY
	day      = "2026-11-01"
	arn      = "arn:aws:sqs:local:000000000000:usage-bills"
	queue    = "http://localhost/000000000000/usage-bills"
)

// now is the bench's clock: the morning after the billed day.
func now() time.Time { return time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC) }

func (c load) account(i int) wallet.AccountID {
	return wallet.AccountID("account-" + strconv.Itoa(i%c.accounts))
}

func (c load) workspace(i int) wallet.WorkspaceID {
	return wallet.WorkspaceID("workspace-" + strconv.Itoa(i%c.accounts))
}

// centre is the function over a table, as its main.go wires it.
func centre(client *sdk.Client, table string) *settlement.Settlement {
	books := &ledger.Ledger{Store: dynamo.New(client, table), Policy: wallet.DefaultPolicy(), Now: now}
	metrics, silent := &metric.Metrics{Out: io.Discard, Now: now}, slog.New(slog.DiscardHandler)
	return &settlement.Settlement{
		Ledger:    books,
		Directory: &directory.Directory{Store: books.Store, Now: now},
		Bills: &batch.Consumer{
			Source: "usage-bills", QueueURL: queue, MaxReceives: 20, Queue: unused{},
			Quarantine: &quarantine.Quarantine{Store: books.Store, Now: now, Metrics: metrics}, Now: now, Log: silent,
		},
		Metrics: metrics, Log: silent, Now: now,
	}
}

// unused is the queue of a bench in which no message comes too early.
type unused struct{}

func (unused) ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	return nil, fmt.Errorf("bench: a message was handed back")
}

// invocations are the events of one round of the case, in order.
func (c load) invocations(round int) []events.SQSEvent {
	all := c.event(fmt.Sprintf("bill-%d", round), 0, c.bills).Records
	random := rand.New(rand.NewPCG(1, 2))
	for _, m := range slices.Clone(all) {
		if random.IntN(100) < c.duplicates {
			at := random.IntN(len(all))
			all = slices.Insert(all, at, m)
		}
	}
	received(all)
	var invocations []events.SQSEvent
	for some := range slices.Chunk(all, c.batch) {
		invocations = append(invocations, events.SQSEvent{Records: some})
	}
	return invocations
}

// received has messages that come once more say so, as the queue does.
func received(all []events.SQSMessage) {
	seen := make(map[string]bool, len(all))
	for i, m := range all {
		if seen[m.MessageId] {
			all[i].Attributes = maps.Clone(m.Attributes)
			all[i].Attributes["ApproximateReceiveCount"] = "2"
		}
		seen[m.MessageId] = true
	}
}

// event has the bills from one number to another.
func (c load) event(prefix string, from, to int) events.SQSEvent {
	var event events.SQSEvent
	for i := from; i < to; i++ {
		id := prefix + "-" + strconv.Itoa(i)
		event.Records = append(event.Records, events.SQSMessage{
			MessageId: id, ReceiptHandle: id, EventSource: "aws:sqs", EventSourceARN: arn, Body: string(bill.Encode(c.bill(id, i))),
			Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": strconv.FormatInt(now().UnixMilli(), 10)},
		})
	}
	return event
}

func (c load) bill(id string, i int) wallet.Bill {
	b := wallet.Bill{ID: wallet.BillID(id), Workspace: c.workspace(i), Day: day, Currency: currency}
	for line := range c.lines {
		amount, err := money.ParseExact("", fmt.Sprintf("%d.%05d", line%7, (i*7919+line*104729)%100000), currency)
		if err != nil {
			panic(err) // the format above is right
		}
		b.Lines = append(b.Lines, wallet.Line{
			Product: products[line%len(products)], Usage: strconv.Itoa(1000 + i + line), Unit: "GB", UnitPrice: "0.0015", Amount: amount,
		})
	}
	return b
}

var products = []string{"time_series", "logs", "traces", "profiles", "page_views", "session_replay", "network_hosts", "pipeline", "tasks", "sms"}

// handle is one invocation of the function, all of whose messages must be done.
func handle(ctx context.Context, s *settlement.Settlement, event events.SQSEvent) error {
	answer, err := s.Handle(ctx, event)
	if err == nil && len(answer.BatchItemFailures) > 0 {
		err = fmt.Errorf("%d messages were handed back", len(answer.BatchItemFailures))
	}
	return err
}
