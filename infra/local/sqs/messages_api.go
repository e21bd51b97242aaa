package sqs

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// draft is a message as SendMessage and SendMessageBatch have it.
type draft struct {
	ID                      string `json:"Id"`
	MessageBody             string
	DelaySeconds            *int
	MessageAttributes       map[string]Attribute
	MessageSystemAttributes map[string]Attribute
	MessageDeduplicationID  string `json:"MessageDeduplicationId"`
	MessageGroupID          string `json:"MessageGroupId"`
}

type sent struct {
	ID                           string `json:"Id,omitempty"`
	MessageID                    string `json:"MessageId"`
	MD5OfMessageBody             string
	MD5OfMessageAttributes       string `json:",omitempty"`
	MD5OfMessageSystemAttributes string `json:",omitempty"`
}

// asDraft checks what only the protocol knows.
func (d draft) asDraft() (Draft, error) {
	for name := range d.MessageSystemAttributes {
		if name != "AWSTraceHeader" {
			return Draft{}, errParameter("The message system attribute name '" + name + "' is invalid.")
		}
	}
	if d.MessageDeduplicationID != "" {
		return Draft{}, errValue(d.MessageDeduplicationID, "MessageDeduplicationId", "The request include parameter that is not valid for this queue type.")
	}
	return Draft{
		Body: d.MessageBody, Attributes: d.MessageAttributes, Delay: d.DelaySeconds,
		Trace: d.MessageSystemAttributes["AWSTraceHeader"].StringValue, Group: d.MessageGroupID,
	}, nil
}

func (d draft) send(q *Queue) (sent, error) {
	message, err := d.asDraft()
	if err != nil {
		return sent{}, err
	}
	id, err := q.Send(message)
	if err != nil {
		return sent{}, err
	}
	return sent{
		ID: d.ID, MessageID: id, MD5OfMessageBody: md5Hex(d.MessageBody),
		MD5OfMessageAttributes:       md5OfAttributes(d.MessageAttributes),
		MD5OfMessageSystemAttributes: md5OfAttributes(d.MessageSystemAttributes),
	}, nil
}

type sendInput struct {
	QueueURL string `json:"QueueUrl"`
	draft
}

func (c call) sendMessage(in sendInput) (sent, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return sent{}, err
	}
	return in.send(q)
}

type receiveInput struct {
	QueueURL                    string   `json:"QueueUrl"`
	AttributeNames              []string // the older name of the next
	MessageSystemAttributeNames []string
	MessageAttributeNames       []string
	MaxNumberOfMessages         *int
	VisibilityTimeout           *int
	WaitTimeSeconds             *int
}

type receiveOutput struct {
	Messages []received `json:",omitempty"`
}

type received struct {
	MessageID              string `json:"MessageId"`
	ReceiptHandle          string
	MD5OfBody              string
	Body                   string
	Attributes             map[string]string    `json:",omitempty"`
	MD5OfMessageAttributes string               `json:",omitempty"`
	MessageAttributes      map[string]Attribute `json:",omitempty"`
}

func (c call) receiveMessage(in receiveInput) (receiveOutput, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return receiveOutput{}, err
	}
	ask, err := in.receipt(q)
	if err != nil {
		return receiveOutput{}, err
	}
	messages, err := q.Receive(c.ctx, ask)
	if err != nil {
		return receiveOutput{}, err
	}
	var out receiveOutput
	system := slices.Concat(in.AttributeNames, in.MessageSystemAttributeNames)
	for _, m := range messages {
		attributes := chosen(m.Attributes, in.MessageAttributeNames)
		out.Messages = append(out.Messages, received{
			MessageID: m.ID, ReceiptHandle: m.ReceiptHandle, MD5OfBody: m.MD5OfBody, Body: m.Body,
			Attributes:             chosen(m.System, system),
			MessageAttributes:      attributes,
			MD5OfMessageAttributes: md5OfAttributes(attributes),
		})
	}
	return out, nil
}

func (in receiveInput) receipt(q *Queue) (Receipt, error) {
	settings, err := q.Attributes()
	if err != nil {
		return Receipt{}, err
	}
	ask := Receipt{Max: 1, Wait: attributes(settings).seconds("ReceiveMessageWaitTimeSeconds")}
	if n := in.MaxNumberOfMessages; n != nil {
		if ask.Max = *n; *n < 1 || *n > maxBatch {
			return ask, errValue(*n, "MaxNumberOfMessages", "Must be between 1 and 10, if provided.")
		}
	}
	if n := in.WaitTimeSeconds; n != nil {
		if ask.Wait = time.Duration(*n) * time.Second; *n < 0 || *n > 20 {
			return ask, errValue(*n, "WaitTimeSeconds", "Must be >= 0 and <= 20, if provided.")
		}
	}
	if n := in.VisibilityTimeout; n != nil {
		visibility := time.Duration(*n) * time.Second
		if ask.Visibility = &visibility; *n < 0 || visibility > maxInvisible {
			return ask, errValue(*n, "VisibilityTimeout", "Must be between 0 and 43200, if provided.")
		}
	}
	return ask, nil
}

// chosen picks attributes by what was asked for: All, .*, a name, or prefix.*
func chosen[V any](all map[string]V, asked []string) map[string]V {
	picked := maps.Clone(all)
	maps.DeleteFunc(picked, func(name string, _ V) bool {
		return !slices.ContainsFunc(asked, func(ask string) bool {
			prefix, wild := strings.CutSuffix(ask, ".*")
			return ask == "All" || ask == name || wild && strings.HasPrefix(name, prefix)
		})
	})
	return picked
}

type deleteInput struct {
	QueueURL      string `json:"QueueUrl"`
	ReceiptHandle string
}

func (c call) deleteMessage(in deleteInput) (empty, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	return empty{}, q.Delete(in.ReceiptHandle)
}

type visibilityInput struct {
	QueueURL          string `json:"QueueUrl"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

func (c call) changeMessageVisibility(in visibilityInput) (empty, error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return empty{}, err
	}
	return empty{}, q.changeVisibilitySeconds(in.ReceiptHandle, in.VisibilityTimeout)
}

func (q *Queue) changeVisibilitySeconds(receiptHandle string, n *int) error {
	if n == nil {
		return errMissing("VisibilityTimeout")
	}
	if *n < 0 || *n > int(maxInvisible/time.Second) {
		return errValue(*n, "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200.")
	}
	return q.ChangeVisibility(receiptHandle, time.Duration(*n)*time.Second)
}
