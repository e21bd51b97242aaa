package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// activeWait bounds the wait for a table to become active, which takes DynamoDB Local no time.
const activeWait = 30 * time.Second

// ErrOtherTable says that a table of the name exists with other keys, indexes or stream: kept data of an older schema.
var ErrOtherTable = errors.New("a table of that name exists with another schema")

// Table describes a table as far as DynamoDB Local cares.
type Table struct {
	Name    string
	Keys    Keys
	Indexes []Index
	Stream  types.StreamViewType // "" means no stream
}

// Index is a global secondary index that holds keys only.
type Index struct {
	Name string
	Keys Keys
}

// Keys is a primary key. A Sort without a name means that there is none.
type Keys struct{ Partition, Sort Key }

// Key is an attribute of a primary key; its type is S, N or B.
type Key struct {
	Name string
	Type types.ScalarAttributeType
}

// CreateTable creates a table, paid per request, and returns when it is active. One that exists just so is fine; one
// that exists otherwise is ErrOtherTable.
func CreateTable(ctx context.Context, client *sdk.Client, t Table) error {
	_, err := client.CreateTable(ctx, t.input())
	if _, exists := errors.AsType[*types.ResourceInUseException](err); err != nil && !exists {
		return fmt.Errorf("create table %s: %w", t.Name, err)
	}
	waiter := sdk.NewTableExistsWaiter(client, func(o *sdk.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second
	})
	found, err := waiter.WaitForOutput(ctx, &sdk.DescribeTableInput{TableName: &t.Name}, activeWait)
	if err != nil {
		return fmt.Errorf("wait for table %s: %w", t.Name, err)
	}
	if got, want := described(found.Table), t.ordered(); !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%w: it is %+v, wanted is %+v", ErrOtherTable, got, want)
	}
	return nil
}

func (t Table) input() *sdk.CreateTableInput {
	in := &sdk.CreateTableInput{TableName: &t.Name, KeySchema: t.Keys.schema(), BillingMode: types.BillingModePayPerRequest}
	defined := map[string]bool{}
	define := func(k Keys) {
		for _, key := range []Key{k.Partition, k.Sort} {
			if key.Name != "" && !defined[key.Name] {
				defined[key.Name] = true
				in.AttributeDefinitions = append(in.AttributeDefinitions,
					types.AttributeDefinition{AttributeName: aws.String(key.Name), AttributeType: key.Type})
			}
		}
	}
	define(t.Keys)
	for _, index := range t.Indexes {
		define(index.Keys)
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName:  aws.String(index.Name),
			KeySchema:  index.Keys.schema(),
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		})
	}
	if t.Stream != "" {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: t.Stream}
	}
	return in
}

func (k Keys) schema() []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: aws.String(k.Partition.Name), KeyType: types.KeyTypeHash}}
	if k.Sort.Name != "" {
		schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(k.Sort.Name), KeyType: types.KeyTypeRange})
	}
	return schema
}

// described reads a table's description back into what it would be created from, its indexes in order of name.
func described(d *types.TableDescription) Table {
	kinds := map[string]types.ScalarAttributeType{}
	for _, attribute := range d.AttributeDefinitions {
		kinds[aws.ToString(attribute.AttributeName)] = attribute.AttributeType
	}
	keys := func(schema []types.KeySchemaElement) (k Keys) {
		for _, element := range schema {
			key := Key{Name: aws.ToString(element.AttributeName), Type: kinds[aws.ToString(element.AttributeName)]}
			if element.KeyType == types.KeyTypeHash {
				k.Partition = key
			} else {
				k.Sort = key
			}
		}
		return k
	}
	t := Table{Name: aws.ToString(d.TableName), Keys: keys(d.KeySchema)}
	for _, index := range d.GlobalSecondaryIndexes {
		t.Indexes = append(t.Indexes, Index{Name: aws.ToString(index.IndexName), Keys: keys(index.KeySchema)})
	}
	if d.StreamSpecification != nil && aws.ToBool(d.StreamSpecification.StreamEnabled) {
		t.Stream = d.StreamSpecification.StreamViewType
	}
	return t.ordered()
}

func (t Table) ordered() Table {
	t.Indexes = slices.SortedFunc(slices.Values(t.Indexes), func(a, b Index) int { return strings.Compare(a.Name, b.Name) })
	return t
}
