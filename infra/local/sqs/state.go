package sqs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"time"

	"billingcentre/infra/local/wholefile"
)

// stateVersion of the file that Save writes.
const stateVersion = 1

// state is what is kept of a server between runs. Deliveries aren't: what was in
// flight is visible again, since whoever had received it is gone as well.
type state struct {
	Version int          `json:"version"`
	Queues  []queueState `json:"queues"`
}

type queueState struct {
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
	Tags       map[string]string `json:"tags,omitempty"`
	Created    time.Time         `json:"created"`
	Modified   time.Time         `json:"modified"`
	Messages   []messageState    `json:"messages"`
}

type messageState struct {
	ID            string               `json:"id"`
	Body          string               `json:"body"`
	Attributes    map[string]Attribute `json:"attributes,omitempty"`
	Trace         string               `json:"trace,omitempty"`
	Group         string               `json:"group,omitempty"`
	Source        string               `json:"source,omitempty"`
	Sent          time.Time            `json:"sent"`
	Received      int                  `json:"received,omitempty"`
	FirstReceived time.Time            `json:"first_received,omitzero"`
	DelayedUntil  time.Time            `json:"delayed_until,omitzero"`
}

// Save writes queues and messages to a file, all of it or nothing.
func (s *Server) Save(path string) error {
	text, err := json.Marshal(s.snapshot())
	if err != nil {
		return fmt.Errorf("encode queues: %w", err)
	}
	if err := wholefile.Write(path, text); err != nil {
		return fmt.Errorf("save queues: %w", err)
	}
	return nil
}

// Load takes over what Save wrote. It replaces every queue; a file that isn't
// there means a server without queues, and is no error.
func (s *Server) Load(path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("load queues: %w", err)
	}
	var saved state
	if err := json.Unmarshal(text, &saved); err != nil {
		return fmt.Errorf("load queues from %s: %w", path, err)
	}
	if saved.Version != stateVersion {
		return fmt.Errorf("load queues from %s: version %d, want %d", path, saved.Version, stateVersion)
	}
	s.restore(saved)
	return nil
}

func (s *Server) snapshot() state {
	s.mu.Lock()
	defer s.mu.Unlock()
	saved := state{Version: stateVersion}
	for _, name := range s.names("") {
		q := s.queues[name]
		q.advance(s.now())
		kept := queueState{
			Name: name, Attributes: q.attributes, Tags: q.tags,
			Created: q.created, Modified: q.modified, Messages: []messageState{},
		}
		for _, m := range q.inOrder() {
			kept.Messages = append(kept.Messages, m.state())
		}
		saved.Queues = append(saved.Queues, kept)
	}
	return saved
}

// inOrder lists the visible messages as they wait, then the hidden ones as they
// will become visible.
func (q *queue) inOrder() []*message {
	var all []*message
	for e := q.visible.Front(); e != nil; e = e.Next() {
		all = append(all, e.Value.(*message))
	}
	hidden := slices.Clone(q.hidden)
	slices.SortStableFunc(hidden, func(a, b *message) int { return a.visibleAt.Compare(b.visibleAt) })
	return append(all, hidden...)
}

func (m *message) state() messageState {
	kept := messageState{
		ID: m.id, Body: m.body, Attributes: m.attributes, Trace: m.trace, Group: m.group,
		Source: m.source, Sent: m.sent, Received: m.received, FirstReceived: m.firstReceived,
	}
	if m.delayed {
		kept.DelayedUntil = m.visibleAt
	}
	return kept
}

func (s *Server) restore(saved state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	clear(s.queues)
	for _, kept := range saved.Queues {
		settings := defaultAttributes() // for what an older file didn't know
		maps.Copy(settings, kept.Attributes)
		q := newQueue(kept.Name, s.ARN(kept.Name), settings, kept.Tags, kept.Created)
		q.modified = kept.Modified
		for _, m := range kept.Messages {
			q.add(&message{
				id: m.ID, body: m.Body, attributes: m.Attributes, trace: m.Trace, group: m.Group,
				source: m.Source, sent: m.Sent, received: m.Received, firstReceived: m.FirstReceived,
			}, now, m.DelayedUntil)
		}
		s.queues[kept.Name] = q
	}
}
