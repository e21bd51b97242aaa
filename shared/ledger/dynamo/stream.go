package dynamo

import (
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"billingcentre/shared/ledger"
	"billingcentre/shared/wallet"
)

// Removed is the key of the entry whose removal a record tells of; "" for all other records. No one may remove an entry.
func Removed(record events.DynamoDBEventRecord) wallet.Key {
	pk := record.Change.Keys["pk"]
	if record.EventName != string(events.DynamoDBOperationTypeRemove) || pk.DataType() != events.DataTypeString {
		return ""
	}
	if key, is := strings.CutPrefix(pk.String(), entryPrefix); is {
		return wallet.Key(key)
	}
	return ""
}

// Committed tells what a record of the table's stream is about: an entry just as it was committed, or a document as it
// is now. Both are nil for a head, which is only the sum of its entries, and for what was deleted by hand.
func Committed(record events.DynamoDBEventRecord) (*wallet.Entry, *ledger.Document, error) {
	image := record.Change.NewImage
	if len(image) == 0 {
		return nil, nil, nil
	}
	from := make(item, len(image))
	for name, value := range image {
		switch value.DataType() {
		case events.DataTypeString:
			from[name] = str(value.String())
		case events.DataTypeBinary:
			from[name] = blob(value.Binary())
		case events.DataTypeNumber:
			from[name] = &types.AttributeValueMemberN{Value: value.Number()}
		default:
			return nil, nil, fmt.Errorf("dynamo: attribute %s of a streamed item has a type that no item has", name)
		}
	}
	switch pk := text(from, "pk"); {
	case strings.HasPrefix(pk, entryPrefix):
		entry, err := decodeEntry(pk, from)
		return &entry, nil, err
	case strings.HasPrefix(pk, documentPrefix):
		document, err := decodeDocument(pk, from)
		return nil, &document, err
	case strings.HasPrefix(pk, headPrefix):
		return nil, nil, nil
	default:
		return nil, nil, fmt.Errorf("dynamo: %q is no item of this table", pk)
	}
}
