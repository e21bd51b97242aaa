package sqs

import (
	"context"
	"crypto/rand"
	"maps"
	"time"
)

// maxInFlight messages of one queue, as on AWS.
const maxInFlight = 120_000

// Receipt asks for messages.
type Receipt struct {
	Max        int                // at most so many; there is no upper bound within the process
	Wait       time.Duration      // how long to wait for the first one
	Visibility *time.Duration     // how long they stay hidden; the queue's VisibilityTimeout if nil
	Accept     func(Message) bool // asked before each: false leaves it on the queue and ends the call. It must not call the server
}

// Receive takes visible messages and hides them for their visibility timeout. It
// waits until there is at least one, the wait is over (no messages, no error) or
// ctx ends (its error). A message that was received as often as the redrive
// policy allows goes to the dead-letter queue instead.
func (q *Queue) Receive(ctx context.Context, r Receipt) ([]Message, error) {
	deadline := time.NewTimer(r.Wait)
	defer deadline.Stop()
	for {
		messages, changed, next, err := q.take(r)
		if err != nil || len(messages) > 0 || r.Wait <= 0 {
			return messages, err
		}
		due := time.NewTimer(next)
		select {
		case <-changed:
			due.Stop()
		case <-due.C:
		case <-deadline.C:
			due.Stop()
			messages, _, _, err := q.take(r) // what became visible at the last instant
			return messages, err
		case <-ctx.Done():
			due.Stop()
			return nil, ctx.Err()
		}
	}
}

// take receives what is visible now. Where nothing is, it tells when to look
// again: when changed is closed, or after next.
func (q *Queue) take(r Receipt) (messages []Message, changed <-chan struct{}, next time.Duration, err error) {
	s := q.server
	s.mu.Lock()
	defer s.mu.Unlock()
	source, err := s.lookup(q.name)
	if err != nil {
		return nil, nil, 0, err
	}
	now := s.now()
	visibility := source.attributes.seconds("VisibilityTimeout")
	if r.Visibility != nil {
		visibility = *r.Visibility
	}
	for rest := source.visible.Len(); rest > 0 && len(messages) < r.Max; rest-- {
		m := source.visible.Front().Value.(*message)
		if s.deadLetter(source, m, now) {
			continue
		}
		if source.inFlight() >= maxInFlight {
			if len(messages) == 0 {
				return nil, nil, 0, errOverLimit()
			}
			break
		}
		delivery, accepted := source.deliver(m, r, now)
		if !accepted {
			break
		}
		messages = append(messages, delivery)
		source.setVisibility(m, now, now.Add(visibility))
	}
	next = time.Hour
	if len(source.hidden) > 0 {
		next = max(source.hidden[0].visibleAt.Sub(now), time.Millisecond)
	}
	return messages, source.changed, next, nil
}

// deliver marks a message as received once more, if the receiver accepts it.
func (q *queue) deliver(m *message, r Receipt, now time.Time) (Message, bool) {
	before := *m
	m.received++
	if m.firstReceived.IsZero() {
		m.firstReceived = now
	}
	m.receipt, m.receivedAt = rand.Text(), now
	delivery := Message{
		ID:              m.id,
		ReceiptHandle:   handle(q.name, m.id, m.receipt),
		Body:            m.body,
		MD5OfBody:       md5Hex(m.body),
		System:          m.system(),
		Attributes:      maps.Clone(m.attributes),
		MD5OfAttributes: md5OfAttributes(m.attributes),
	}
	if r.Accept != nil && !r.Accept(delivery) {
		*m = before
		return Message{}, false
	}
	return delivery, true
}

// deadLetter moves a message that was received too often, and says if it did. It
// keeps its id, its age and its count, as on AWS. A dead-letter queue that is
// gone takes nothing: the message stays.
func (s *Server) deadLetter(source *queue, m *message, now time.Time) bool {
	policy, ok := source.attributes.redrivePolicy()
	if !ok || m.received < policy.max {
		return false
	}
	target := s.byARN(policy.target)
	if target == nil || target == source {
		return false
	}
	source.drop(m)
	m.source, m.receipt = source.arn, ""
	target.add(m, now, now)
	return true
}
