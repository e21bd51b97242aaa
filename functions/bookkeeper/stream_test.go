package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/go-json-experiment/json"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/infra/local/poller"
	"billingcentre/shared/books"
	"billingcentre/shared/directory"
	"billingcentre/shared/follow"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/metric"
	"billingcentre/shared/money"
	"billingcentre/shared/wallet"
)

type invoke func([]byte) ([]byte, error)

func (f invoke) Invoke(_ context.Context, event []byte) ([]byte, error) { return f(event) }

// What a real table's stream brings, in the batches in which it comes, ends up in the books; what the function writes
// comes back to it by the same stream, and is passed over.
func TestTheStreamOfARealTableFillsTheBooks(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	store := dynamo.New(client, table)
	l := &ledger.Ledger{Store: store, Policy: wallet.DefaultPolicy(), Now: func() time.Time { return noon }}
	intents := []ledger.Intent{directory.Opening(directory.Account{ID: "acme", Currency: money.CNY, Zone: "Asia/Shanghai"}, "olga")}
	for n := range 229 {
		intents = append(intents, ledger.Intent{Command: wallet.TopUp{Order: fmt.Sprint(n), Amount: money.Units(money.CNY, 1), Channel: "alipay"}})
	}
	for _, o := range l.DoAll(t.Context(), "acme", intents) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	described, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	h := handler{books.NewKeeper(store, time.Now, slog.New(slog.DiscardHandler), &metric.Metrics{Out: new(bytes.Buffer)})}
	mapping, err := poller.NewStreamMapping(poller.StreamOptions{
		Streams: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "local", BaseEndpoint: aws.String(dynamodbtest.Endpoint(t)), Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		}),
		StreamARN: aws.ToString(described.Table.LatestStreamArn), Checkpoint: filepath.Join(t.TempDir(), "position.json"), Region: "local", BatchSize: 70,
		Function: invoke(func(text []byte) ([]byte, error) {
			answer, err := h.handle(ctx, event(text))
			if err != nil {
				return nil, err
			}
			if cursor, err := follow.Load[books.Cover](ctx, store, "books", "acme"); err == nil && cursor.Number == 200 {
				stop()
			}
			return json.Marshal(answer)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	mapping.Run(ctx)
	v, err := (&books.Books{Store: store}).Open(t.Context(), "acme")
	if err != nil {
		t.Fatal(err)
	}
	days, err := v.JournalDays(t.Context(), "2026-11-01", "2026-11-01")
	if err != nil || v.Through != 230 || len(days) != 1 || days[0].Closing.Cash != money.Units(money.CNY, 229) || days[0].Last != 230 {
		t.Errorf("%+v, %v", days, err)
	}
	if cursor, err := follow.Load[books.Cover](t.Context(), store, "books", "acme"); err != nil || cursor.Number != 200 {
		t.Errorf("kept up to %d, %v", cursor.Number, err)
	}
}
