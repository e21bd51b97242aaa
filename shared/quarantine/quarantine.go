// Package quarantine keeps what couldn't be processed: the whole message, why, and a way to send it again. A message
// that is kept here may be acknowledged, so that nothing is lost and nothing blocks its neighbours.
//
// A record is a document, put once by the message's id: the same message delivered twice is kept once. Its first
// reason stands. Bytes too large for one document (a queue takes messages of a megabyte, an item of the table only
// 400 KB) are kept in parts beside it, in the same write.
package quarantine

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"billingcentre/shared/ledger"
	"billingcentre/shared/metric"
	"billingcentre/shared/refusal"
)

const (
	documentKind = "quarantine"
	partKind     = "quarantine-part"
	list         = "quarantine"
	inlineSize   = 48 << 10  // bytes of a body within the record; JSON may need six bytes to write one
	partSize     = 192 << 10 // bytes of a body in a document of its own; as base64 that is 256 KB
	maxDetail    = 1_000     // bytes of a reason, and of an attribute
)

// The statuses of a message.
const (
	Open     = "open"
	Replayed = "replayed"
)

// Message is one message that couldn't be processed.
type Message struct {
	ID         string            `json:"message_id"` // unique over all sources, such as a queue's message id
	Source     string            `json:"source"`     // where it came from: a word of ours, such as "usage-bills"
	Kind       string            `json:"kind"`       // a refusal's kind, or "internal"
	Detail     string            `json:"detail"`     // why, for an operator
	Attributes map[string]string `json:"attributes,omitempty"`
	KeptAt     time.Time         `json:"kept_at"`
	Status     string            `json:"status"`
	ReplayedAt time.Time         `json:"replayed_at,omitzero"`
	ReplayedBy string            `json:"replayed_by,omitempty"`
	Body       []byte            `json:"-"` // as it came, byte for byte
}

// rank is the message's place in the list of all.
func (m Message) rank() string {
	return m.KeptAt.UTC().Format("2006-01-02T15:04:05.000Z") + " " + m.ID
}

// Text is the body as text, and the encoding of that text: "utf-8" as it is, or "base64".
func (m Message) Text() (text, encoding string) {
	if utf8.Valid(m.Body) {
		return string(m.Body), "utf-8"
	}
	return base64.StdEncoding.EncodeToString(m.Body), "base64"
}

// Quarantine is the record of all messages. Every one that is kept counts in the metric Quarantined, by Source.
type Quarantine struct {
	Store   ledger.Store
	Now     func() time.Time
	Metrics *metric.Metrics
}

// kept is a message as it is stored. A body has parts, or is here.
type kept struct {
	Message
	Body     string `json:"body,omitempty"`
	Encoding string `json:"encoding,omitempty"`
	Parts    int    `json:"parts,omitempty"`
}

// Keep makes a message durable. One that is kept already stays as it is.
func (q *Quarantine) Keep(ctx context.Context, m Message) error {
	m.KeptAt, m.Status = q.Now().UTC().Truncate(time.Millisecond), Open
	m.Detail, m.Attributes = trimmed(m.Detail), maps.Clone(m.Attributes)
	for name, value := range m.Attributes {
		m.Attributes[name] = trimmed(value)
	}
	record, documents := kept{Message: m}, []ledger.Document(nil)
	if len(m.Body) > inlineSize {
		documents = parts(m)
		record.Parts = len(documents)
	} else {
		record.Body, record.Encoding = m.Text()
	}
	document := ledger.Document{Key: key(m.ID)}.With(record).In(list, m.rank())
	err := q.Store.Put(ctx, append(documents, document)...)
	switch {
	case errors.Is(err, ledger.ErrStale):
		return nil
	case err != nil:
		return fmt.Errorf("quarantine %s: %w", m.ID, err)
	}
	q.Metrics.Count("Quarantined", 1, "Source", m.Source)
	return nil
}

func key(id string) ledger.DocumentKey { return ledger.DocumentKey{Kind: documentKind, ID: id} }

// trimmed bounds a text: a bill of a thousand bad lines has thousands of reasons.
func trimmed(detail string) string {
	detail = strings.ToValidUTF8(detail, "\uFFFD")
	if len(detail) <= maxDetail {
		return detail
	}
	return strings.ToValidUTF8(detail[:maxDetail], "") + " …"
}

// parts are the documents of a body that is too large for one.
func parts(m Message) []ledger.Document {
	var documents []ledger.Document
	for rest := m.Body; len(rest) > 0; {
		part := rest[:min(len(rest), partSize)]
		rest = rest[len(part):]
		documents = append(documents, ledger.Document{Key: partKey(m.ID, len(documents))}.With(part))
	}
	return documents
}

func partKey(id string, part int) ledger.DocumentKey {
	return ledger.DocumentKey{Kind: partKind, ID: id + "/" + strconv.Itoa(part)}
}

// Get loads a message with its body. One that isn't there is the refusal NotFound.
func (q *Quarantine) Get(ctx context.Context, id string) (Message, error) {
	record, _, err := q.load(ctx, id)
	if err != nil {
		return Message{}, err
	}
	return record.Message, nil
}

func (q *Quarantine) load(ctx context.Context, id string) (kept, ledger.Document, error) {
	record, document, err := ledger.Read[kept](ctx, q.Store, key(id))
	if refusal.Is(err, refusal.NotFound) {
		return kept{}, document, refusal.Of(refusal.NotFound, "There is no such message in quarantine.")
	}
	if err == nil {
		err = q.fill(ctx, &record)
	}
	return record, document, err
}

// fill restores a body from where it is kept.
func (q *Quarantine) fill(ctx context.Context, record *kept) (err error) {
	switch {
	case record.Parts > 0:
		record.Message.Body, err = q.join(ctx, record.ID, record.Parts)
	case record.Encoding == "base64":
		record.Message.Body, err = base64.StdEncoding.DecodeString(record.Body)
	default:
		record.Message.Body = []byte(record.Body)
	}
	return err
}

func (q *Quarantine) join(ctx context.Context, id string, parts int) ([]byte, error) {
	keys := make([]ledger.DocumentKey, parts)
	for i := range keys {
		keys[i] = partKey(id, i)
	}
	found, err := q.Store.Documents(ctx, keys...)
	if err != nil {
		return nil, err
	}
	var body []byte
	for i, key := range keys {
		document, ok := found[key]
		if !ok {
			return nil, fmt.Errorf("quarantine %s: part %d of %d is missing", id, i+1, parts)
		}
		part, err := ledger.Body[[]byte](document)
		if err != nil {
			return nil, err
		}
		body = append(body, part...)
	}
	return body, nil
}

// List tells of messages, the last kept first. They come without their bodies. next is the place to go on before; "" at
// the end.
func (q *Quarantine) List(ctx context.Context, before string, limit int) (messages []Message, next string, err error) {
	return ledger.PageOf[Message](ctx, q.Store, list, before, limit)
}

// MarkReplayed notes that an operator has sent a message again. Sending again is harmless, since everything here is
// done once by its own key, so it may be marked more than once: the last time is told.
func (q *Quarantine) MarkReplayed(ctx context.Context, id, actor string) (Message, error) {
	for {
		record, document, err := q.load(ctx, id)
		if err != nil {
			return Message{}, err
		}
		record.Status, record.ReplayedAt, record.ReplayedBy = Replayed, q.Now().UTC().Truncate(time.Millisecond), actor
		err = q.Store.Put(ctx, document.With(record))
		switch {
		case err == nil:
			return record.Message, nil
		case !errors.Is(err, ledger.ErrStale):
			return Message{}, fmt.Errorf("quarantine %s: %w", id, err)
		}
	}
}
