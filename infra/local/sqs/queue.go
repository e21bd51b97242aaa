package sqs

import (
	"container/heap"
	"container/list"
	"time"
)

// queue is a standard queue. A message is either visible, in a list in the order
// in which it became visible, or hidden (delayed or in flight), in a heap by the
// instant at which it will be visible. The server's lock guards it.
type queue struct {
	name, arn         string
	attributes        attributes
	tags              map[string]string
	created, modified time.Time
	purged            time.Time

	messages map[string]*message
	visible  *list.List
	hidden   hiddenHeap
	delayed  int       // how many of the hidden ones are delayed
	oldest   time.Time // no message was sent before; zero if unknown

	changed chan struct{} // closed when a message may have become visible sooner
}

func newQueue(name, arn string, settings attributes, tags map[string]string, now time.Time) *queue {
	return &queue{
		name: name, arn: arn, attributes: settings, tags: tags, created: now, modified: now,
		messages: map[string]*message{}, visible: list.New(), changed: make(chan struct{}),
	}
}

// add takes a message in, delayed until then, or visible where then isn't after now.
func (q *queue) add(m *message, now, until time.Time) {
	m.hidden = -1
	q.messages[m.id] = m
	if q.oldest.IsZero() || m.sent.Before(q.oldest) {
		q.oldest = m.sent
	}
	if m.delayed = until.After(now); m.delayed {
		q.delayed++
	}
	q.place(m, now, until)
}

// setVisibility moves the end of a message's invisibility.
func (q *queue) setVisibility(m *message, now, until time.Time) {
	q.detach(m)
	q.place(m, now, until)
}

// place puts a message where it belongs and wakes who waits, if that is sooner
// than what they wait for.
func (q *queue) place(m *message, now, until time.Time) {
	if until.After(now) {
		m.visibleAt = until
		heap.Push(&q.hidden, m)
	} else {
		m.element = q.visible.PushBack(m)
	}
	if m.hidden <= 0 {
		q.wake()
	}
}

// drop takes a message out, wherever it is.
func (q *queue) drop(m *message) {
	q.detach(m)
	delete(q.messages, m.id)
}

// detach takes a message out of its place, list or heap.
func (q *queue) detach(m *message) {
	if m.element != nil {
		q.visible.Remove(m.element)
		m.element = nil
	}
	if m.hidden >= 0 {
		heap.Remove(&q.hidden, m.hidden)
	}
	if m.delayed {
		m.delayed = false
		q.delayed--
	}
}

// inFlight counts what was received and neither deleted nor visible again.
func (q *queue) inFlight() int { return len(q.hidden) - q.delayed }

func (q *queue) clear() {
	for _, m := range q.messages {
		q.drop(m)
	}
	q.oldest = time.Time{}
}

// advance lets time pass: what is due becomes visible, what is older than the
// retention period goes. A message in a dead-letter queue ages since it was
// first sent, as on AWS.
func (q *queue) advance(now time.Time) {
	for len(q.hidden) > 0 && !q.hidden[0].visibleAt.After(now) {
		m := q.hidden[0]
		q.detach(m)
		m.element = q.visible.PushBack(m)
	}
	retention := q.attributes.seconds("MessageRetentionPeriod")
	if q.oldest.IsZero() || now.Sub(q.oldest) < retention {
		return
	}
	q.oldest = time.Time{}
	for _, m := range q.messages {
		if now.Sub(m.sent) >= retention {
			q.drop(m)
		} else if q.oldest.IsZero() || m.sent.Before(q.oldest) {
			q.oldest = m.sent
		}
	}
}

// wake tells everybody who waits in a long poll to look again.
func (q *queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

// hiddenHeap orders hidden messages by the instant at which they become visible.
type hiddenHeap []*message

func (h hiddenHeap) Len() int           { return len(h) }
func (h hiddenHeap) Less(i, j int) bool { return h[i].visibleAt.Before(h[j].visibleAt) }
func (h hiddenHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].hidden, h[j].hidden = i, j
}

// Push and Pop are container/heap's.
func (h *hiddenHeap) Push(x any) {
	m := x.(*message)
	m.hidden = len(*h)
	*h = append(*h, m)
}

func (h *hiddenHeap) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	m.hidden = -1
	return m
}
