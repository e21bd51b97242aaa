package poller_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/infra/local/poller"
)

// TestARealTablesStreamIsReadWholeAndOnce writes to a table of DynamoDB Local
// before, while and after a mapping reads its stream, which is stopped and started
// again in between.
func TestARealTablesStreamIsReadWholeAndOnce(t *testing.T) {
	const each = 150 // records of a phase: more than one batch
	client, table := dynamodbtest.Client(t)
	described, err := client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	got := &tally{count: map[string]int{}}
	options := poller.StreamOptions{
		Streams: dynamodbstreams.New(dynamodbstreams.Options{
			Region: "us-east-1", BaseEndpoint: aws.String(dynamodbtest.Endpoint(t)),
			Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
		}),
		StreamARN: *described.Table.LatestStreamArn, Function: got, Region: "us-east-1",
		Checkpoint: filepath.Join(t.TempDir(), "position.json"), Poll: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}
	for phase := range 3 {
		write := func() {
			for i := range each {
				_, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
					"pk": &types.AttributeValueMemberS{Value: fmt.Sprintf("%d-%03d", phase, i)},
					"sk": &types.AttributeValueMemberS{Value: "entry"},
					"n":  &types.AttributeValueMemberN{Value: "1"},
				}})
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
		if phase == 0 {
			write() // before anybody reads
		}
		mapping, err := poller.NewStreamMapping(options)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { mapping.Run(ctx) })
		if phase > 0 {
			write()
		}
		got.await(t, each*(phase+1))
		stop()
		running.Wait()
	}
	for key, n := range got.count {
		if n != 1 {
			t.Errorf("%s came %d times", key, n)
		}
	}
	first := got.first.Records[0]
	if first.EventName != "INSERT" || first.Dynamodb.NewImage["n"]["N"] != "1" || first.Dynamodb.StreamViewType != "NEW_AND_OLD_IMAGES" ||
		!strings.HasPrefix(first.EventSourceARN, "arn:aws:dynamodb:") {
		t.Errorf("first record %+v", first)
	}
}

// tally counts the keys that come.
type tally struct {
	mu    sync.Mutex
	count map[string]int
	first changes
}

// changes is what the test reads of an event.
type changes struct {
	Records []struct {
		EventName, EventSourceARN string
		Dynamodb                  struct {
			Keys           map[string]map[string]string
			NewImage       map[string]map[string]string
			StreamViewType string
		}
	}
}

func (c *tally) Invoke(_ context.Context, event []byte) ([]byte, error) {
	var decoded changes
	if err := json.Unmarshal(event, &decoded); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.count) == 0 {
		c.first = decoded
	}
	for _, r := range decoded.Records {
		c.count[r.Dynamodb.Keys["pk"]["S"]]++
	}
	return nil, nil
}

// await until so many different keys came.
func (c *tally) await(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		c.mu.Lock()
		n := len(c.count)
		c.mu.Unlock()
		if n >= want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d records came, want %d", n, want)
		}
	}
}
