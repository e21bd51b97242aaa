package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"billingcentre/infra/local/uuid"
)

const (
	targetPrefix = "AmazonSQS."
	contentType  = "application/x-amz-json-1.0"
	// maxRequestBytes is far above what a full batch takes, escaped.
	maxRequestBytes = 8 << 20
)

// call is one request: what operations need besides their input.
type call struct {
	*Server
	ctx  context.Context
	base string // what queue URLs begin with: scheme and host as the client sees them
}

// operation is one action of the API.
type operation func(c call, body []byte) (any, error)

// operations by their name after "AmazonSQS.".
var operations = map[string]operation{
	"CancelMessageMoveTask":        on(call.cancelMessageMoveTask),
	"ChangeMessageVisibility":      on(call.changeMessageVisibility),
	"ChangeMessageVisibilityBatch": on(call.changeMessageVisibilityBatch),
	"CreateQueue":                  on(call.createQueue),
	"DeleteMessage":                on(call.deleteMessage),
	"DeleteMessageBatch":           on(call.deleteMessageBatch),
	"DeleteQueue":                  on(call.deleteQueue),
	"GetQueueAttributes":           on(call.getQueueAttributes),
	"GetQueueUrl":                  on(call.getQueueURL),
	"ListDeadLetterSourceQueues":   on(call.listDeadLetterSourceQueues),
	"ListMessageMoveTasks":         on(call.listMessageMoveTasks),
	"ListQueueTags":                on(call.listQueueTags),
	"ListQueues":                   on(call.listQueues),
	"PurgeQueue":                   on(call.purgeQueue),
	"ReceiveMessage":               on(call.receiveMessage),
	"SendMessage":                  on(call.sendMessage),
	"SendMessageBatch":             on(call.sendMessageBatch),
	"SetQueueAttributes":           on(call.setQueueAttributes),
	"StartMessageMoveTask":         on(call.startMessageMoveTask),
	"TagQueue":                     on(call.tagQueue),
	"UntagQueue":                   on(call.untagQueue),
}

// on adapts a typed function to an operation.
func on[In, Out any](f func(call, In) (Out, error)) operation {
	return func(c call, body []byte) (any, error) {
		var in In
		if err := json.Unmarshal(body, &in); err != nil {
			return nil, &Error{Code: "SerializationException", Message: err.Error()}
		}
		return f(c, in)
	}
}

// empty is the answer of an operation that has none.
type empty struct{}

// ServeHTTP answers one request of the JSON protocol. Signatures aren't checked.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("X-Amzn-RequestId", uuid.New())
	answer, err := s.answer(r)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if err := json.NewEncoder(w).Encode(answer); err != nil {
		s.log.Debug("sqs answer not delivered", "error", err)
	}
}

func (s *Server) answer(r *http.Request) (any, error) {
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	action := operations[name]
	if r.Method != http.MethodPost || !ok || action == nil {
		return nil, &Error{Code: "InvalidAction", Message: "The action " + name + " is not valid for this endpoint."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxRequestBytes))
	if err != nil {
		return nil, &Error{Code: "RequestEntityTooLarge", Message: err.Error(), status: http.StatusRequestEntityTooLarge}
	}
	return action(call{Server: s, ctx: r.Context(), base: "http://" + r.Host}, body)
}

// refuse answers with AWS's error. A client that went away gets nothing.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	refusal, fault := &Error{}, "Sender"
	if !errors.As(err, &refusal) {
		s.log.Error("sqs failed", "target", r.Header.Get("X-Amz-Target"), "error", err)
		refusal, fault = &Error{Code: "InternalError", Message: "internal error", status: http.StatusInternalServerError}, "Receiver"
	}
	w.Header().Set("X-Amzn-Query-Error", refusal.queryCode()+";"+fault)
	w.WriteHeader(refusal.httpStatus())
	_ = json.NewEncoder(w).Encode(map[string]string{
		"__type": "com.amazonaws.sqs#" + refusal.Code, "message": refusal.Message,
	})
}

func (c call) queueURL(name string) string { return c.base + "/" + account + "/" + name }

// queueAt finds the queue that a URL names, whatever host it was built for.
func (c call) queueAt(queueURL string) (*Queue, error) {
	if queueURL == "" {
		return nil, errMissing("QueueUrl")
	}
	u, err := url.Parse(queueURL)
	if err != nil {
		return nil, errAddress(queueURL)
	}
	part := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(part) != 2 {
		return nil, errAddress(queueURL)
	}
	if part[0] != account {
		return nil, errNoQueue()
	}
	return c.Queue(part[1])
}
