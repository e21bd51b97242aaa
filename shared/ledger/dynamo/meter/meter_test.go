package meter

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type attributes = map[string]types.AttributeValue

func s(value string) types.AttributeValue { return &types.AttributeValueMemberS{Value: value} }
func n(value string) types.AttributeValue { return &types.AttributeValueMemberN{Value: value} }

func TestSizeIsAsDynamoDBCounts(t *testing.T) {
	for _, c := range []struct {
		name string
		item attributes
		want int
	}{
		{"nothing", nil, 0},
		{"text in UTF-8", attributes{"name": s("费用")}, 4 + 6},
		{"bytes", attributes{"b": &types.AttributeValueMemberB{Value: make([]byte, 10)}}, 1 + 10},
		{"zero", attributes{"n": n("0")}, 1 + 1},
		{"one digit", attributes{"n": n("7")}, 1 + 2},
		{"three digits", attributes{"n": n("123")}, 1 + 3},
		{"zeros at the end don't count", attributes{"n": n("1200")}, 1 + 2},
		{"nor at the start", attributes{"n": n("0.0012")}, 1 + 2},
		{"a minus does", attributes{"n": n("-12")}, 1 + 3},
		{"a bool and a null", attributes{"b": &types.AttributeValueMemberBOOL{}, "n": &types.AttributeValueMemberNULL{}}, 4},
		{"a set of texts", attributes{"s": &types.AttributeValueMemberSS{Value: []string{"ab", "c"}}}, 1 + 3},
		{"a set of numbers", attributes{"s": &types.AttributeValueMemberNS{Value: []string{"1", "123"}}}, 1 + 2 + 3},
		{"a set of bytes", attributes{"s": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2, 3}}}}, 1 + 3},
		{"a list", attributes{"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("a"), s("b")}}}, 1 + 3 + 2*(1+1)},
		{"a map", attributes{"m": &types.AttributeValueMemberM{Value: attributes{"k": s("abc")}}}, 1 + 3 + 1 + 1 + 3},
	} {
		if got := Size(c.item); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

// padded is an item whose size is exactly so many bytes.
func padded(size int, more attributes) attributes {
	item := attributes{"pk": s("p"), "sk": s("s")}
	for name, value := range more {
		item[name] = value
	}
	item["x"] = s(strings.Repeat("x", size-Size(item)-1))
	return item
}

func put(item attributes) *dynamodb.PutItemInput { return &dynamodb.PutItemInput{Item: item} }

func transaction(actions ...types.TransactWriteItem) *dynamodb.TransactWriteItemsInput {
	return &dynamodb.TransactWriteItemsInput{TransactItems: actions}
}

var (
	key       = attributes{"pk": s("p"), "sk": s("s")}
	listed    = attributes{"list": s("l"), "rank": s("1")}
	relisted  = attributes{"list": s("l"), "rank": s("2")}
	failed    = &types.ConditionalCheckFailedException{}
	cancelled = &types.TransactionCanceledException{}
)

func TestWritesAreChargedByAWSsRules(t *testing.T) {
	type call struct {
		request any
		err     error
	}
	for _, c := range []struct {
		name          string
		before        []any // calls that went well
		call          call
		writes, index float64
	}{
		{"a put of 1 KB", nil, call{put(padded(1024, nil)), nil}, 1, 0},
		{"a put of a byte more", nil, call{put(padded(1025, nil)), nil}, 2, 0},
		{"a put over a larger item", []any{put(padded(3000, nil))}, call{put(padded(100, nil)), nil}, 3, 0},
		{"a put into an index", nil, call{put(padded(3000, listed)), nil}, 4, 1},
		{"a put that stays in its place", []any{put(padded(100, listed))}, call{put(padded(200, listed)), nil}, 1, 0},
		{"a put that moves", []any{put(padded(100, listed))}, call{put(padded(100, relisted)), nil}, 3, 2},
		{"a put that leaves", []any{put(padded(100, listed))}, call{put(padded(100, nil)), nil}, 2, 1},
		{"a delete", []any{put(padded(2000, listed))}, call{&dynamodb.DeleteItemInput{Key: key}, nil}, 3, 1},
		{"an update pays for the whole item", []any{put(padded(3000, nil))}, call{update("SET #v = :v", "1"), nil}, 3, 0},
		{"an update into an index", []any{put(padded(100, nil))}, call{update("SET rank = :v, #l = :v", "1"), nil}, 2, 1},
		{"an update that leaves it", []any{put(padded(100, listed))}, call{update("SET #v = :v REMOVE rank, #l", "1"), nil}, 2, 1},
		{"a failed condition pays for the item", []any{put(padded(3000, listed))}, call{put(padded(100, relisted)), failed}, 3, 0},
		{"an unknown outcome isn't charged", nil, call{put(padded(100, nil)), errors.New("reset")}, 0, 0},
		{"a transaction pays twice, its index writes once", nil, call{transaction(
			types.TransactWriteItem{Put: &types.Put{Item: padded(1025, listed)}},
			types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{Key: attributes{"pk": s("q"), "sk": s("s")}}},
		), nil}, 2*2 + 2*1 + 1, 1},
		{"a cancelled one too, but for the index", nil, call{transaction(types.TransactWriteItem{Put: &types.Put{Item: padded(100, listed)}}), cancelled}, 2, 0},
	} {
		m := New(Schema{Keys: []string{"pk", "sk"}, Indexes: [][]string{{"list", "rank"}}})
		for _, request := range c.before {
			m.charge(request, nil, nil)
		}
		m.Reset()
		m.charge(c.call.request, nil, c.call.err)
		if got := m.Snapshot(); got.Writes != c.writes || got.IndexWrite != c.index {
			t.Errorf("%s: %g units, %g of them for the index, want %g and %g", c.name, got.Writes, got.IndexWrite, c.writes, c.index)
		}
	}
}

func update(expression, value string) *dynamodb.UpdateItemInput {
	return &dynamodb.UpdateItemInput{
		Key: key, UpdateExpression: &expression,
		ExpressionAttributeNames:  map[string]string{"#v": "version", "#l": "list"},
		ExpressionAttributeValues: attributes{":v": s(value)},
	}
}

func TestReadsAreChargedByAWSsRules(t *testing.T) {
	strong := aws.Bool(true)
	keys := map[string]types.KeysAndAttributes{"t": {Keys: []map[string]types.AttributeValue{key, key, key}, ConsistentRead: strong}}
	for _, c := range []struct {
		name            string
		request, answer any
		want            float64
	}{
		{"a strong read of 4 KB", &dynamodb.GetItemInput{ConsistentRead: strong}, &dynamodb.GetItemOutput{Item: padded(4096, nil)}, 1},
		{"a strong read of a byte more", &dynamodb.GetItemInput{ConsistentRead: strong}, &dynamodb.GetItemOutput{Item: padded(4097, nil)}, 2},
		{"an eventual read", &dynamodb.GetItemInput{}, &dynamodb.GetItemOutput{Item: padded(4097, nil)}, 1},
		{"a strong read of nothing", &dynamodb.GetItemInput{ConsistentRead: strong}, &dynamodb.GetItemOutput{}, 1},
		{"a batch, item by item, the missing one too", &dynamodb.BatchGetItemInput{RequestItems: keys}, &dynamodb.BatchGetItemOutput{
			Responses: map[string][]map[string]types.AttributeValue{"t": {padded(100, nil), padded(5000, nil)}},
		}, 1 + 2 + 1},
		{"a query, as a whole", &dynamodb.QueryInput{}, &dynamodb.QueryOutput{Items: []map[string]types.AttributeValue{padded(3000, nil), padded(1000, nil)}}, 0.5},
		{"a query of nothing", &dynamodb.QueryInput{}, &dynamodb.QueryOutput{}, 0.5},
		{"a transaction pays twice", &dynamodb.TransactGetItemsInput{}, &dynamodb.TransactGetItemsOutput{Responses: []types.ItemResponse{{Item: padded(100, nil)}}}, 2},
	} {
		m := New(Schema{Keys: []string{"pk", "sk"}})
		m.charge(c.request, c.answer, nil)
		if got := m.Snapshot().Reads; got != c.want {
			t.Errorf("%s: %g units, want %g", c.name, got, c.want)
		}
	}
}
