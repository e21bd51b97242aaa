// Package dynamodbtest gives tests a table of their own in a real DynamoDB Local.
//
// A server takes three seconds to start, a table some milliseconds: so the tests of a package share one server, started
// by the first that asks, and each has its own table. The server ends with the test process, however that ends.
// Tests that need it fail without Java or npm, for a suite that skips quietly proves nothing; only -short skips them.
package dynamodbtest

import (
	"context"
	"crypto/rand"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/infra/local/dynamodb"
)

// connections is the number of idle connections that clients keep, enough for the widest race among tests.
const connections = 128

var shared = sync.OnceValues(func() (*dynamodb.Server, error) {
	return dynamodb.Start(context.Background(), dynamodb.Options{})
})

var pool = sync.OnceValue(func() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = connections, connections
	transport.Proxy = nil
	return &http.Client{Transport: transport}
})

// Client returns a client of the shared server and the name of a fresh, empty table with the schema of Billing. The
// table is dropped when the test ends. Options may be changed, for example to put faults under the client:
//
//	client, table := dynamodbtest.Client(t, func(o *dynamodb.Options) { o.HTTPClient = faulty })
func Client(t testing.TB, with ...func(*sdk.Options)) (client *sdk.Client, table string) {
	t.Helper()
	endpoint := Endpoint(t)
	table = tableName(t)
	plain := dynamodb.Client(endpoint, func(o *sdk.Options) { o.HTTPClient = pool() })
	if err := dynamodb.CreateTable(t.Context(), plain, Billing(table)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := plain.DeleteTable(ctx, &sdk.DeleteTableInput{TableName: &table}); err != nil {
			t.Logf("drop table: %v", err)
		}
	})
	with = append([]func(*sdk.Options){func(o *sdk.Options) { o.HTTPClient = pool() }}, with...)
	return dynamodb.Client(endpoint, with...), table
}

// Endpoint is the address of the shared server, for clients of other kinds (streams) and for functions' processes.
func Endpoint(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: not without DynamoDB Local")
	}
	server, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return server.Endpoint
}

// Billing is the one table of the billing centre under the given name: keys, keys-only indexes, stream.
func Billing(name string) dynamodb.Table {
	text := func(name string) dynamodb.Key { return dynamodb.Key{Name: name, Type: types.ScalarAttributeTypeS} }
	number := func(name string) dynamodb.Key { return dynamodb.Key{Name: name, Type: types.ScalarAttributeTypeN} }
	return dynamodb.Table{
		Name: name,
		Keys: dynamodb.Keys{Partition: text("pk"), Sort: text("sk")},
		Indexes: []dynamodb.Index{
			{Name: "lists", Keys: dynamodb.Keys{Partition: text("list"), Sort: text("rank")}},
			{Name: "grants", Keys: dynamodb.Keys{Partition: text("grants"), Sort: text("rank")}},
			{Name: "due", Keys: dynamodb.Keys{Partition: text("shard"), Sort: number("due")}},
		},
		Stream: types.StreamViewTypeNewAndOldImages,
	}
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// tableName tells people which test a table belongs to; its random end keeps it from all others.
func tableName(t testing.TB) string {
	name := unfit.ReplaceAllString(t.Name(), "-")
	return name[:min(len(name), 200)] + "-" + rand.Text()
}
