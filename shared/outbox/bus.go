package outbox

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"billingcentre/shared/event"
)

// What one PutEvents takes. AWS raised the 256 KB to 1 MB in January 2026, but not in its regions in China.
const (
	maxEntries = 10
	maxBytes   = 256<<10 - envelope
	// envelope is room for what the bus wraps an event in: with it, it must fit into a queue, which takes 256 KB, too.
	envelope = 1 << 10
)

// Bus publishes events on EventBridge.
type Bus struct {
	Client *eventbridge.Client
	Name   string
	Wanted []string // names of the events to publish (event.Matches)
}

// Publish puts events on the bus, in order, as many a call as fit. When it fails, published is how many of them are
// there for sure: the rest is to be sent again, whether the bus refused one or nobody knows.
func (b *Bus) Publish(ctx context.Context, told []event.Event) (published int, err error) {
	for published < len(told) {
		next, unfit := b.gather(told, published)
		if refused, err := b.put(ctx, next.entries); err != nil {
			return next.from[refused], err
		}
		if published = next.end; unfit != nil {
			return published, unfit
		}
	}
	return published, nil
}

// call is one PutEvents.
type call struct {
	entries []types.PutEventsRequestEntry
	from    []int // where among the events each is from
	end     int   // the first event that isn't among them
}

// gather is the next call, beginning at an event. The error is about the event at its end.
func (b *Bus) gather(told []event.Event, begin int) (call, error) {
	c, size := call{end: begin}, 0
	for ; c.end < len(told) && len(c.entries) < maxEntries; c.end++ {
		e := told[c.end]
		if !event.Matches(e.Name, b.Wanted) {
			continue
		}
		entry, bytes, err := b.entry(e)
		if err != nil {
			return c, err
		}
		if size += bytes; size > maxBytes {
			break
		}
		c.entries, c.from = append(c.entries, entry), append(c.from, c.end)
	}
	return c, nil
}

// entry is an event as PutEvents takes it, and what it counts. What is too large goes without its lines.
func (b *Bus) entry(e event.Event) (types.PutEventsRequestEntry, int, error) {
	size := func(text []byte) int { return len(event.Source) + len(e.Name) + len(text) }
	text, err := e.JSON()
	if err == nil && size(text) > maxBytes {
		text, err = e.Abridge().JSON()
	}
	if err == nil && size(text) > maxBytes {
		err = fmt.Errorf("outbox: the event %s is too large for the bus: %d bytes", e.Key, len(text))
	}
	return types.PutEventsRequestEntry{
		EventBusName: aws.String(b.Name), Source: aws.String(event.Source), DetailType: aws.String(e.Name), Detail: aws.String(string(text)),
	}, size(text), err
}

// put sends one request. When it fails, refused is the first entry that the bus may not have.
func (b *Bus) put(ctx context.Context, entries []types.PutEventsRequestEntry) (refused int, err error) {
	if len(entries) == 0 {
		return 0, nil
	}
	answer, err := b.Client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	if err != nil {
		return 0, fmt.Errorf("outbox: put events: %w", err)
	}
	if len(answer.Entries) != len(entries) {
		return 0, fmt.Errorf("outbox: put events: %d entries were answered by %d", len(entries), len(answer.Entries))
	}
	for i, result := range answer.Entries {
		if result.ErrorCode != nil {
			return i, fmt.Errorf("outbox: the bus refused an event: %s: %s", *result.ErrorCode, aws.ToString(result.ErrorMessage))
		}
	}
	return len(entries), nil
}
