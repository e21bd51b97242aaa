package dynamodb_test

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/infra/local/dynamodb"
	"billingcentre/infra/local/dynamodb/dynamodbtest"
)

func TestDataOnDiskSurvivesARestart(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: not without DynamoDB Local")
	}
	o := dynamodb.Options{DataDir: filepath.Join(t.TempDir(), "data")}
	table := dynamodbtest.Billing("kept")

	first := start(t, o)
	client := first.Client()
	if err := dynamodb.CreateTable(t.Context(), client, table); err != nil {
		t.Fatal(err)
	}
	put(t, client, table.Name, "account#1", "head")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := net.Dial("tcp", strings.TrimPrefix(first.Endpoint, "http://")); err == nil {
		t.Error("the closed server still answers")
	}

	client = start(t, o).Client()
	if err := dynamodb.CreateTable(t.Context(), client, table); err != nil {
		t.Errorf("the kept table isn't taken for the same: %v", err)
	}
	if !has(t, client, table.Name, "account#1", "head") {
		t.Error("the item is gone")
	}
}

func TestCreateTable(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	other := dynamodbtest.Billing(table)
	other.Indexes = other.Indexes[:2]
	noStream := dynamodbtest.Billing(table)
	noStream.Stream = ""
	for _, row := range []struct {
		name string
		spec dynamodb.Table
		want error
	}{
		{"one that exists just so is fine", dynamodbtest.Billing(table), nil},
		{"an index less is another table", other, dynamodb.ErrOtherTable},
		{"without its stream is another table", noStream, dynamodb.ErrOtherTable},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := dynamodb.CreateTable(t.Context(), client, row.spec); !errors.Is(err, row.want) {
				t.Errorf("got %v, want %v", err, row.want)
			}
		})
	}
}

func TestEveryTestHasATableOfItsOwn(t *testing.T) {
	client, first := dynamodbtest.Client(t)
	_, second := dynamodbtest.Client(t)
	put(t, client, first, "account#1", "head")
	if has(t, client, second, "account#1", "head") {
		t.Error("two tables share an item")
	}
}

func TestIndexesHoldKeysOnly(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	_, err := client.PutItem(t.Context(), &sdk.PutItemInput{TableName: &table, Item: map[string]types.AttributeValue{
		"pk": text("account#1"), "sk": text("head"), "shard": text("3"), "due": &types.AttributeValueMemberN{Value: "1730000000"}, "cash": text("x"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.Query(t.Context(), &sdk.QueryInput{
		TableName: &table, IndexName: aws.String("due"),
		KeyConditionExpression:    aws.String("#shard = :s AND due <= :now"), // a reserved word,
		ExpressionAttributeNames:  map[string]string{"#shard": "shard"},
		ExpressionAttributeValues: map[string]types.AttributeValue{":s": text("3"), ":now": &types.AttributeValueMemberN{Value: "1730000001"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Items) != 1 || out.Items[0]["cash"] != nil || out.Items[0]["pk"] == nil {
		t.Errorf("the index answers %v, want the keys of one item", out.Items)
	}
}

func TestATakenPortIsSaidSo(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: not without DynamoDB Local")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, err = dynamodb.Start(t.Context(), dynamodb.Options{Port: listener.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "taken") {
		t.Errorf("Start on a taken port: %v", err)
	}
}

func TestWithoutJavaItSaysWhatToDo(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := dynamodb.Start(t.Context(), dynamodb.Options{})
	if err == nil || !strings.Contains(err.Error(), "infra/setup.sh") {
		t.Errorf("Start without Java: %v", err)
	}
}

func start(t *testing.T, o dynamodb.Options) *dynamodb.Server {
	t.Helper()
	server, err := dynamodb.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func put(t *testing.T, client *sdk.Client, table, pk, sk string) {
	t.Helper()
	item := map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk)}
	if _, err := client.PutItem(t.Context(), &sdk.PutItemInput{TableName: &table, Item: item}); err != nil {
		t.Fatal(err)
	}
}

func has(t *testing.T, client *sdk.Client, table, pk, sk string) bool {
	t.Helper()
	key := map[string]types.AttributeValue{"pk": text(pk), "sk": text(sk)}
	out, err := client.GetItem(t.Context(), &sdk.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Item != nil
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
