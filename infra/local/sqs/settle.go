package sqs

import (
	"fmt"
	"time"
)

// maxInvisible is how long a message can be hidden in all since it was received.
const maxInvisible = 12 * time.Hour

// Delete removes the message of a delivery. A handle of an earlier delivery than
// the last, or of a message that is gone, succeeds without effect, as on AWS.
func (q *Queue) Delete(receiptHandle string) error {
	s := q.server
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := s.lookup(q.name)
	if err != nil {
		return err
	}
	id, receipt, ok := parseHandle(q.name, receiptHandle)
	if !ok {
		return errReceipt(receiptHandle)
	}
	if m := source.messages[id]; m != nil && m.receipt == receipt {
		source.drop(m)
	}
	return nil
}

// ChangeVisibility hides an in-flight message for so long from now; 0 makes it
// visible at once. Refused beyond 12 hours in all since it was received.
func (q *Queue) ChangeVisibility(receiptHandle string, timeout time.Duration) error {
	s := q.server
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := s.lookup(q.name)
	if err != nil {
		return err
	}
	if timeout < 0 || timeout > maxInvisible {
		return errValue(seconds(timeout), "VisibilityTimeout", "VisibilityTimeout must be an integer between 0 and 43200.")
	}
	id, receipt, ok := parseHandle(q.name, receiptHandle)
	if !ok {
		return errReceipt(receiptHandle)
	}
	m := source.messages[id]
	if m == nil || m.receipt != receipt {
		return errValue(receiptHandle, "ReceiptHandle", "Message does not exist or is not available for visibility timeout change.")
	}
	if m.hidden < 0 {
		return errNotInFlight()
	}
	now := s.now()
	if now.Add(timeout).Sub(m.receivedAt) > maxInvisible {
		return errValue(seconds(timeout), "VisibilityTimeout", "Total VisibilityTimeout for the message is beyond the limit [43200 seconds].")
	}
	source.setVisibility(m, now, now.Add(timeout))
	return nil
}

func seconds(d time.Duration) string { return fmt.Sprint(int(d / time.Second)) }
