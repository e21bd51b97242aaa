package faults

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// Transport is an http.RoundTripper beneath a DynamoDB client.
type Transport struct {
	desk
	next http.RoundTripper
}

var _ http.RoundTripper = (*Transport)(nil)

// Under puts faults under a client, over the connections of next.
func Under(next http.RoundTripper, plan Plan) *Transport {
	return &Transport{desk: desk{plan: plan}, next: next}
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(request.Header.Get("X-Amz-Target"), ".")
	body, err := readAll(request.Body)
	if err != nil {
		return nil, err
	}
	call, fault := t.ask(operation, writes(operation))
	defer t.through(call)
	send := func(ctx context.Context) (*http.Response, error) {
		again := request.Clone(ctx)
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		return t.next.RoundTrip(again)
	}
	unheard := func() {
		if response, err := send(context.WithoutCancel(request.Context())); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
	}
	switch fault.Kind {
	case Nothing:
		return send(request.Context())
	case AnswerLost, ServerErrorDone:
		unheard()
	case Late:
		t.hold(call, fault.After, unheard)
	}
	if answer, status := answerTo(operation, fault.Kind, body); status != 0 {
		return respond(request, status, answer), nil
	}
	return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

func readAll(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer body.Close()
	return io.ReadAll(body)
}

func writes(operation string) bool {
	switch operation {
	case "TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem":
		return true
	}
	return false
}

const (
	namespace = "com.amazonaws.dynamodb.v20120810#"
	hotKey    = "TableWriteKeyRangeThroughputExceeded"
)

// answerTo is the database's own words for a fault; status 0 when there is no answer at all.
func answerTo(operation string, kind Kind, body []byte) (answer any, status int) {
	type document = map[string]any
	transaction := operation == "TransactWriteItems"
	switch {
	case kind == ServerError || kind == ServerErrorDone:
		return document{"__type": namespace + "InternalServerError", "message": "Internal server error"}, 500
	case kind == ThrottledInside && transaction:
		return canceled(body, "ThrottlingError", "Throughput exceeds the current capacity for one or more global secondary indexes."), 400
	case kind == Throttled || kind == ThrottledInside:
		return document{
			"__type": namespace + "ThrottlingException", "message": "Throughput exceeds the current capacity of your table or index.",
			"throttlingReasons": []document{{"reason": hotKey, "resource": "arn:aws:dynamodb:us-east-1:000000000000:table/BillingTable"}},
		}, 400
	case kind == Conflict && transaction:
		return canceled(body, "TransactionConflict", "Transaction is ongoing for the item"), 400
	case kind == Conflict:
		return document{"__type": namespace + "TransactionConflictException", "message": "Transaction is ongoing for the item"}, 400
	case kind == TransactionRunning && transaction:
		return document{"__type": namespace + "TransactionInProgressException", "Message": "The transaction with the given request token is already in progress."}, 400
	}
	return nil, 0
}

// canceled is a cancelled transaction, for a reason that lies in its last action.
func canceled(body []byte, code, message string) any {
	var request struct{ TransactItems []json.RawMessage }
	if err := json.Unmarshal(body, &request); err != nil {
		panic(fmt.Sprintf("faults: the SDK sent no JSON: %v", err))
	}
	type reason struct{ Code, Message string }
	reasons := make([]reason, len(request.TransactItems))
	codes := make([]string, len(reasons))
	for i := range reasons {
		reasons[i].Code = "None"
		if i == len(reasons)-1 {
			reasons[i] = reason{code, message}
		}
		codes[i] = reasons[i].Code
	}
	return map[string]any{
		"__type":              namespace + "TransactionCanceledException",
		"Message":             "Transaction cancelled, please refer cancellation reasons for specific reasons [" + strings.Join(codes, ", ") + "]",
		"CancellationReasons": reasons,
	}
}

func respond(request *http.Request, status int, answer any) *http.Response {
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // maps and strings
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: request,
		Header:        http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amzn-Requestid": {"FAULT"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
}
