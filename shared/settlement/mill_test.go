package settlement

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"billingcentre/shared/batch"
	"billingcentre/shared/bill"
	"billingcentre/shared/cloudlink"
	"billingcentre/shared/directory"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/memory"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/quarantine"
	"billingcentre/shared/wallet"
)

const (
	queueURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/billing-usage-bills"
	queueARN = "arn:aws:sqs:eu-central-1:123456789012:billing-usage-bills"
)

// night is when the bills of the day before come.
var night = time.Date(2026, 11, 2, 3, 0, 0, 0, time.UTC)

// mill is the function over a store in memory, with a clock to set.
type mill struct {
	*Settlement
	t      testing.TB
	now    time.Time
	memory *memory.Store
	queue  *queue
	out    *lines
}

// newMill has the accounts acme and bolt, each with the funds of example S1, and their workspaces.
func newMill(t testing.TB) *mill {
	m := &mill{t: t, now: night.AddDate(0, -2, 0), memory: new(memory.Store), queue: &queue{hidden: map[string]int32{}}, out: new(lines)}
	m.Settlement = m.over(m.memory)
	for _, account := range []wallet.AccountID{"acme", "bolt"} {
		m.open(account)
	}
	m.bind("acme", "ws-a", wallet.BillingCenter)
	m.bind("acme", "ws-cloud", wallet.Cloud)
	m.bind("bolt", "ws-b", wallet.BillingCenter)
	m.now = night
	return m
}

// over is the function over another store.
func (m *mill) over(store ledger.Store) *Settlement {
	clock := func() time.Time { return m.now }
	log := slog.New(slog.NewJSONHandler(m.out, nil))
	metrics := &metric.Metrics{Out: m.out, Now: clock}
	noWait := func(ctx context.Context, _ int) error { return ctx.Err() }
	policy := wallet.DefaultPolicy()
	policy.CardStep = 1 // for the card of 2.00 of the worked examples
	return &Settlement{
		Ledger:    &ledger.Ledger{Store: store, Policy: policy, Now: clock, Wait: noWait},
		Directory: &directory.Directory{Store: store, Now: clock},
		Bills: &batch.Consumer{
			Source: "usage-bills", QueueURL: queueURL, MaxReceives: 20, Queue: m.queue, Now: clock, Log: log,
			Quarantine: &quarantine.Quarantine{Store: store, Now: clock, Metrics: metrics},
		},
		Metrics: metrics, Log: log, Now: clock,
	}
}

func (m *mill) do(account wallet.AccountID, intent ledger.Intent) {
	m.t.Helper()
	if _, err := m.Ledger.Do(context.Background(), account, intent); err != nil {
		m.t.Fatal(err)
	}
}

// open opens an account with the funds of example S1: regular 4, discount 3, card 2, cash 100.
func (m *mill) open(account wallet.AccountID) {
	m.t.Helper()
	yuan := func(n int64) money.Amount { return money.Units(money.CNY, n) }
	m.do(account, directory.Opening(directory.Account{ID: account, Name: string(account), Currency: money.CNY, Zone: "Asia/Shanghai"}, "ops"))
	for _, command := range []wallet.Command{
		wallet.Activate{Account: account, Once: "r", Kind: wallet.Regular, Source: wallet.FromOperator, Face: yuan(4), MinBill: yuan(0)},
		wallet.Activate{Account: account, Once: "d", Kind: wallet.Discount, Source: wallet.FromOperator, Face: yuan(3), MinBill: yuan(0)},
		wallet.Allocate{Account: account, Once: "c", Source: wallet.FromOperator, Face: yuan(2)},
		wallet.Adjust{Account: account, Once: "cash", Amount: yuan(100), Reason: "start"},
	} {
		m.do(account, ledger.Intent{Command: command})
	}
}

func (m *mill) bind(account wallet.AccountID, workspace wallet.WorkspaceID, method wallet.Method) {
	m.t.Helper()
	wish := directory.Wish{Workspace: workspace, Account: account, Method: method, From: night.AddDate(-3, 0, 0), Operator: true}
	if method == wallet.Cloud {
		wish.Cloud = wallet.CloudAccount{Provider: "aws", Customer: "c-1"}
		links := &cloudlink.Desk{Store: m.memory, Now: func() time.Time { return m.now }}
		if _, _, err := links.Link(context.Background(), account, wish.Cloud, "ops"); err != nil {
			m.t.Fatal(err)
		}
	}
	if _, _, err := m.Directory.Bind(context.Background(), wish); err != nil {
		m.t.Fatal(err)
	}
}

// take hands records to the function.
func (m *mill) take(records ...events.SQSMessage) []string {
	m.t.Helper()
	response, err := m.Handle(context.Background(), events.SQSEvent{Records: records})
	if err != nil {
		m.t.Fatal(err)
	}
	return failed(response)
}

func failed(response events.SQSEventResponse) []string {
	var ids []string
	for _, f := range response.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// kept lists what is in quarantine, as "message: kind".
func (m *mill) kept() []string {
	m.t.Helper()
	messages, _, err := m.Bills.Quarantine.List(context.Background(), "", 1_000)
	if err != nil {
		m.t.Fatal(err)
	}
	var told []string
	for _, kept := range messages {
		told = append(told, kept.ID+": "+kept.Kind)
	}
	return told
}

func (m *mill) head(account wallet.AccountID) wallet.Head {
	m.t.Helper()
	head, err := m.memory.Head(context.Background(), account)
	if err != nil {
		m.t.Fatal(err)
	}
	return head
}

// record is a message of the queue, just sent.
func record(id, body string) events.SQSMessage {
	return events.SQSMessage{
		MessageId: id, ReceiptHandle: "receipt-" + id, Body: body, EventSource: "aws:sqs", EventSourceARN: queueARN,
		Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": fmt.Sprint(night.Add(-time.Second).UnixMilli())},
	}
}

// body is a bill of one line.
func body(id string, workspace wallet.WorkspaceID, product, amount string) string {
	exact, err := money.ParseExact("", amount, money.CNY)
	if err != nil {
		panic(err)
	}
	return string(bill.Encode(wallet.Bill{ID: wallet.BillID(id), Workspace: workspace, Day: "2026-11-01", Currency: money.CNY, Lines: []wallet.Line{
		{Product: product, Usage: "1", Unit: "unit", Amount: exact},
	}}))
}

// queue notes for how long messages are hidden.
type queue struct {
	mu     sync.Mutex
	hidden map[string]int32
	err    error
}

func (q *queue) ChangeMessageVisibilityBatch(_ context.Context, in *sqs.ChangeMessageVisibilityBatchInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if *in.QueueUrl != queueURL || len(in.Entries) > 10 {
		return nil, errors.New("a call that SQS would refuse")
	}
	for _, e := range in.Entries {
		q.hidden[*e.ReceiptHandle] = e.VisibilityTimeout
	}
	return &sqs.ChangeMessageVisibilityBatchOutput{}, q.err
}

// lines is a log that many may write to.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// with are the lines that contain a text.
func (l *lines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.buf.String()) {
		if strings.Contains(line, text) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// spoilt is a store whose commits and reads of documents a test may spoil.
type spoilt struct {
	ledger.Store
	commit    func(c ledger.Commit, next func() error) error
	documents func(keys []ledger.DocumentKey) error
	put       func() error
}

func (s *spoilt) Commit(ctx context.Context, c ledger.Commit) error {
	if s.commit == nil {
		return s.Store.Commit(ctx, c)
	}
	return s.commit(c, func() error { return s.Store.Commit(ctx, c) })
}

func (s *spoilt) Documents(ctx context.Context, keys ...ledger.DocumentKey) (map[ledger.DocumentKey]ledger.Document, error) {
	if s.documents != nil {
		if err := s.documents(keys); err != nil {
			return nil, err
		}
	}
	return s.Store.Documents(ctx, keys...)
}

func (s *spoilt) Put(ctx context.Context, documents ...ledger.Document) error {
	if s.put != nil {
		return s.put()
	}
	return s.Store.Put(ctx, documents...)
}
