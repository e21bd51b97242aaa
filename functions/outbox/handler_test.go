package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/infra/local/poller"
	"billingcentre/shared/event"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/notice"
	"billingcentre/shared/outbox"
	"billingcentre/shared/wallet"
)

const recorded = "../../events/outbox/committed.json"

var (
	update = flag.Bool("update", false, "record the stream anew")
	noon   = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
)

// consumer tells what it is sent into a log that a test can read.
func consumer(log *bytes.Buffer) *outbox.Consumer {
	plain := slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	all := func(_ context.Context, told []event.Event) (int, error) { return len(told), nil }
	return &outbox.Consumer{
		Name: "bus", Consume: teller{publish: all, logged: []string{"*"}, log: plain}.tell, Log: plain, Metrics: &metric.Metrics{Out: io.Discard},
	}
}

// What the bus may not have isn't logged either: it comes again.
func TestOnlyWhatIsPublishedIsLogged(t *testing.T) {
	var log bytes.Buffer
	half := func(context.Context, []event.Event) (int, error) { return 2, errors.New("the bus is full") }
	some := teller{publish: half, logged: []string{"entry.*"}, log: slog.New(slog.NewJSONHandler(&log, nil))}
	told := []event.Event{{Name: "entry.opened", Key: "a"}, {Name: "notice.locked", Key: "b"}, {Name: "entry.settled", Key: "c"}}
	published, err := some.tell(t.Context(), told)
	if published != 2 || err == nil || strings.Count(log.String(), "event_key") != 1 || !strings.Contains(log.String(), `"event_key":"a"`) {
		t.Errorf("%d, %v, logged\n%s", published, err, log.String())
	}
}

// The recorded event is what the stream of a real table said about an account's opening, a voucher, its notice and a
// settled bill.
func TestARecordedStreamIsToldEntryByEntry(t *testing.T) {
	text, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(text, &batch); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	answer, err := consumer(&log).Handle(t.Context(), batch)
	if err != nil || len(answer.BatchItemFailures) > 0 {
		t.Fatalf("%+v, %v", answer, err)
	}
	var told []string
	for line := range strings.Lines(log.String()) {
		var event struct {
			Event   string         `json:"event"`
			Key     string         `json:"event_key"`
			Content jsontext.Value `json:"content"`
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		if len(event.Content) < 100 {
			t.Errorf("%s says only %s", event.Key, event.Content)
		}
		told = append(told, event.Event+" "+event.Key)
	}
	want := "entry.opened open:acme|entry.activated activate:acme:welcome|notice.lot_expiring notice:lot_expiring:2ZWW-HY02-9QV3-PB7E|entry.settled bill:b1"
	if got := strings.Join(told, "|"); got != want {
		t.Errorf("told\n%s\nwant\n%s", got, want)
	}
}

func TestARecordThatCannotBeReadIsHandedBackWithAllAfterIt(t *testing.T) {
	var log bytes.Buffer
	record := func(number, pk string) events.DynamoDBEventRecord {
		return events.DynamoDBEventRecord{EventName: "INSERT", Change: events.DynamoDBStreamRecord{
			SequenceNumber: number, NewImage: map[string]events.DynamoDBAttributeValue{"pk": events.NewStringAttribute(pk)},
		}}
	}
	answer, err := consumer(&log).Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{
		record("1", "A#acme"), record("2", "E#bill:b1"), record("3", "A#acme"),
	}})
	if err != nil || len(answer.BatchItemFailures) != 1 || answer.BatchItemFailures[0].ItemIdentifier != "2" {
		t.Errorf("%+v, %v", answer, err)
	}
}

func TestAChangedEntryIsAnAlarmAndNoEvent(t *testing.T) {
	batch := stream(t)
	var log bytes.Buffer
	for i := range batch.Records {
		batch.Records[i].EventName = "MODIFY"
	}
	if _, err := consumer(&log).Handle(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); strings.Contains(got, `"event_key"`) || strings.Count(got, "was changed") != 3 {
		t.Errorf("told:\n%s", got)
	}
}

// Nothing is left of a removed entry but its key: that is enough for an alarm.
func TestARemovedEntryIsAnAlarm(t *testing.T) {
	var log, counted bytes.Buffer
	c := consumer(&log)
	c.Metrics.Out = &counted
	record := func(pk string) events.DynamoDBEventRecord {
		return events.DynamoDBEventRecord{EventName: "REMOVE", Change: events.DynamoDBStreamRecord{
			Keys: map[string]events.DynamoDBAttributeValue{"pk": events.NewStringAttribute(pk)},
		}}
	}
	_, err := c.Handle(t.Context(), events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{record("E#bill:b1"), record("A#acme"), record("D#notice#x")}})
	if err != nil || strings.Count(log.String(), "was removed") != 1 || !strings.Contains(log.String(), "bill:b1") || strings.Count(counted.String(), `"EntryChanged":1`) != 1 {
		t.Errorf("%v, told:\n%s\ncounted:\n%s", err, log.String(), counted.String())
	}
}

// stream makes a few commits on a real table, and reads them back from its stream as Lambda does.
func stream(t *testing.T) events.DynamoDBEvent {
	t.Helper()
	client, table := dynamodbtest.Client(t)
	commit(t, dynamo.New(client, table))
	described, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String(table)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var batch events.DynamoDBEvent
	mapping, err := poller.NewStreamMapping(poller.StreamOptions{
		Streams: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "local", BaseEndpoint: aws.String(dynamodbtest.Endpoint(t)), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		}),
		StreamARN: aws.ToString(described.Table.LatestStreamArn), Checkpoint: filepath.Join(t.TempDir(), "position.json"), Region: "local", BatchSize: 100,
		Function: invoke(func(text []byte) ([]byte, error) {
			var some events.DynamoDBEvent
			if err := json.Unmarshal(text, &some); err != nil {
				return nil, err
			}
			batch.Records = append(batch.Records, some.Records...)
			if len(batch.Records) >= records {
				stop()
			}
			return []byte(`{"batchItemFailures":[]}`), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	mapping.Run(ctx)
	if len(batch.Records) != records {
		t.Fatalf("the stream gave %d records, want %d", len(batch.Records), records)
	}
	return batch
}

// records is how many items the commits below write: three entries, three times the head, and a notice.
const records = 7

type invoke func([]byte) ([]byte, error)

func (f invoke) Invoke(_ context.Context, event []byte) ([]byte, error) { return f(event) }

func commit(t *testing.T, store ledger.Store) {
	t.Helper()
	books := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return noon }}
	do := func(command wallet.Command) wallet.Entry {
		receipt, err := books.Do(t.Context(), "acme", ledger.Intent{Command: command})
		if err != nil {
			t.Fatal(err)
		}
		return receipt.Entry
	}
	do(wallet.Open{Account: "acme", Currency: money.CNY, Zone: "Asia/Shanghai", Actor: "operator"})
	voucher := do(wallet.Activate{
		Account: "acme", Once: "welcome", Kind: wallet.Regular, Face: money.Units(money.CNY, 4), MinBill: money.Zero(money.CNY), ExpiresAt: noon.AddDate(0, 0, 2),
	})
	if _, err := notice.Expiring("acme", voucher.Lots[0]).Put(t.Context(), store, noon); err != nil {
		t.Fatal(err)
	}
	cost, err := money.ParseExact("", "1.5", money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	do(wallet.Settle{
		Bill:   wallet.Bill{ID: "b1", Workspace: "w1", Day: "2026-10-31", Currency: money.CNY, Lines: []wallet.Line{{Product: "logs", Usage: "1", Unit: "GB", Amount: cost}}},
		DayEnd: noon.Add(-20 * time.Hour), Method: wallet.BillingCenter,
	})
}

func TestRecordTheStream(t *testing.T) {
	if !*update {
		t.Skip("only with -update")
	}
	text, err := json.Marshal(stream(t), json.Deterministic(true), jsontext.WithIndent("  "))
	if err == nil {
		err = os.WriteFile(recorded, append(text, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
