package dynamo_test

import (
	"bytes"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"

	"billingcentre/infra/local/dynamodb/dynamodbtest"
	"billingcentre/shared/ledger"
	"billingcentre/shared/ledger/dynamo"
	"billingcentre/shared/ledger/ledgertest"
	"billingcentre/shared/wallet"
)

// streamed gives the records that a table's stream would have for its items.
func streamed(t *testing.T, client *dynamodb.Client, table string) (records []events.DynamoDBEventRecord) {
	t.Helper()
	out, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range out.Items {
		image := map[string]events.DynamoDBAttributeValue{}
		for name, value := range item {
			switch v := value.(type) {
			case *types.AttributeValueMemberS:
				image[name] = events.NewStringAttribute(v.Value)
			case *types.AttributeValueMemberN:
				image[name] = events.NewNumberAttribute(v.Value)
			case *types.AttributeValueMemberB:
				image[name] = events.NewBinaryAttribute(v.Value)
			}
		}
		records = append(records, events.DynamoDBEventRecord{Change: events.DynamoDBStreamRecord{NewImage: image}})
	}
	return records
}

func TestTheStreamHasWhatWasCommitted(t *testing.T) {
	client, table := dynamodbtest.Client(t)
	store := dynamo.New(client, table)
	acme := ledgertest.Open(t, store, "acme")
	acme.Must(acme.Voucher("v", 4, 30), ledgertest.Bill("b", "13.4"))
	document := ledger.Document{Key: ledger.DocumentKey{Kind: "order", ID: "a#1"}, Body: []byte(`"a"`), List: "orders", Rank: "1"}
	if err := store.Put(t.Context(), document); err != nil {
		t.Fatal(err)
	}
	document.Version = 1
	entries := map[wallet.Key]*wallet.Entry{}
	for _, record := range streamed(t, client, table) {
		entry, doc, err := dynamo.Committed(record)
		switch {
		case err != nil:
			t.Error(err)
		case entry != nil:
			entries[entry.Key] = entry
		case doc != nil:
			if diff := cmp.Diff(document, *doc); diff != "" {
				t.Error(diff)
			}
		}
	}
	for _, want := range ledgertest.CheckReplay(t, store, "acme") {
		if got := entries[want.Key]; got == nil || !bytes.Equal(got.Canonical(), want.Canonical()) {
			t.Errorf("the stream has %+v, committed was %+v", got, want)
		}
	}
}

func TestWhatTheStreamCannotHaveIsAFault(t *testing.T) {
	for name, image := range map[string]map[string]events.DynamoDBAttributeValue{
		"a stranger":          {"pk": events.NewStringAttribute("X#1")},
		"a damaged entry":     {"pk": events.NewStringAttribute("E#bill:b"), "body": events.NewBinaryAttribute([]byte{1, 2, 3})},
		"an unknown type":     {"pk": events.NewStringAttribute("E#bill:b"), "body": events.NewBooleanAttribute(true)},
		"a document of no id": {"pk": events.NewStringAttribute("D#order")},
	} {
		if _, _, err := dynamo.Committed(events.DynamoDBEventRecord{Change: events.DynamoDBStreamRecord{NewImage: image}}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
