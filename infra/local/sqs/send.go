package sqs

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"billingcentre/infra/local/uuid"
)

const (
	// maxMessageBytes bounds a message, and a batch of them: 1 MiB.
	maxMessageBytes = 1 << 20
	// maxAttributes of one message.
	maxAttributes = 10
	// maxAttributeName is the length of an attribute's name.
	maxAttributeName = 256
	// maxDelay of a message.
	maxDelay = 900
)

// Draft is a message to be sent.
type Draft struct {
	Body       string
	Attributes map[string]Attribute
	Delay      *int   // seconds, 0 to 900; the queue's DelaySeconds if nil
	Trace      string // AWSTraceHeader
	Group      string // MessageGroupId; has no effect but to be told
}

// size is what the limits count: body, and names, types and values of attributes.
func (d Draft) size() int {
	n := len(d.Body)
	for name, a := range d.Attributes {
		n += len(name) + len(a.DataType) + len(a.StringValue) + len(a.BinaryValue)
	}
	return n
}

// Queue is a queue for users in the same process. It is safe for concurrent use.
type Queue struct {
	server *Server
	name   string
}

// Name of the queue.
func (q *Queue) Name() string { return q.name }

// ARN of the queue.
func (q *Queue) ARN() string { return q.server.ARN(q.name) }

// Send puts a message on the queue and returns its id.
func (q *Queue) Send(d Draft) (id string, err error) {
	s := q.server
	s.mu.Lock()
	defer s.mu.Unlock()
	target, err := s.lookup(q.name)
	if err != nil {
		return "", err
	}
	if err := target.check(d); err != nil {
		return "", err
	}
	now := s.now()
	m := &message{
		id: uuid.New(), body: d.Body, attributes: d.Attributes,
		trace: d.Trace, group: d.Group, sent: now,
	}
	delay := target.attributes.seconds("DelaySeconds")
	if d.Delay != nil {
		delay = time.Duration(*d.Delay) * time.Second
	}
	target.add(m, now, now.Add(delay))
	return m.id, nil
}

// check refuses what AWS wouldn't take.
func (q *queue) check(d Draft) error {
	if d.Body == "" {
		return errMissing("MessageBody")
	}
	if limit := q.attributes.number("MaximumMessageSize"); d.size() > limit {
		return errParameter("One or more parameters are invalid. Reason: Message must be shorter than " + strconv.Itoa(limit) + " bytes.")
	}
	if !validText(d.Body) {
		return errContents()
	}
	if d.Delay != nil && (*d.Delay < 0 || *d.Delay > maxDelay) {
		return errValue(*d.Delay, "DelaySeconds", "DelaySeconds must be >= 0 and <= 900.")
	}
	if len(d.Attributes) > maxAttributes {
		return errParameter("Number of message attributes [" + strconv.Itoa(len(d.Attributes)) + "] exceeds the allowed maximum [10].")
	}
	for name, a := range d.Attributes {
		if err := checkMessageAttribute(name, a); err != nil {
			return err
		}
	}
	return nil
}

func checkMessageAttribute(name string, a Attribute) error {
	if !validAttributeName(name) {
		return errParameter("The message attribute name '" + name + "' is invalid.")
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	switch {
	case kind != "String" && kind != "Number" && kind != "Binary" || len(a.DataType) > maxAttributeName:
		return errParameter("The type of message attribute '" + name + "' is invalid. You must use only the following supported type prefixes: Binary, Number, String.")
	case a.IsBinary() && len(a.BinaryValue) == 0, !a.IsBinary() && a.StringValue == "":
		return errParameter("The message attribute '" + name + "' must contain a non-empty message attribute value of its type.")
	case !validText(a.StringValue):
		return errContents()
	case kind == "Number" && !isNumber(a.StringValue):
		return errParameter("Can't cast the value of message attribute '" + name + "' to a number.")
	}
	return nil
}

// isNumber only decides whether AWS would call it a number; the value stays text.
func isNumber(text string) bool {
	_, err := strconv.ParseFloat(text, 64)
	return err == nil
}

// validAttributeName: letters, digits, _-. ; not reserved, no dots at the ends
// nor in succession.
func validAttributeName(name string) bool {
	lower := strings.ToLower(name)
	if name == "" || len(name) > maxAttributeName ||
		strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	}) < 0
}

// validText is W3C's set of characters, as AWS demands.
func validText(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool {
		return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
	}) < 0
}
