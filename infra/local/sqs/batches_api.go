package sqs

import (
	"errors"
	"fmt"
	"strings"
)

// maxBatch is the number of entries of a batch, and of messages of one receive.
const maxBatch = 10

// failed tells of one entry of a batch that was refused.
type failed struct {
	ID          string `json:"Id"`
	SenderFault bool
	Code        string
	Message     string
}

// batchOutput has both lists always, as AWS's answers do.
type batchOutput[Done any] struct {
	Successful []Done
	Failed     []failed
}

type done struct {
	ID string `json:"Id"`
}

// checkBatch refuses the batch as a whole.
func checkBatch[E any](entries []E, id func(E) string) error {
	if len(entries) == 0 {
		return legacyError("EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(entries) > maxBatch {
		return legacyError("TooManyEntriesInBatchRequest",
			fmt.Sprintf("Maximum number of entries per request are %d. You have sent %d.", maxBatch, len(entries)))
	}
	seen := map[string]bool{}
	for _, e := range entries {
		switch name := id(e); {
		case !validQueueName(name): // the same characters and length
			return legacyError("InvalidBatchEntryId",
				"A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.")
		case seen[name]:
			return legacyError("BatchEntryIdsNotDistinct", "Id "+name+" repeated.")
		default:
			seen[name] = true
		}
	}
	return nil
}

// each does every entry and sorts the outcomes.
func each[E, Done any](entries []E, id func(E) string, do func(E) (Done, error)) (batchOutput[Done], error) {
	out := batchOutput[Done]{Successful: []Done{}, Failed: []failed{}}
	for _, e := range entries {
		result, err := do(e)
		var refusal *Error
		switch {
		case errors.As(err, &refusal):
			out.Failed = append(out.Failed, failed{
				ID: id(e), SenderFault: true, Code: strings.TrimPrefix(refusal.queryCode(), legacy), Message: refusal.Message,
			})
		case err != nil:
			return out, err
		default:
			out.Successful = append(out.Successful, result)
		}
	}
	return out, nil
}

type sendBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []draft
}

func (c call) sendMessageBatch(in sendBatchInput) (batchOutput[sent], error) {
	var none batchOutput[sent]
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return none, err
	}
	id := func(d draft) string { return d.ID }
	if err := checkBatch(in.Entries, id); err != nil {
		return none, err
	}
	total := 0
	for _, d := range in.Entries {
		total += Draft{Body: d.MessageBody, Attributes: d.MessageAttributes}.size()
	}
	if total > maxMessageBytes {
		return none, legacyError("BatchRequestTooLong",
			fmt.Sprintf("Batch requests cannot be longer than %d bytes. You have sent %d bytes.", maxMessageBytes, total))
	}
	return each(in.Entries, id, func(d draft) (sent, error) { return d.send(q) })
}

type deleteEntry struct {
	ID            string `json:"Id"`
	ReceiptHandle string
}

type deleteBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []deleteEntry
}

func (c call) deleteMessageBatch(in deleteBatchInput) (batchOutput[done], error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return batchOutput[done]{}, err
	}
	id := func(e deleteEntry) string { return e.ID }
	if err := checkBatch(in.Entries, id); err != nil {
		return batchOutput[done]{}, err
	}
	return each(in.Entries, id, func(e deleteEntry) (done, error) { return done{e.ID}, q.Delete(e.ReceiptHandle) })
}

type visibilityEntry struct {
	ID                string `json:"Id"`
	ReceiptHandle     string
	VisibilityTimeout *int
}

type visibilityBatchInput struct {
	QueueURL string `json:"QueueUrl"`
	Entries  []visibilityEntry
}

func (c call) changeMessageVisibilityBatch(in visibilityBatchInput) (batchOutput[done], error) {
	q, err := c.queueAt(in.QueueURL)
	if err != nil {
		return batchOutput[done]{}, err
	}
	id := func(e visibilityEntry) string { return e.ID }
	if err := checkBatch(in.Entries, id); err != nil {
		return batchOutput[done]{}, err
	}
	return each(in.Entries, id, func(e visibilityEntry) (done, error) {
		return done{e.ID}, q.changeVisibilitySeconds(e.ReceiptHandle, e.VisibilityTimeout)
	})
}
