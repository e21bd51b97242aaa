package poller

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"billingcentre/infra/local/sqs"
)

// queueEventRecord is a record of events.SQSEvent, without a digest where there
// are no attributes, as Lambda sends it.
type queueEventRecord struct {
	events.SQSMessage
	Md5OfMessageAttributes string `json:"md5OfMessageAttributes,omitempty"`
}

// queueRecord encodes a message as a record of the function's event.
func queueRecord(m sqs.Message, arn, region string) ([]byte, error) {
	attributes := map[string]events.SQSMessageAttribute{}
	for name, a := range m.Attributes {
		attribute := events.SQSMessageAttribute{
			DataType: a.DataType, StringListValues: []string{}, BinaryListValues: [][]byte{},
		}
		if a.IsBinary() {
			attribute.BinaryValue = a.BinaryValue
		} else {
			attribute.StringValue = &a.StringValue
		}
		attributes[name] = attribute
	}
	record, err := encode(queueEventRecord{
		SQSMessage: events.SQSMessage{
			MessageId: m.ID, ReceiptHandle: m.ReceiptHandle, Body: m.Body, Md5OfBody: m.MD5OfBody,
			Attributes: m.System, MessageAttributes: attributes,
			EventSourceARN: arn, EventSource: "aws:sqs", AWSRegion: region,
		},
		Md5OfMessageAttributes: m.MD5OfAttributes,
	})
	if err != nil {
		return nil, fmt.Errorf("encode message %s: %w", m.ID, err)
	}
	return record, nil
}

// encode is json.Marshal without escapes that only HTML needs, which would make
// an event longer than it is on AWS.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}
