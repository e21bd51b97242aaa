package sqs

import (
	"container/list"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Attribute is a message attribute's value, with the producer's type.
type Attribute struct {
	DataType    string `json:"DataType"`              // String, Number or Binary, each with an optional .label
	StringValue string `json:"StringValue,omitempty"` // unless Binary
	BinaryValue []byte `json:"BinaryValue,omitempty"` // if Binary
}

// IsBinary says which of the two values counts.
func (a Attribute) IsBinary() bool { return strings.HasPrefix(a.DataType, "Binary") }

// Message is one delivery of a message to one receiver.
type Message struct {
	ID              string
	ReceiptHandle   string // of this delivery: deletes it, or changes its visibility
	Body            string
	MD5OfBody       string
	System          map[string]string // SentTimestamp, ApproximateReceiveCount, ...
	Attributes      map[string]Attribute
	MD5OfAttributes string // "" without attributes
}

// message is a message in its queue, in exactly one of the queue's two places.
type message struct {
	id         string
	body       string
	attributes map[string]Attribute
	trace      string // AWSTraceHeader
	group      string // MessageGroupId: only told, on a standard queue
	source     string // ARN of the queue that it was dead-lettered from
	sent       time.Time

	received      int // deliveries over all queues, not counting a redrive's new start
	firstReceived time.Time

	// The delivery that is out, or was the last one.
	receipt    string
	receivedAt time.Time

	delayed   bool          // hidden because of DelaySeconds, not because it was received
	visibleAt time.Time     // while hidden
	hidden    int           // place in the queue's heap of hidden messages, -1 if visible
	element   *list.Element // place in the queue's list of visible messages, nil if hidden
}

// system attributes as of now, for the m'th delivery.
func (m *message) system() map[string]string {
	a := map[string]string{
		"SenderId":                         account,
		"SentTimestamp":                    millis(m.sent),
		"ApproximateReceiveCount":          strconv.Itoa(m.received),
		"ApproximateFirstReceiveTimestamp": millis(m.firstReceived),
	}
	for name, value := range map[string]string{
		"AWSTraceHeader": m.trace, "MessageGroupId": m.group, "DeadLetterQueueSourceArn": m.source,
	} {
		if value != "" {
			a[name] = value
		}
	}
	return a
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// handle names one delivery of one message of one queue. It is opaque to clients.
func handle(queueName, id, receipt string) string {
	return base64.URLEncoding.EncodeToString([]byte(queueName + " " + id + " " + receipt))
}

// parseHandle is handle's inverse; ok is false for anything that no handle of
// this queue can be.
func parseHandle(queueName, text string) (id, receipt string, ok bool) {
	raw, err := base64.URLEncoding.DecodeString(text)
	if err != nil {
		return "", "", false
	}
	part := strings.Split(string(raw), " ")
	if len(part) != 3 || part[0] != queueName {
		return "", "", false
	}
	return part[1], part[2], true
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Transport types in the digest of message attributes.
const (
	digestString = 1
	digestBinary = 2
)

// md5OfAttributes is AWS's digest: attributes sorted by name; of each the name,
// the type, one byte for string or binary, and the value, each with its length
// before it in 4 bytes. It is "" without attributes.
func md5OfAttributes(attributes map[string]Attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	digest := md5.New()
	put := func(field string) {
		var length [4]byte
		binary.BigEndian.PutUint32(length[:], uint32(len(field)))
		digest.Write(length[:])
		digest.Write([]byte(field))
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a := attributes[name]
		put(name)
		put(a.DataType)
		if a.IsBinary() {
			digest.Write([]byte{digestBinary})
			put(string(a.BinaryValue))
		} else {
			digest.Write([]byte{digestString})
			put(a.StringValue)
		}
	}
	return hex.EncodeToString(digest.Sum(nil))
}
