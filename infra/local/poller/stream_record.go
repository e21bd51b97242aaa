package poller

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// shardRecord is a record, encoded for the function's event.
type shardRecord struct {
	sequence string
	created  time.Time
	json     []byte
}

// streamRecord encodes a stream's record as Lambda does.
func streamRecord(r types.Record, arn, region string) (shardRecord, error) {
	if r.Dynamodb == nil || r.Dynamodb.SequenceNumber == nil {
		return shardRecord{}, errors.New("a stream record has no sequence number")
	}
	change := r.Dynamodb
	record := events.DynamoDBEventRecord{
		AWSRegion: region, EventID: aws.ToString(r.EventID), EventName: string(r.EventName),
		EventSource: "aws:dynamodb", EventVersion: aws.ToString(r.EventVersion), EventSourceArn: arn,
		Change: events.DynamoDBStreamRecord{
			SequenceNumber: *change.SequenceNumber,
			SizeBytes:      aws.ToInt64(change.SizeBytes),
			StreamViewType: string(change.StreamViewType),
		},
	}
	created := aws.ToTime(change.ApproximateCreationDateTime).UTC()
	record.Change.ApproximateCreationDateTime = events.SecondsEpochTime{Time: created}
	if r.UserIdentity != nil {
		record.UserIdentity = &events.DynamoDBUserIdentity{
			Type: aws.ToString(r.UserIdentity.Type), PrincipalID: aws.ToString(r.UserIdentity.PrincipalId),
		}
	}
	var err error
	for _, image := range []struct {
		to   *map[string]events.DynamoDBAttributeValue
		from map[string]types.AttributeValue
	}{
		{&record.Change.Keys, change.Keys}, {&record.Change.NewImage, change.NewImage}, {&record.Change.OldImage, change.OldImage},
	} {
		converted, failure := attributeMap(image.from)
		*image.to, err = converted, errors.Join(err, failure)
	}
	if err != nil {
		return shardRecord{}, fmt.Errorf("encode stream record %s: %w", *change.SequenceNumber, err)
	}
	text, err := encode(record)
	if err != nil {
		return shardRecord{}, fmt.Errorf("encode stream record %s: %w", *change.SequenceNumber, err)
	}
	return shardRecord{sequence: *change.SequenceNumber, created: created, json: text}, nil
}

func attributeMap(from map[string]types.AttributeValue) (map[string]events.DynamoDBAttributeValue, error) {
	to := make(map[string]events.DynamoDBAttributeValue, len(from))
	for name, value := range from {
		converted, err := attributeValue(value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		to[name] = converted
	}
	return to, nil
}

func attributeValue(value types.AttributeValue) (events.DynamoDBAttributeValue, error) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return events.NewStringAttribute(v.Value), nil
	case *types.AttributeValueMemberN:
		return events.NewNumberAttribute(v.Value), nil
	case *types.AttributeValueMemberB:
		return events.NewBinaryAttribute(v.Value), nil
	case *types.AttributeValueMemberBOOL:
		return events.NewBooleanAttribute(v.Value), nil
	case *types.AttributeValueMemberNULL:
		return events.NewNullAttribute(), nil
	case *types.AttributeValueMemberSS:
		return events.NewStringSetAttribute(v.Value), nil
	case *types.AttributeValueMemberNS:
		return events.NewNumberSetAttribute(v.Value), nil
	case *types.AttributeValueMemberBS:
		return events.NewBinarySetAttribute(v.Value), nil
	case *types.AttributeValueMemberM:
		members, err := attributeMap(v.Value)
		return events.NewMapAttribute(members), err
	case *types.AttributeValueMemberL:
		elements := make([]events.DynamoDBAttributeValue, len(v.Value))
		for i, element := range v.Value {
			converted, err := attributeValue(element)
			if err != nil {
				return events.DynamoDBAttributeValue{}, fmt.Errorf("[%d]: %w", i, err)
			}
			elements[i] = converted
		}
		return events.NewListAttribute(elements), nil
	}
	return events.DynamoDBAttributeValue{}, fmt.Errorf("unknown attribute value %T", value)
}
